"""
What the HTTP contract offers for referrals. A view reads the request, does one act, and shapes what came of it.

It holds nothing undisclosed: it may not import the models.
"""

from dataclasses import replace
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.acting import purpose_of
from agencies.permissions import IsPrincipal
from agencies.principals import Principal, principal_of
from api_schema import headers, pagination, queries
from api_schema.answers import answer
from api_schema.problems import Invalid
from api_schema.validation import StrictSerializer, refuse
from api_schema.words import Words
from audit.canonical import jcs
from audit.hashing import keyed
from audit.receipts import signed
from consent.categories import Category
from referrals import actions, batch, contract, disclosure, listing
from referrals.bodies import (
    MOVE_BODIES,
    AmendSerializer,
    MessageBodySerializer,
    ReferralBodySerializer,
    ReferralChangeSerializer,
    basis_from,
    move_body,
)
from referrals.lifecycle import Move, Status
from referrals.serializers import referral_body, summary_body
from referrals.steps import MoveBody

ITEMS = Words("items skal være en liste med 1-500 henvisninger.", "items must be a list of 1-500 referrals.")
TAKEN_OVER = "taken_over_by_police"
LIST_FILTERS = ("role", "status", "assigned_to", "updated_since", "due_before", "external_reference", "limit", "cursor")
MESSAGES = {
    "information_request": Move.REQUEST_INFO,
    "information_answer": Move.ANSWER_INFO,
    "information_declined": Move.DECLINE_INFO,
}


def shown(referral_id: UUID, request: Request, *, status: int = 200, replayed: bool = False) -> Response:
    """Return the referral, freshly disclosed to whoever asks."""
    by = principal_of(request)
    told = disclosure.disclose(referral_id, to=by, purpose=purpose_of(request, by))
    return answer(
        referral_body(told),
        receipt=signed(told.receipt),
        status=status,
        version=told.referral.version,
        replayed=replayed,
        location=f"/api/v1/referrals/{referral_id}" if status == 201 else "",  # noqa: PLR2004
    )


class Referrals(APIView):
    """The collection: an agency's lists, and new referrals."""

    permission_classes = [IsPrincipal]

    @contract.list_referrals
    def get(self, request: Request) -> Response:
        by = principal_of(request)
        page = listing.list_referrals(_wanted(request), to=by, purpose=purpose_of(request, by))
        return answer(
            pagination.listed([summary_body(row) for row in page.rows], page.next), receipt=signed(page.receipt)
        )

    @contract.create_referral
    def post(self, request: Request) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        body = ReferralBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        draft = body.draft(key=key, body_hash=body_hash(request.data))
        made = actions.create(draft, submit=body.validated_data["submit"], by=by, purpose=purpose_of(request, by))
        return shown(made.id, request, status=201, replayed=made.replayed)


class Batch(APIView):
    """Up to 500 referrals in one request, each with a result of its own."""

    permission_classes = [IsPrincipal]

    @contract.create_batch
    def post(self, request: Request) -> Response:
        by = principal_of(request)
        key = headers.idempotency_key(request)
        items = request.data.get("items") if isinstance(request.data, dict) else None
        if not isinstance(items, list) or not 1 <= len(items) <= batch.SIZE_MAX or set(request.data) != {"items"}:
            raise Invalid(errors=[refuse("/items", "invalid_items", ITEMS)])
        read = [_item(item, f"{key} {index}") for index, item in enumerate(items)]
        results, receipt = batch.create_many(
            read, by=by, purpose=purpose_of(request, by), key=key, body_hash=body_hash(request.data)
        )
        bodies = [batch.result_body(index, result) for index, result in enumerate(results)]
        return answer({"results": bodies}, receipt=signed(receipt))


class OneReferral(APIView):
    """One referral."""

    permission_classes = [IsPrincipal]

    @contract.read_referral
    def get(self, request: Request, referral_id: UUID) -> Response:
        return shown(referral_id, request)

    @contract.edit_referral
    def patch(self, request: Request, referral_id: UUID) -> Response:
        by = principal_of(request)
        seen = headers.seen_version(request)
        body = ReferralChangeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        draft = body.draft(body_hash=body_hash(request.data))
        actions.edit(referral_id, draft, by=by, purpose=purpose_of(request, by), seen=seen)
        return shown(referral_id, request)


