"""What agencies are offered to learn that something became of their things: a feed, and webhooks with their log."""

import re
from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.notifications import contract, deliveries, endpoints, feed
from agencies.notifications.serializers import (
    DELIVERY_STATES,
    EndpointBodySerializer,
    NothingSerializer,
    ReplayBodySerializer,
    delivery_body,
    endpoint_body,
)
from agencies.permissions import IsPrincipal
from agencies.principals import principal_of
from api_schema import headers, pagination, queries
from api_schema.answers import answer
from api_schema.problems import Malformed
from api_schema.words import Words
from audit.canonical import jcs
from audit.facts import Receipt
from audit.hashing import keyed
from audit.receipts import signed

T = TypeVar("T")
WAIT_MOST = 20
WAIT = Words(f"wait skal være 0-{WAIT_MOST} sekunder.", f"wait must be 0-{WAIT_MOST} seconds.")


class Events(APIView):
    """The agency's events."""

    permission_classes = [IsPrincipal]

    @contract.list_events
    def get(self, request: Request) -> Response:
        queries.only(request, ("cursor", "limit", "wait"))
        page = feed.read(
            by=principal_of(request),
            cursor=queries.text(request, "cursor"),
            size=pagination.page_size(request),
            wait=_wait(request),
        )
        body = {**pagination.listed(list(page.events), page.next), "checkpoint": page.checkpoint}
        return Response(body) if page.receipt is None else answer(body, receipt=signed(page.receipt))


class Endpoints(APIView):
    """The agency's webhook endpoints."""

    permission_classes = [IsPrincipal]

    @contract.list_endpoints
    def get(self, request: Request) -> Response:
        queries.only(request, ())
        by = principal_of(request)
        shown, receipt = endpoints.list_endpoints(by=by, purpose=purpose_of(request, by))
        return answer(pagination.listed([endpoint_body(each) for each in shown], None), receipt=signed(receipt))

    @contract.register_endpoint
    def post(self, request: Request) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        body = EndpointBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        shown = endpoints.register(
            body.validated_data["url"],
            body.validated_data["types"],
            by=by,
            purpose=purpose_of(request, by),
            key=key,
            body_hash=keyed("idempotent-body", jcs(request.data)),
        )
        return _shown(shown, status=201)


class OneEndpoint(APIView):
    """One webhook endpoint."""

    permission_classes = [IsPrincipal]

    @contract.read_endpoint
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        by = principal_of(request)
        return _shown(endpoints.read_endpoint(endpoint_id, by=by, purpose=purpose_of(request, by)))

    @contract.remove_endpoint
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        by = principal_of(request)
        receipt = endpoints.remove(endpoint_id, by=by, purpose=purpose_of(request, by))
        return answer(None, receipt=signed(receipt), status=204)


class RotateSecret(APIView):
    """The endpoint is given a new secret."""

    permission_classes = [IsPrincipal]

    @contract.rotate_secret
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        return _shown(_done(request, endpoints.rotate, endpoint_id))


class EnableEndpoint(APIView):
    """The endpoint is called again."""

    permission_classes = [IsPrincipal]

    @contract.enable_endpoint
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        return _shown(_done(request, endpoints.enable, endpoint_id))


class TryEndpoint(APIView):
    """The endpoint is called once, to try it."""

    permission_classes = [IsPrincipal]

    @contract.try_endpoint
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        return _in_line(_done(request, endpoints.try_out, endpoint_id))


class ReplaySince(APIView):
    """Everything since a time is posted again."""

    permission_classes = [IsPrincipal]

    @contract.replay_since
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        by = principal_of(request)
        body = ReplayBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        since = body.validated_data["since"]
        done = deliveries.replay_since(endpoint_id, since, by=by, purpose=purpose_of(request, by))
        return answer({"deliveries": done.count, "until": done.until}, receipt=signed(done.receipt), status=202)


class Deliveries(APIView):
    """The delivery log."""

    permission_classes = [IsPrincipal]

    @contract.list_deliveries
    def get(self, request: Request) -> Response:
        queries.only(request, ("endpoint", "state", "limit", "cursor"))
        by = principal_of(request)
        page = deliveries.list_deliveries(
            endpoint=queries.uuid(request, "endpoint"),
            state=queries.one_of(request, "state", DELIVERY_STATES, ""),
            by=by,
            purpose=purpose_of(request, by),
            size=pagination.page_size(request),
            cursor=request.query_params.get("cursor", ""),
        )
        body = pagination.listed([delivery_body(each) for each in page.deliveries], page.next)
        return answer(body, receipt=signed(page.receipt))


class ReplayDelivery(APIView):
    """One delivery is made again."""

    permission_classes = [IsPrincipal]

    @contract.replay_delivery
    def post(self, request: Request, delivery_id: UUID) -> Response:
        return _in_line(_done(request, deliveries.replay_one, delivery_id))


def _done(request: Request, act: Callable[..., T], on: UUID) -> T:
    """Do an act on one thing, of which the request says nothing else; return what comes of it."""
    NothingSerializer(data=request.data).is_valid(raise_exception=True)
    by = principal_of(request)
    return act(on, by=by, purpose=purpose_of(request, by))


def _shown(shown: endpoints.Shown, *, status: int = 200) -> Response:
    return answer(endpoint_body(shown), receipt=signed(shown.receipt), status=status, replayed=shown.replayed)


def _in_line(receipt: Receipt) -> Response:
    return answer({"deliveries": 1, "until": None}, receipt=signed(receipt), status=202)


def _wait(request: Request) -> int:
    text = request.query_params.get("wait", "0")
    if not re.fullmatch(r"[0-9]{1,2}", text) or int(text) > WAIT_MOST:
        raise Malformed(WAIT)
    return int(text)
