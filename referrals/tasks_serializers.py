"""The wire form of tasks, and of the notification about an endangered minor that opens one."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers

from api_schema.validation import CodeField, StrictSerializer
from referrals.endangered import Notification
from referrals.sections import BackgroundSerializer, StatementSerializer, UnscoredSerializer, several
from referrals.serializers import AgencyRefSerializer
from referrals.tasks import NOTIFY, REVIEW, TaskShown

KINDS = (NOTIFY, REVIEW)
STATES = ("open", "done")
STATEMENTS_MOST = 20


class EndangeredSerializer(UnscoredSerializer):
    """The body of `POST /referrals/{id}/endangered`: what the home municipality is told, and no more than that."""

    home_municipality = serializers.RegexField(
        r"^\d{4}$", required=False, help_text="The municipality's code; the referral's own unless stated."
    )
    birth_year = serializers.IntegerField(
        required=False, min_value=1900, max_value=2100, help_text="Needed where the person's is not registered."
    )
    statements = several(StatementSerializer, most=STATEMENTS_MOST)

    def validate_birth_year(self, value: int) -> int:
        return BackgroundSerializer().validate_birth_year(value)

    def notification(self) -> Notification:
        """Return the validated body as what `endangered` asks for, dates as text."""
        data = self.validated_data
        plain = [
            {name: value.isoformat() if name == "on" else value for name, value in said.items()}
            for said in data["statements"]
        ]
        return Notification(
            statements=plain,
            home_municipality=data.get("home_municipality", ""),
            birth_year=data.get("birth_year"),
        )


class TaskDoneSerializer(StrictSerializer):
    """What came of a task. See /code-lists/task-results."""

    reason = serializers.CharField(max_length=64)


class TaskBasisSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    version = serializers.IntegerField()


class TaskSummarySerializer(serializers.Serializer[Any]):
    """A task in a list: nothing of what it carries."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    kind = CodeField(choices=KINDS)
    state = CodeField(choices=STATES)
    opened_by = AgencyRefSerializer()
    opened_at = serializers.DateTimeField()
    due_by = serializers.DateTimeField()
    overdue = serializers.BooleanField()
    basis = TaskBasisSerializer(allow_null=True)
    break_glass = serializers.UUIDField(allow_null=True, help_text="The broken glass to review.")
    done_at = serializers.DateTimeField(allow_null=True)
    done_reason = serializers.CharField(allow_null=True)


class NotificationShownSerializer(serializers.Serializer[Any]):
    """What was told about an endangered minor."""

    home_municipality = serializers.CharField()
    birth_year = serializers.IntegerField()
    statements = StatementSerializer(many=True)


class TaskSerializer(TaskSummarySerializer):
    """A task as it was shown to one reader."""

    referral = serializers.UUIDField(allow_null=True, help_text="To the parties to the referral alone.")
    notification = NotificationShownSerializer(
        allow_null=True, help_text="Null for other kinds, and once the person was erased."
    )


def task_body(shown: TaskShown) -> dict[str, Any]:
    """Return a task that was shown as its wire form."""
    return {
        **task_summary(shown.task),
        "referral": str(shown.task.referral_id) if shown.party else None,
        "notification": shown.content,
    }


def task_summary(task: Any) -> dict[str, Any]:
    """Return a task as a list shows it."""
    done = task.done_at is not None
    basis, opened_by = task.basis, task.opened_by
    return {
        "id": str(task.id),
        "version": task.version,
        "kind": task.kind,
        "state": "done" if done else "open",
        "opened_by": {"id": str(opened_by.id), "code": opened_by.code, "name": opened_by.name_da},
        "opened_at": task.opened_at,
        "due_by": task.due_by,
        "overdue": not done and task.due_by < timezone.now(),
        "basis": basis and {"code": basis.code, "version": basis.version},
        "break_glass": str(task.break_glass_id) if task.break_glass_id else None,
        "done_at": task.done_at,
        "done_reason": task.done_reason or None,
    }
