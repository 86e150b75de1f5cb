"""
Who was shown what: the ledger read back for those entitled to ask about a referral. Metadata only, never content.

Looking is itself an act with an entry, and an auditor's look needs a case number or a coded reason (rule 18).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from operator import attrgetter
from uuid import UUID

from django.db.models import Exists, Func, OuterRef, Q, QuerySet, TextField, UUIDField
from django.db.models.functions import Cast

from agencies.acting import acting
from agencies.models import Kind, Role
from agencies.principals import Principal
from api_schema import pagination
from audit import trails
from audit.facts import Receipt, Subject
from audit.hashing import keyed
from audit.log import Act
from audit.models import Entry
from audit.trails import Named, Question
from consent.models import Consent
from consent.models import Subject as Person
from consent.naming import in_the_ledger
from referrals import policy
from referrals.as_of import AsOf, as_of
from referrals.errors import CaseNeeded, ReferralNotFound
from referrals.lifecycle import Move
from referrals.models import BreakGlass, Referral, Task

REASONS = ("routine_inspection", "complaint", "incident", "subject_access_request")
AUDITORS = (Role.AUDITOR,)
FILTERS = ("referral", "subject", "agency", "staff", "action", "basis", "outcome", "since", "until", "entries")
MOVES = tuple(f"referral.{move}" for move in Move)
STOPS = ("consent.withdraw", "consent.invalidate", "consent.refuse")
"""The acts on a consent that end it, and stop the referrals that rest on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Why an auditor looks: the number of a case, or a code for work that has none."""

    number: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A page of entries, the cursor to the next, and the receipt of the look itself."""

    entries: Sequence[Entry]
    next: str | None
    receipt: Receipt
    whole: bool = False
    """Whether the reader may see which other referrals an entry showed."""
    reader: UUID | None = None
    """The agency whose own staff are named to the reader; the others' are for the oversight body."""
    untold: Collection[Move] = ()
    """The moves whose reasons the reader is not told."""
    as_of: Mapping[UUID, AsOf] = field(default_factory=dict)
    """What stood when each entry about a referral of theirs was written."""


def inspect(question: Question, case: Case, *, by: Principal, purpose: str, size: int, cursor: str) -> Trail:
    """
    Return a page of the ledger to an auditor: all of it to the oversight body, its own agency's part to another.

    Raises `CaseNeeded` without a case number or reason, and `Malformed` for another's cursor; the former recorded.
    """
    whole = by.kind == Kind.OVERSIGHT
    bound_to = f"audit:{by.agency}:{by.membership}:{criterion(question)}"
    with looking("audit.inspect", question, case, by=by, purpose=purpose) as (act, asked):
        found = [trails.entries(replace(asked, visible=part)) for part in parts_seen_by(by)]
        entries, more = _page(found, size=size, cursor=cursor, bound_to=bound_to)
        stood = as_of(entries, within=Q() if whole else _party(by))
    return Trail(entries=entries, next=more, receipt=act.committed, whole=whole, reader=by.agency, as_of=stood)


@contextmanager
def looking(
    action: str, question: Question, case: Case, *, by: Principal, purpose: str
) -> Iterator[tuple[Act, Question]]:
    """
    Look into the ledger in one act that names its case; give the question with what there is of whom it asks about.

    Of which part of the ledger it may be asked is for whoever looks. Raises `CaseNeeded`.
    """
    about = Subject("referral", question.referral) if question.referral else Subject("ledger")
    with acting(action, by=by, about=about, purpose=purpose, scope="audit", roles=AUDITORS, changes=False) as act:
        check_case(case)
        act.criterion = criterion(question)
        act.detail = {"case_number": case.number, "case_reason": case.reason}
        asked = narrowed(question, by=by)
        if question.subject is not None and asked.things and not question.referral:
            act.about = in_the_ledger(question.subject)
        yield act, asked


def narrowed(question: Question, *, by: Principal) -> Question:
    """Return a question with what there is of the person it asks about, as whoever asks may know it."""
    things = _things_of(question.subject, by) if question.subject is not None else {}
    return replace(question, things=things)


def disclosures_of(referral_id: UUID, case: Case, *, by: Principal, purpose: str, size: int, cursor: str) -> Trail:
    """
    Return who was shown a referral, newest first: to the coordinators of its parties, and to auditors with a case.

    Raises `ReferralNotFound` and `CaseNeeded`, recorded.
    """
    auditor = by.role == Role.AUDITOR
    roles = (*AUDITORS, Role.COORDINATOR)
    scope = "audit" if auditor else "referrals"
    about = Subject("referral", referral_id)
    with acting(
        "referral.disclosures", by=by, about=about, purpose=purpose, scope=scope, roles=roles, changes=False
    ) as act:
        if auditor:
            check_case(case)
        if not _may_ask_about(referral_id, by, auditor=auditor):
            raise ReferralNotFound
        act.detail = {"case_number": case.number, "case_reason": case.reason} if auditor else {}
        bound_to = f"disclosures:{referral_id}:{by.agency}:{by.membership}"
        shown = trails.disclosures("referral", referral_id)
        parts = parts_seen_by(by)
        entries, more = _page([shown.filter(part) for part in parts], size=size, cursor=cursor, bound_to=bound_to)
    return Trail(entries=entries, next=more, receipt=act.committed, reader=by.agency)