class TakeStep(APIView):
    """One move of one referral; `urls` gives each move an address and its body."""

    permission_classes = [IsPrincipal]
    move: ClassVar[Move]
    body: ClassVar[type[StrictSerializer]]

    def take(self, request: Request, referral_id: UUID) -> Response:
        """Take the step, and answer with the referral as it is then."""
        seen = headers.seen_version(request)
        body = self.body(data=request.data)
        body.is_valid(raise_exception=True)
        said = move_body(body.validated_data)
        if said.screening == "taken_over":
            said = replace(said, reason=TAKEN_OVER)
        taken_over = said.reason == TAKEN_OVER and self.move in {Move.CLOSE, Move.SCREEN}
        move = Move.TAKE_OVER if taken_over else self.move
        return _stepped(request, referral_id, move, said, seen=seen)


class Amendments(APIView):
    """What was corrected after submission: old, new and why."""

    permission_classes = [IsPrincipal]

    @contract.list_amendments
    def get(self, request: Request, referral_id: UUID) -> Response:
        told = _part(request, referral_id, disclosure.Wanted.AMENDMENTS)
        return answer(pagination.listed(told.amendments, None), receipt=signed(told.receipt))

    @contract.amend_referral
    def post(self, request: Request, referral_id: UUID) -> Response:
        seen = headers.seen_version(request)
        body = AmendSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return _stepped(request, referral_id, Move.AMEND, move_body(body.validated_data), seen=seen)


class Messages(APIView):
    """Requests for more information, and their answers."""

    permission_classes = [IsPrincipal]

    @contract.list_messages
    def get(self, request: Request, referral_id: UUID) -> Response:
        told = _part(request, referral_id, disclosure.Wanted.MESSAGES)
        return answer(pagination.listed(told.messages, None), receipt=signed(told.receipt))

    @contract.send_message
    def post(self, request: Request, referral_id: UUID) -> Response:
        seen = headers.seen_version(request)
        body = MessageBodySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        data = body.validated_data
        categories = data.get("categories", ())
        asked = ",".join(sorted(categories))
        said = MoveBody(
            reason=data.get("reason", ""),
            comment=data.get("comment", ""),
            about=tuple(map(Category, categories)) or (Category.REASON,),
            basis=basis_from(data.get("basis")),
            detail={"asked": asked} if asked else {},
        )
        return _stepped(request, referral_id, MESSAGES[data["kind"]], said, seen=seen)


def _part(request: Request, referral_id: UUID, wanted: disclosure.Wanted) -> disclosure.Disclosure:
    by = principal_of(request)
    queries.only(request, ())
    return disclosure.disclose(referral_id, to=by, purpose=purpose_of(request, by), wanted=wanted)


def _stepped(request: Request, referral_id: UUID, move: Move, said: MoveBody, *, seen: int) -> Response:
    by: Principal = principal_of(request)
    child = actions.take_step(referral_id, move, said, by=by, purpose=purpose_of(request, by), seen=seen)
    response = shown(referral_id, request)
    if child is not None:
        response["Link"] = f'</api/v1/referrals/{child}>; rel="child"'
    return response


def step_view(move: Move) -> type[TakeStep]:
    """Return the view of one move, with its body and its place in the contract."""
    body = MOVE_BODIES[move]
    name = "".join(word.title() for word in move.value.split("_"))

    def post(self: TakeStep, request: Request, referral_id: UUID) -> Response:
        return self.take(request, referral_id)

    described = contract.step(move, body)(post)
    return type(name, (TakeStep,), {"move": move, "body": body, "post": described, "__doc__": TakeStep.__doc__})


def body_hash(data: Any) -> str:
    """Return the keyed hash by which a replay is told from another body under the same key."""
    return keyed("idempotent-body", jcs(data))


def _item(data: Any, key: str) -> batch.Item:
    body = ReferralBodySerializer(data=data)
    try:
        body.is_valid(raise_exception=True)
    except ValidationError as error:
        return batch.unread(error)
    return batch.Item(draft=body.draft(key=key, body_hash=body_hash(data)), submit=body.validated_data["submit"])


def _wanted(request: Request) -> listing.Wanted:
    queries.only(request, LIST_FILTERS)
    return listing.Wanted(
        role=queries.one_of(request, "role", tuple(listing.SIDES), "received"),
        status=queries.some_of(request, "status", [str(status) for status in Status]),
        assigned_to=queries.text(request, "assigned_to"),
        updated_since=queries.time(request, "updated_since"),
        due_before=queries.time(request, "due_before"),
        external_reference=queries.text(request, "external_reference"),
        size=pagination.page_size(request),
        cursor=request.query_params.get("cursor", ""),
    )
