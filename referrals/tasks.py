"""
What an agency has to do because of a referral: its open tasks, each read as a disclosure and done for a coded reason.

A task outlives whatever becomes of the referral and of any consent (rule 7). It is for the agency whose task it is and
for the one that opened it; to anyone else it is not there. How one is opened: `endangered` and `break_glass`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.errors import PurposeNotAllowed
from agencies.ids import UUIDv7
from agencies.models import Role
from agencies.principals import Principal
from api_schema import pagination
from api_schema.validation import refuse
from api_schema.words import Words
from audit.facts import Receipt, Subject
from audit.log import Act
from referrals import disclosure, news
from referrals.duties_errors import TaskNotFound, TaskNotOpen
from referrals.errors import ReasonNotValid, ReferralNotFound, StaleVersion
from referrals.models import Referral, Task

NOTIFY, REVIEW = "notify_home_municipality", "review_break_glass"
PURPOSE = "child_protection"
"""The one purpose for which a municipality is shown a notification: its basis allows no other."""

RESULTS = "task-results"
NO_SUCH_RESULT = Words("Skal være en af: {allowed}.", "Must be one of: {allowed}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShown:
    """One task as one reader was shown it; `content` is what it carries in itself, or None where that is nothing."""

    task: Task
    content: dict[str, Any] | None
    party: bool
    receipt: Receipt
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskPage:
    """A page of tasks that was shown, the cursor to the next, and the receipt of its entry."""

    tasks: Sequence[Task]
    next: str | None
    receipt: Receipt


def list_tasks(state: str, *, to: Principal, purpose: str, size: int, cursor: str) -> TaskPage:
    """
    Show a page of the agency's own tasks that are `open` or `done`, newest first; nothing of what they carry.

    Raises `Malformed` for a cursor of another list, and the refusals of `agencies.acting`, recorded.
    """
    bound_to = f"tasks:{to.agency}:{to.membership}:{state}"
    with acting("task.list", by=to, about=Subject("inbox", "tasks"), purpose=purpose, changes=False) as act:
        found = _tasks().filter(agency=to.agency, done_at__isnull=state == "open").order_by("-id")
        if cursor:
            found = found.filter(id__lt=UUID(pagination.decode(cursor, bound_to=bound_to)[0]))
        rows, more = pagination.page(
            list(found[: size + 1]), size=size, position=lambda task: (str(task.id),), bound_to=bound_to
        )
        act.result_ids = tuple(task.id for task in rows)
        act.detail = {"state": state}
    return TaskPage(tasks=rows, next=more, receipt=act.committed)


def read_task(task_id: UUID, *, to: Principal, purpose: str) -> TaskShown:
    """
    Show a task with what it carries. No consent is asked for: none can stand in its way (rule 7).

    Raises `TaskNotFound`, and `PurposeNotAllowed` where a notification is read for another purpose; recorded.
    """
    return disclosure.patiently(lambda: _read(task_id, to=to, purpose=purpose))


def _read(task_id: UUID, *, to: Principal, purpose: str) -> TaskShown:
    with acting("task.disclose", by=to, about=Subject("task", task_id), purpose=purpose, changes=False) as act:
        theirs = Q(agency=to.agency) | Q(opened_by=to.agency)
        task = _tasks().filter(theirs, pk=task_id).first()
        if task is None:
            raise TaskNotFound
        check_purpose(task, by=to, purpose=purpose)
        erased = task.referral.subject.erased_at is not None
        act.categories = () if erased else tuple(task.categories)
        describe(act, task)
    told = bool(act.categories)
    content = disclosure.release_task(task.referral, task.id, receipt=act.committed, to=to) if told else None
    party = to.agency in (task.referral.sender_id, task.referral.recipient_id)
    return TaskShown(task=task, content=content, party=party, receipt=act.committed)


def finish(task_id: UUID, *, result: str, by: Principal, purpose: str, seen: int) -> None:
    """
    Say what came of a task, and so do it. A review is done by reviewing, and not here.

    Raises `TaskNotFound`, `StaleVersion`, `TaskNotOpen`, `ReasonNotValid` and `PurposeNotAllowed`; recorded.
    """
    roles = (Role.CASEWORKER, Role.COORDINATOR)
    with acting("task.done", by=by, about=Subject("task", task_id), purpose=purpose, roles=roles, changes=False) as act:
        own = Task.objects.filter(pk=task_id, agency=by.agency)
        task = own.select_for_update().defer("sealed").first()
        if task is None:
            raise TaskNotFound
        check_purpose(task, by=by, purpose=purpose)
        if task.version != seen:
            raise StaleVersion
        if task.done_at is not None or task.kind != NOTIFY:
            raise TaskNotOpen
        _check_result(result)
        mark_done(own, result=result, staff=by.staff_id)
        news.tasks_done([task])
        act.detail, act.result_ids = {"reason": result}, (task.referral_id,)


def mark_done(tasks: QuerySet[Task], *, result: str, staff: str) -> None:
    """Mark these tasks as done, at the database's own time."""
    tasks.update(done_at=Now(), done_by_staff=staff, done_reason=result, version=F("version") + 1)


def lock_referral(referral_id: UUID, *, by: Principal) -> tuple[Referral, UUID]:
    """
    Return a referral that the principal can see, its row locked, and an id for what is opened because of it: what is
    sealed is bound to its id, so that has to be known first. Raises `ReferralNotFound`.
    """
    found = Referral.objects.viewable_by(by).with_parties().filter(pk=referral_id)
    referral = found.first()
    if referral is None:
        raise ReferralNotFound
    row = Referral.objects.select_for_update().filter(pk=referral_id)
    version, new_id = row.values_list("version", UUIDv7()).get()
    return (referral if referral.version == version else found.get()), new_id


def check_purpose(task: Task, *, by: Principal, purpose: str) -> None:
    """Refuse to let a municipality use what it is notified of for anything but the child (`PurposeNotAllowed`)."""
    if task.kind == NOTIFY and task.opened_by_id != by.agency and purpose != PURPOSE:
        raise PurposeNotAllowed


def describe(act: Act, task: Task) -> None:
    """Write into an act which task it shows, because of which referral, and on which basis."""
    act.result_ids = (task.referral_id,)
    act.detail = {"kind": task.kind, "version": str(task.version)}
    if task.basis is not None:
        act.basis, act.basis_version = task.basis.code, task.basis.version


def _tasks() -> QuerySet[Task]:
    """Return tasks with what an answer says about them; not what they carry, which the application can't read."""
    return Task.objects.select_related("agency", "opened_by", "basis", "referral__subject").defer("sealed")


def _check_result(result: str) -> None:
    allowed = [item.code for item in directory.valid_items(RESULTS, on=timezone.now().date())]
    if result not in allowed:
        raise ReasonNotValid(errors=[refuse("/reason", "unknown_reason", NO_SUCH_RESULT, allowed=", ".join(allowed))])