def timeline(referral_id: UUID, *, by: Principal, purpose: str, size: int, cursor: str) -> Trail:
    """
    Return the steps a referral has taken, newest first, to either side; each with what a receipt is signed over.

    Raises `ReferralNotFound`, recorded.
    """
    about = Subject("referral", referral_id)
    with acting("referral.timeline", by=by, about=about, purpose=purpose, changes=False) as act:
        referral = Referral.objects.viewable_by(by).with_parties().filter(pk=referral_id).first()
        if referral is None:
            raise ReferralNotFound
        untold = policy.untold_reasons(by, referral.facts())
        act.categories = ("status",)
        bound_to = f"timeline:{referral_id}:{by.agency}:{by.membership}"
        steps = trails.steps("referral", referral_id, actions=MOVES, stops=STOPS)
        entries, more = _page([steps], size=size, cursor=cursor, bound_to=bound_to)
    return Trail(entries=entries, next=more, receipt=act.committed, untold=untold)


def check_case(case: Case) -> None:
    """Refuse a look without a case number or a reason, and a reason that is no code: it would go into the ledger."""
    if (not case.number and not case.reason) or (case.reason and case.reason not in REASONS):
        raise CaseNeeded(reasons=", ".join(REASONS))


def _page(parts: Sequence[QuerySet[Entry]], *, size: int, cursor: str, bound_to: str) -> tuple[list[Entry], str | None]:
    """Return a page of parts that have no entry in common, each of them newest first, and the cursor to the next."""
    if cursor:
        last = UUID(pagination.decode(cursor, bound_to=bound_to)[0])
        parts = [part.filter(id__lt=last) for part in parts]
    found = sorted((entry for part in parts for entry in part[: size + 1]), key=attrgetter("id"), reverse=True)
    return pagination.page(found[: size + 1], size=size, position=lambda entry: (str(entry.id),), bound_to=bound_to)


def _things_of(subject_id: UUID, by: Principal) -> Named:
    """Return what there is of a person, by kind: to the oversight body of anybody, else of its own agency's."""
    registered = Q() if by.kind == Kind.OVERSIGHT else Q(registered_by=by.agency)
    if not Person.objects.filter(registered, pk=subject_id).exists():
        return {}
    referrals = list(Referral.objects.filter(subject=subject_id).values_list("pk", flat=True))
    return {
        "subject": [str(in_the_ledger(subject_id).id)],
        "referral": referrals,
        "consent": list(Consent.objects.filter(subject=subject_id).values_list("pk", flat=True)),
        "task": list(Task.objects.filter(referral__in=referrals).values_list("pk", flat=True)),
        "break-glass": list(BreakGlass.objects.filter(referral__in=referrals).values_list("pk", flat=True)),
    }


def _may_ask_about(referral_id: UUID, by: Principal, *, auditor: bool) -> bool:
    if not auditor:
        return Referral.objects.viewable_by(by).filter(pk=referral_id).exists()
    party = Q() if by.kind == Kind.OVERSIGHT else _party(by)
    return Referral.objects.filter(party, pk=referral_id).exists()


def parts_seen_by(by: Principal) -> Sequence[Q]:
    """
    Return what of the ledger an auditor may see: all of it for the oversight body; for an agency's own its own acts,
    and others' on its referrals since it had part in them.

    The parts have no entry in common. Each is found by an index of its own, however few the agency's entries are.
    """
    if by.kind == Kind.OVERSIGHT:
        return (Q(),)
    looks = Q(action__startswith="audit.") | Q(action="referral.disclosures")
    others = Q(subject_kind="referral") & ~Q(actor_agency=by.agency) & ~looks
    named = Referral.objects.annotate(name=Cast("pk", TextField()))
    sent = named.filter(sender=by.agency).values("name")
    received = named.filter(recipient=by.agency, submitted_at__isnull=False)
    since = Exists(received.filter(pk=_uuid(OuterRef("subject_id")), submitted_at__lte=OuterRef("at")))
    return (
        Q(actor_agency=by.agency),
        others & Q(subject_id__in=sent),
        others & Q(subject_id__in=received.values("name")) & Q(since),
    )


def _uuid(text: OuterRef) -> Func:
    """Return the UUID that a text spells, for an index of UUIDs; NULL where it spells none, as an entry's may."""
    spelt = "(CASE WHEN pg_input_is_valid(%(expressions)s::uuid END)"
    return Func(text, text, template=spelt, arg_joiner=", 'uuid') THEN ", output_field=UUIDField())


def _party(by: Principal) -> Q:
    return Q(sender=by.agency) | Q(recipient=by.agency, submitted_at__isnull=False)


def parts(question: Question) -> dict[str, object]:
    """Return what was asked, by the names of the filters; a person as the ledger names them, and so no erased one."""
    asked = {name: getattr(question, name) for name in FILTERS}
    return asked | {"subject": question.subject and in_the_ledger(question.subject).id}


def criterion(question: Question) -> str:
    """Return the keyed hash by which the ledger knows a question again."""
    return keyed("audit-criterion", repr(parts(question)).encode())
