"""How the committed contract describes tasks and the notification about an endangered minor."""

from typing import Any

from rest_framework import serializers

from api_schema.describe import CHANGES, CREATES, PERSONAL, THE_ID, THE_VERSION, VERSIONED, leads_to, one_of, operation
from referrals.contract import COMEBACK, PAGE_QUERIES, REFERRAL_ID
from referrals.tasks_serializers import (
    STATES,
    EndangeredSerializer,
    TaskDoneSerializer,
    TaskSerializer,
    TaskSummarySerializer,
)

TAG = "Tasks"
STATEMENTS = [
    {"text": "Fortæller, at han bliver slået derhjemme.", "kind": "reported", "on": "2026-11-09", "source": "Samtale"}
]
SUMMARY: dict[str, Any] = {
    "id": "019a9e6f-7c10-7b52-9e0a-2d4c6e8f0a13",
    "version": 1,
    "kind": "notify_home_municipality",
    "state": "open",
    "opened_by": COMEBACK,
    "opened_at": "2026-11-10T13:02:44Z",
    "due_by": "2026-11-11T13:02:44Z",
    "overdue": False,
    "basis": {"code": "BL-135", "version": 1},
    "break_glass": None,
    "done_at": None,
    "done_reason": None,
}
TASK = {
    **SUMMARY,
    "referral": REFERRAL_ID,
    "notification": {"home_municipality": "0101", "birth_year": 2010, "statements": STATEMENTS},
}


class TaskPage(serializers.Serializer[None]):
    results = TaskSummarySerializer(many=True)
    next = serializers.CharField(allow_null=True)


mark_endangered = operation(
    "mark_endangered",
    "Mark a minor as endangered, and notify the home municipality",
    description="The duty of barnets lov § 133 or § 135. No state of the referral or of any consent stands in its way. "
    "The municipality is told what the statements say and nothing of the referral; the parents are not notified. "
    "Purpose: `child_protection`.",
    tag=TAG,
    request=EndangeredSerializer,
    response=TaskSerializer,
    status=201,
    sent={"home_municipality": "0101", "birth_year": 2010, "statements": STATEMENTS},
    got=TASK,
    traits=[PERSONAL, CREATES, VERSIONED],
    links={
        **leads_to("read_task", task_id=THE_ID),
        **leads_to("finish_task", task_id=THE_ID, If_Match=THE_VERSION),
    },
    problems=["not-notifiable", "not-complete", "not-covered", "unknown-reference"],
)
list_tasks = operation(
    "list_tasks",
    "List your agency's tasks",
    description="Newest first, without what they carry. The page is one entry naming each id shown.",
    tag=TAG,
    response=TaskPage,
    got={"results": [SUMMARY], "next": None},
    traits=[PERSONAL],
    queries=[("state", "`open`, unless given, or `done`.", one_of(STATES)), *PAGE_QUERIES],
)
read_task = operation(
    "read_task",
    "Read a task",
    description="A disclosure: recorded first, then shown. A notification is read for `child_protection`.",
    tag=TAG,
    response=TaskSerializer,
    got={**TASK, "referral": None},
    traits=[PERSONAL, VERSIONED],
)
finish_task = operation(
    "finish_task",
    "Say what came of a task",
    description="For coordinators and caseworkers of the agency whose task it is. See /code-lists/task-results.",
    tag=TAG,
    request=TaskDoneSerializer,
    response=TaskSerializer,
    sent={"reason": "received_and_assessed"},
    got={
        **TASK,
        "referral": None,
        "version": 2,
        "state": "done",
        "done_at": "2026-11-10T14:20:00Z",
        "done_reason": "received_and_assessed",
    },
    traits=[PERSONAL, CHANGES],
    problems=["task-not-open", "reason-not-valid"],
)
