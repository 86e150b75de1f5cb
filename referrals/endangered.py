"""
Marks a minor as endangered, and so notifies their home municipality (barnets lov § 133 and § 135; rule 7).

The duty is the reporter's own: no consent, no other basis and no state of the referral stands in its way, and a promise
of anonymity gives way to it. What is told is told in the notification itself, not by opening the referral. The parents
are not notified: that is for the municipality, which is not told here whom to tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.models import Agency
from agencies.principals import Principal
from api_schema.validation import FieldError, refuse
from api_schema.words import Words
from audit import log
from audit.facts import Subject
from consent import grounds, vault
from consent.categories import Category
from consent.coverage import Parties, covered, is_public
from consent.errors import KeyReused
from consent.models import LegalBasis
from referrals import deadlines, drafts, news, policy, tasks
from referrals.disclosure import place
from referrals.duties_errors import NotNotifiable
from referrals.errors import COVERAGE_WORDS, NotComplete, NotCovered
from referrals.lifecycle import Status
from referrals.models import Referral, Task

HEIGHTENED, GENERAL = "BL-133", "BL-135"
TOLD = (Category.CONCERN,)
"""The category that a notification falls under: what somebody has seen, heard or concluded about the person."""

NOT_SHARED = frozenset({Status.DRAFT, Status.ENTERED_IN_ERROR})
MADE_ONCE = ("referrals_task_is_opened_once_per_key",)
HOME_UNKNOWN = Words("Angiv barnets bopælskommune.", "State the child's home municipality.")
NO_MUNICIPALITY = Words("Koden er ikke en kommune i dag.", "The code is no municipality today.")
NO_PART = Words(
    "Kommunen deltager ikke her: underret den ad dens egen kanal (barnets lov § 133).",
    "The municipality takes no part here: notify it by its own channel (barnets lov § 133).",
)
YEAR_UNKNOWN = Words("Personens fødselsår kendes ikke: angiv det.", "The birth year is not known: state it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What a reporter tells: where the child lives and when it was born, as far as known, and what was observed."""

    statements: Sequence[Mapping[str, Any]]
    home_municipality: str = ""
    birth_year: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """The task that came of a notification, and whether an earlier request with the same key had made it."""

    task: UUID
    replayed: bool


def mark_endangered(
    referral_id: UUID, told: Notification, *, by: Principal, purpose: str, key: str, body_hash: str
) -> Notified:
    """
    Mark the person of a referral as endangered, and notify their home municipality; the same key returns the same task.

    Raises `ReferralNotFound`, `NotNotifiable`, `NotComplete` where home or age is missing or the municipality takes no
    part, `NotCovered` where the person can't be a minor, `PurposeNotAllowed` and `KeyReused`; all recorded.
    """

    def once() -> Notified:
        return _mark(referral_id, told, by=by, purpose=purpose, key=key, body_hash=body_hash)

    return log.once_more(once, on=MADE_ONCE)


def _mark(referral_id: UUID, told: Notification, *, by: Principal, purpose: str, key: str, body_hash: str) -> Notified:
    with acting("referral.endangered", by=by, about=Subject("referral", referral_id), purpose=purpose) as act:
        referral, task_id = tasks.lock_referral(referral_id, by=by)
        made = Task.objects.filter(opened_by=by.agency, idempotency_key=key).values_list("id", "body_hash").first()
        if made is not None:
            if made[1] != body_hash:
                raise KeyReused
            act.action, act.about = "task.replay", Subject("task", made[0])
            return Notified(task=made[0], replayed=True)
        if referral.status in NOT_SHARED or referral.subject.erased_at is not None:
            raise NotNotifiable
        now = timezone.now()
        year = told.birth_year or referral.subject.birth_year
        home = told.home_municipality or referral.home_municipality
        agency = _municipality(home, year, at=now)
        basis = _basis(by, to=agency, born=year, purpose=purpose, at=now)
        content = {
            "home_municipality": home,
            "birth_year": year,
            "statements": [dict(said) for said in told.statements],
        }
        sealed = vault.seal(content, subject=referral.subject_id, belongs_to=place(referral.id, "task", str(task_id)))
        task = Task.objects.create(
            id=task_id,
            kind=tasks.NOTIFY,
            referral=referral,
            agency=agency,
            opened_by_id=by.agency,
            due_by=deadlines.within(deadlines.Deadline.NOTIFICATION, at=now),
            basis=basis,
            categories=[str(category) for category in TOLD],
            sealed=sealed,
            idempotency_key=key,
            body_hash=body_hash,
        )
        news.task_opened(task)
        _mark_row(referral, at=now)
        act.categories, act.result_ids = tuple(map(str, TOLD)), (task_id,)
        act.basis, act.basis_version = basis.code, basis.version
        act.detail = {"version": str(referral.version), "age": "stated" if told.birth_year else "registered"}
        return Notified(task=task_id, replayed=False)


def _mark_row(referral: Referral, *, at: datetime) -> None:
    """Mark the referral, once. It counts as a change, so that whoever is about to write the older row learns of it."""
    if referral.endangered_at is None:
        referral.endangered_at = at
        drafts.touch(referral)
        news.changed(referral)


def _municipality(home: str, year: int | None, *, at: datetime) -> Agency:
    """Return whom to notify. Raises `NotComplete`, saying all that is missing."""
    agency = directory.municipality_agency(home) if home else None
    errors: list[FieldError] = []
    if not home:
        errors = [refuse("/home_municipality", "required", HOME_UNKNOWN)]
    elif not directory.is_municipality(home, on=at.date()):
        errors = [refuse("/home_municipality", "not_a_municipality", NO_MUNICIPALITY)]
    elif agency is None:
        errors = [refuse("/home_municipality", "takes_no_part", NO_PART)]
    if year is None:
        errors.append(refuse("/birth_year", "required", YEAR_UNKNOWN))
    if agency is None or errors:
        raise NotComplete(errors=errors)
    return agency


def _basis(by: Principal, *, to: Agency, born: int | None, purpose: str, at: datetime) -> LegalBasis:
    """
    Return the duty under which this reporter notifies: the heightened one of public services, or everybody's.

    Raises `PurposeNotAllowed` and `NotCovered` where it does not carry the notification.
    """
    public = is_public(by.kind, self_governing=by.self_governing)
    basis = grounds.newest_basis(HEIGHTENED if public else GENERAL, on=at.date())
    parties = Parties(
        sender_kind=by.kind,
        sender_self_governing=by.self_governing,
        recipient=to.id,
        recipient_kind=to.kind,
        recipient_self_governing=False,
        birth_year=born,
        necessity_stated=False,
        disclosing="notification",
    )
    ground = None if basis is None else grounds.ground(basis)
    coverage = covered(ground, None, parties=parties, purpose=purpose, at=at)
    if policy.OTHER_PURPOSE & set(coverage.because):
        raise PurposeNotAllowed
    if basis is None or not set(TOLD) <= coverage.categories:
        codes = coverage.because or ("no_basis",)
        pointers = {"basis_not_for_age": "/birth_year"}
        raise NotCovered(errors=[refuse(pointers.get(code, ""), code, COVERAGE_WORDS[code]) for code in codes])
    return basis
