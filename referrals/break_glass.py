"""
Breaks the glass, tells at once who answers for the referral, and has somebody else review it (rule 18).

Broken glass opens nothing by itself: within its minutes its opener reads the referral for `averting_danger`, each read
a disclosure like any other (`emergency`, `disclosure`). It is flagged until a coordinator of the agency that answered
for the referral, or an auditor, has said whether it was justified; never the opener.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict, cast
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.models import WORKING_ROLES, Kind, Role
from agencies.principals import Principal
from api_schema import pagination
from api_schema.validation import refuse
from api_schema.words import Words
from audit import log
from audit.facts import Receipt, Subject
from audit.log import Act
from consent import vault
from consent.categories import Category
from consent.errors import KeyReused
from consent.models import LegalBasis
from referrals import disclosure, emergency, news, tasks
from referrals.disclosure import place
from referrals.duties_errors import AlreadyReviewed, GlassNotFound, ReviewedByAnother
from referrals.errors import SECTION_NOT_COVERED, NotCovered, ReasonNotValid, StaleVersion
from referrals.inspection import Case, check_case
from referrals.models import BreakGlass, Referral, Task
from referrals.policy import EMERGENCY, REVIEW_WITHIN, GlassState, glass_state

REASONS = "break-glass-reasons"
MADE_ONCE = ("referrals_breakglass_is_opened_once_per_key",)
NO_SUCH_REASON = Words("Skal være en af: {allowed}.", "Must be one of: {allowed}.")
REVIEWED = "reviewed"
"""The result of the tasks that a review does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaking:
    """Who breaks the glass says why, for which categories, and for how many minutes."""

    referral: UUID
    reason: str
    explanation: str
    categories: tuple[Category, ...]
    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The glass that was broken, and whether an earlier request with the same key had broken it."""

    id: UUID
    replayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassShown:
    """One broken glass as one reader was shown it. Auditors are shown no explanation, and staff are named to some."""

    glass: BreakGlass
    state: GlassState
    explanation: str | None
    staff_named: bool
    receipt: Receipt

    @property
    def version(self) -> int:
        """What its ETag says: 1, and 2 once it is reviewed."""
        return version_of(self.glass)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassPage:
    """A page of broken glass that was shown, the cursor to the next, and the receipt of its entry."""

    rows: Sequence[tuple[BreakGlass, GlassState, bool]]
    next: str | None
    receipt: Receipt


def break_glass(told: Breaking, *, by: Principal, purpose: str, key: str, body_hash: str) -> Broken:
    """
    Break the glass on a referral, and open the review for who answers for it; the same key returns the same glass.

    Raises `PurposeNotAllowed` unless danger is to be averted, `ReferralNotFound`, `ReasonNotValid`, `NotCovered` where
    it would open nothing of what is asked for to this reader, and `KeyReused`; all recorded.
    """
    return log.once_more(
        lambda: _break(told, by=by, purpose=purpose, key=key, body_hash=body_hash),
        on=MADE_ONCE,
    )


def _break(told: Breaking, *, by: Principal, purpose: str, key: str, body_hash: str) -> Broken:
    about = Subject("referral", told.referral)
    with acting("break-glass.open", by=by, about=about, purpose=purpose, changes=False) as act:
        if purpose != EMERGENCY:
            raise PurposeNotAllowed
        referral, glass_id = tasks.lock_referral(told.referral, by=by)
        made = BreakGlass.objects.filter(agency=by.agency, idempotency_key=key).values_list("id", "body_hash").first()
        if made is not None:
            if made[1] != body_hash:
                raise KeyReused
            act.action, act.about = "break-glass.replay", Subject("break-glass", made[0])
            return Broken(id=made[0], replayed=True)
        now = timezone.now()
        _check_reason(told.reason, at=now)
        opened = emergency.opened_by_glass(referral, by=by, at=now)
        beyond = [place for place, category in enumerate(told.categories) if category not in opened]
        if beyond:
            raise NotCovered(
                errors=[refuse(f"/categories/{place}", "section_not_covered", SECTION_NOT_COVERED) for place in beyond]
            )
        glass = _write(told, referral, glass_id, by=by, key=key, body_hash=body_hash)
        _alert(glass, at=now)
        news.glass_changed(glass, version=1)
        _rest_on_vital_interests(act, at=now)
        act.result_ids = (glass_id,)
        act.detail = {
            "version": str(referral.version),
            "reason": told.reason,
            "minutes": str(told.minutes),
            "opens": ",".join(sorted(told.categories)),
        }
        return Broken(id=glass_id, replayed=False)


def list_glass(
    state: GlassState | None, case: Case, *, by: Principal, purpose: str, size: int, cursor: str
) -> GlassPage:
    """
    Show a page of broken glass, newest first: what is flagged, or what is in one state.

    To coordinators of the agency that answered for the referral and of the opener's, and to auditors with a case.
    Raises `CaseNeeded` and `Malformed`; the former recorded.
    """
    bound_to = f"break-glass:{by.agency}:{by.membership}:{state}"
    about = Subject("inbox", "break-glass")
    with acting("break-glass.list", by=by, about=about, purpose=purpose, changes=False, **_looking(by)) as act:
        now = timezone.now()
        found = _theirs(by).filter(_in_state(state, at=now)).order_by("-id")
        if cursor:
            found = found.filter(id__lt=UUID(pagination.decode(cursor, bound_to=bound_to)[0]))
        act.detail = _because_of(case, by) | {"state": str(state or "flagged")}
        rows, more = pagination.page(
            list(found[: size + 1]), size=size, position=lambda glass: (str(glass.id),), bound_to=bound_to
        )
        act.result_ids = tuple(glass.id for glass in rows)
        _rest_on_vital_interests(act, at=now)
    return GlassPage(
        rows=[(glass, _state(glass, at=now), _names_staff(glass, by)) for glass in rows],
        next=more,
        receipt=act.committed,
    )


def read_glass(glass_id: UUID, case: Case, *, to: Principal, purpose: str) -> GlassShown:
    """
    Show one broken glass: to who may list it, and to its opener. Raises `GlassNotFound` and `CaseNeeded`, recorded.
    """
    return disclosure.patiently(lambda: _read(glass_id, case, to=to, purpose=purpose))


def _read(glass_id: UUID, case: Case, *, to: Principal, purpose: str) -> GlassShown:
    about, looking = Subject("break-glass", glass_id), _looking(to, *WORKING_ROLES)
    with acting("break-glass.disclose", by=to, about=about, purpose=purpose, changes=False, **looking) as act:
        act.detail = _because_of(case, to)
        seen = (
            _theirs(to)
            if to.role in (Role.COORDINATOR, Role.AUDITOR)
            else _glass().filter(user=to.user, agency=to.agency)
        )
        glass = seen.filter(pk=glass_id).first()
        if glass is None:
            raise GlassNotFound
        told = to.role != Role.AUDITOR and glass.referral.subject.erased_at is None
        act.result_ids = (glass.referral_id,)
        act.detail |= {"shown": "explanation"} if told else {}
        _rest_on_vital_interests(act, at=glass.opened_at)
    explanation = None
    if told:
        explanation = disclosure.release_explanation(glass.referral, glass.id, receipt=act.committed, to=to)
    return GlassShown(
        glass=glass,
        state=_state(glass, at=timezone.now()),
        explanation=explanation,
        staff_named=_names_staff(glass, to),
        receipt=act.committed,
    )


def review(glass_id: UUID, *, verdict: str, case: Case, by: Principal, purpose: str, seen: int) -> None:
    """
    Say whether a glass was broken with good reason; once, and by another than who broke it. It ends the tasks it
    opened, and a glass that is found unjustified opens nothing any more.

    Raises `GlassNotFound`, `ReviewedByAnother`, `StaleVersion`, `AlreadyReviewed` and `CaseNeeded`; all recorded.
    """
    about = Subject("break-glass", glass_id)
    with acting("break-glass.review", by=by, about=about, purpose=purpose, changes=False, **_looking(by)) as act:
        act.detail = _because_of(case, by) | {"verdict": verdict}
        glass = _theirs(by).filter(pk=glass_id).first()
        if glass is None:
            raise GlassNotFound
        act.result_ids = (glass.referral_id,)
        _rest_on_vital_interests(act, at=glass.opened_at)
        row = BreakGlass.objects.filter(pk=glass_id)
        reviewed_at = row.select_for_update().values_list("reviewed_at", flat=True).get()
        if by.user == glass.user_id or (by.role == Role.COORDINATOR and by.agency != glass.owner_id):
            raise ReviewedByAnother
        if seen != (1 if reviewed_at is None else 2):
            raise StaleVersion
        if reviewed_at is not None:
            raise AlreadyReviewed
        row.update(reviewed_at=Now(), reviewed_by=by.user, reviewer_staff_id=by.staff_id, verdict=verdict)
        news.glass_changed(glass, version=2)
        of_glass = Task.objects.filter(break_glass=glass_id, done_at__isnull=True)
        news.tasks_done(of_glass.select_for_update().defer("sealed"))
        tasks.mark_done(of_glass.filter(agency=by.agency), result=REVIEWED, staff=by.staff_id)
        tasks.mark_done(of_glass, result=REVIEWED, staff="")  # another agency's staff are not named to this one


def version_of(glass: BreakGlass) -> int:
    """Return the version of a glass: 1, and 2 once it is reviewed."""
    return 1 if glass.reviewed_at is None else 2


def _write(
    told: Breaking, referral: Referral, glass_id: UUID, *, by: Principal, key: str, body_hash: str
) -> BreakGlass:
    bound = place(referral.id, "break-glass", str(glass_id))
    return BreakGlass.objects.create(
        id=glass_id,
        referral=referral,
        agency_id=by.agency,
        owner_id=referral.responsible_id,
        user_id=cast(int, by.user),  # `acting` has refused who names nobody
        staff_id=by.staff_id,
        reason_code=told.reason,
        explanation=vault.seal(told.explanation, subject=referral.subject_id, belongs_to=bound),
        categories=[str(category) for category in told.categories],
        opened_at=Now(),
        until=Now() + timedelta(minutes=told.minutes),
        idempotency_key=key,
        body_hash=body_hash,
    )


def _alert(glass: BreakGlass, *, at: datetime) -> None:
    """Open the review, in the same transaction, for who answers for the referral and for the opener's own agency."""
    for agency in {glass.owner_id, glass.agency_id}:
        task = Task.objects.create(
            kind=tasks.REVIEW,
            referral_id=glass.referral_id,
            agency_id=agency,
            opened_by_id=glass.agency_id,
            due_by=at + REVIEW_WITHIN,
            break_glass=glass,
            idempotency_key=f"review {glass.id} {agency}",
            body_hash="",
        )
        news.task_opened(task)


