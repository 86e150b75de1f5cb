"""
Erases a person on a recorded disposal rule (rule 20): by destroying the key that all about them is sealed under.

What is destroyed opens in no copy of the database, however old. The rows, the consents and the ledger stay as the
proof of what was done; their hashes hold as before. Nothing here decides that somebody is to be erased: a named member
of the agency that registered them approves it.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.models import Role
from audit import log
from audit.facts import SYSTEM, Actor, Receipt, Refusal
from consent import naming, vault
from consent.models import Identifier, Subject

ACTION = "subject.erase"
APPROVERS = (Role.COORDINATOR, Role.ADMINISTRATOR)


class ErasureRefused(Refusal):
    """Why nobody was erased, in a sentence for whoever runs the command."""

    sentence: ClassVar[str] = "Nobody was erased."


class NoSuchPerson(ErasureRefused):
    code = "not-found"
    sentence = "There is no such subject."


class ApproverUnknown(ErasureRefused):
    code = "approver-unknown"
    sentence = "The approver must be an active coordinator or administrator of the agency that registered the person."


class DisposalRuleUnknown(ErasureRefused):
    code = "disposal-rule-unknown"
    sentence = "The rule must be one of /code-lists/disposal-rules that is valid today for that kind of agency."


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """Who was erased, whether an earlier run had begun it, and their anonymous case, which has a key of its own."""

    subject: UUID
    again: bool
    formerly: UUID | None
    receipt: Receipt


def approver(subject_id: UUID, *, staff_id: str) -> Actor:
    """
    Return who approves, as the ledger names them: a coordinator or administrator of the agency that registered the
    person.

    Raises `NoSuchPerson` and `ApproverUnknown`, recorded.
    """
    about = naming.in_the_ledger(subject_id)
    person = Subject.objects.filter(pk=subject_id).first()
    member = directory.active_member(person.registered_by_id, staff_id, roles=APPROVERS) if person else None
    if member is None:
        refusal = ApproverUnknown() if person else NoSuchPerson()
        log.deny(ACTION, by=SYSTEM, about=about, refusal=refusal)
        raise refusal
    return Actor(agency=member.agency_id, user=str(member.user_id), on_behalf_of=staff_id, role=member.role)


def erase(subject_id: UUID, *, rule: str, by: Actor) -> Erased:
    """
    Erase a person: record it, commit, and destroy their key. Done again after a crash in between, it completes.

    Raises `NoSuchPerson` for a person of another agency and `DisposalRuleUnknown`, recorded; then nothing was done.
    """
    with log.act(ACTION, by=by, about=naming.in_the_ledger(subject_id)) as act:
        person = Subject.objects.select_for_update(of=("self",)).filter(pk=subject_id, registered_by=by.agency).first()
        if person is None:
            raise NoSuchPerson
        _check_rule(rule, kind=person.registered_by.kind)
        again = person.erased_at is not None
        if not again:
            person.erased_at, person.birth_year, person.ledger_name = timezone.now(), None, ""
            person.save(update_fields=["erased_at", "birth_year", "ledger_name"])
        Identifier.objects.filter(subject=person).delete()
        act.detail = {"rule": rule, **({"again": "yes"} if again else {})}
    vault.destroy_key(subject_id)
    return Erased(subject=subject_id, again=again, formerly=person.formerly_id, receipt=act.committed)


def _check_rule(rule: str, *, kind: str) -> None:
    found = directory.valid_items("disposal-rules", on=timezone.now().date(), code=rule)
    if not found or kind not in found[0].attributes["agency_kinds"]:
        raise DisposalRuleUnknown
