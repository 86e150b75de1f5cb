"""What is offered for tasks: to mark a minor as endangered, and an agency's own tasks."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import headers, pagination, queries
from api_schema.answers import answer
from audit.canonical import jcs
from audit.hashing import keyed
from audit.receipts import signed
from referrals import endangered, tasks
from referrals import tasks_contract as contract
from referrals.tasks_serializers import STATES, EndangeredSerializer, TaskDoneSerializer, task_body, task_summary


class Endangered(APIView):
    """The home municipality of an endangered minor is notified."""

    permission_classes = [IsPrincipal]

    @contract.mark_endangered
    def post(self, request: Request, referral_id: UUID) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        body = EndangeredSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        made = endangered.mark_endangered(
            referral_id,
            body.notification(),
            by=by,
            purpose=purpose_of(request, by),
            key=key,
            body_hash=keyed("idempotent-body", jcs({"referral": str(referral_id), "body": request.data})),
        )
        return _shown(made.task, request, status=201, replayed=made.replayed)


class Tasks(APIView):
    """The agency's own tasks."""

    permission_classes = [IsPrincipal]

    @contract.list_tasks
    def get(self, request: Request) -> Response:
        queries.only(request, ("state", "limit", "cursor"))
        by = principal_of(request)
        page = tasks.list_tasks(
            queries.one_of(request, "state", STATES, "open") or "open",
            to=by,
            purpose=purpose_of(request, by),
            size=pagination.page_size(request),
            cursor=request.query_params.get("cursor", ""),
        )
        rows = [task_summary(task) for task in page.tasks]
        return answer(pagination.listed(rows, page.next), receipt=signed(page.receipt))


class OneTask(APIView):
    """One task."""

    permission_classes = [IsPrincipal]

    @contract.read_task
    def get(self, request: Request, task_id: UUID) -> Response:
        queries.only(request, ())
        return _shown(task_id, request)


class Done(APIView):
    """A task is done."""

    permission_classes = [IsPrincipal]

    @contract.finish_task
    def post(self, request: Request, task_id: UUID) -> Response:
        by = principal_of(request)
        seen = headers.seen_version(request)
        body = TaskDoneSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        result = body.validated_data["reason"]
        tasks.finish(task_id, result=result, by=by, purpose=purpose_of(request, by), seen=seen)
        return _shown(task_id, request)


def _shown(task_id: UUID, request: Request, *, status: int = 200, replayed: bool = False) -> Response:
    by = principal_of(request)
    told = tasks.read_task(task_id, to=by, purpose=purpose_of(request, by))
    return answer(
        task_body(told),
        receipt=signed(told.receipt),
        status=status,
        version=told.task.version,
        replayed=replayed,
        location=f"/api/v1/tasks/{task_id}" if status == 201 else "",  # noqa: PLR2004
    )