class Looking(TypedDict):
    """Under which scope, and in which roles, somebody looks at broken glass."""

    scope: str
    roles: Collection[str]


def _looking(by: Principal, *others: str) -> Looking:
    """Return what this principal looks under; `others` are the roles besides coordinators and auditors."""
    scope = "audit" if by.role == Role.AUDITOR else "referrals"
    return Looking(scope=scope, roles=(Role.COORDINATOR, Role.AUDITOR, *others))


def _because_of(case: Case, by: Principal) -> dict[str, str]:
    """Return the case in which an auditor looks. Raises `CaseNeeded` where there is none."""
    if by.role != Role.AUDITOR:
        return {}
    check_case(case)
    return {"case_number": case.number, "case_reason": case.reason}


def _theirs(by: Principal) -> QuerySet[BreakGlass]:
    """Return the broken glass of the principal's agency, as owner or opener; to the oversight body, all of it."""
    if by.kind == Kind.OVERSIGHT and by.role == Role.AUDITOR:
        return _glass()
    return _glass().filter(Q(owner=by.agency) | Q(agency=by.agency))


def _glass() -> QuerySet[BreakGlass]:
    """Return broken glass with what an answer says about it; not the explanation, which the application can't read."""
    return BreakGlass.objects.select_related("agency", "owner", "referral__subject").defer("explanation")


def _in_state(state: GlassState | None, *, at: datetime) -> Q:
    late = at - REVIEW_WITHIN
    conditions = {
        None: Q(reviewed_at__isnull=True),
        GlassState.OPEN: Q(reviewed_at__isnull=True, until__gt=at),
        GlassState.UNREVIEWED: Q(reviewed_at__isnull=True, until__lte=at, opened_at__gte=late),
        GlassState.OVERDUE: Q(reviewed_at__isnull=True, opened_at__lt=late),
        GlassState.REVIEWED: Q(reviewed_at__isnull=False),
    }
    return conditions[state]


def _state(glass: BreakGlass, *, at: datetime) -> GlassState:
    return glass_state(glass.opened_at, glass.until, glass.reviewed_at, at=at)


def _names_staff(glass: BreakGlass, reader: Principal) -> bool:
    return reader.agency == glass.agency_id or reader.kind == Kind.OVERSIGHT


def _rest_on_vital_interests(act: Act, *, at: datetime) -> None:
    basis: LegalBasis | None = emergency.vital_basis(at)
    if basis is not None:
        act.basis, act.basis_version = basis.code, basis.version


def _check_reason(reason: str, *, at: datetime) -> None:
    allowed = [item.code for item in directory.valid_items(REASONS, on=at.date())]
    if reason not in allowed:
        raise ReasonNotValid(errors=[refuse("/reason", "unknown_reason", NO_SUCH_REASON, allowed=", ".join(allowed))])
