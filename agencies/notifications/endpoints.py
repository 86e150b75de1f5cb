"""
The acts on an agency's webhook endpoints: register, list, rotate the secret, enable again, try, remove.

For the agency's administrators, each act with its entry. Which addresses may be called is `addresses`' to say; whom to
call about what, `events`'.
"""

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.errors import KeyReused, NotThere
from agencies.models import Role
from agencies.notifications import addresses, delivering, events, signing
from agencies.notifications.errors import (
    NOT_CALLABLE,
    EndpointIsDisabled,
    EndpointNotValid,
    TooManyEndpoints,
)
from agencies.notifications.models import Endpoint, EndpointState, Type
from agencies.principals import Principal
from api_schema.validation import refuse
from audit import log
from audit.facts import Receipt, Subject

SCOPE = "notifications"
MOST = 10
AGAIN_WITHIN = timedelta(minutes=10)
"""How long a rotation that is asked for again is the same one."""
MADE_ONCE = ("agencies_endpoint_is_made_once_per_key",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An endpoint as its agency is shown it after an act; `secret` when it is new, and never again."""

    id: UUID
    url: str
    types: Sequence[str]
    state: str
    disabled_because: str
    registered_at: datetime
    failing_since: datetime | None
    rotated_at: datetime | None
    secret: str | None
    receipt: Receipt
    replayed: bool = False


def register(url: str, types: Collection[str], *, by: Principal, purpose: str, key: str, body_hash: str) -> Shown:
    """
    Register an address that the agency's events are posted to; the same key and body return the endpoint already made.

    Raises `EndpointNotValid` for an address that may not be called, `TooManyEndpoints` and `KeyReused`; recorded.
    """
    return log.once_more(
        lambda: _register(url, types, by=by, purpose=purpose, key=key, body_hash=body_hash), on=MADE_ONCE
    )


def _register(url: str, types: Collection[str], *, by: Principal, purpose: str, key: str, body_hash: str) -> Shown:
    unfit = _why_not(url, by=by)
    with administering("endpoint.register", by=by, purpose=purpose) as act:
        made = Endpoint.objects.filter(agency=by.agency, idempotency_key=key).first()
        replayed = made is not None
        if made is None:
            if unfit:
                raise EndpointNotValid(errors=[refuse("/url", unfit, NOT_CALLABLE[unfit])])
            directory.hold(by.agency)
            if Endpoint.objects.filter(agency=by.agency).exclude(state=EndpointState.REMOVED).count() >= MOST:
                raise TooManyEndpoints
            made = Endpoint.objects.create(
                agency_id=by.agency,
                url=url,
                types=sorted(set(types)),
                staff_id=by.staff_id,
                idempotency_key=key,
                body_hash=body_hash,
            )
            made.refresh_from_db()
        elif made.body_hash != body_hash or made.state == EndpointState.REMOVED:
            raise KeyReused
        else:
            act.action = "endpoint.replay"
        act.about = Subject("endpoint", made.id)
    return _shown(made, act, secret=made.generation == 1, replayed=replayed)


def list_endpoints(*, by: Principal, purpose: str) -> tuple[Sequence[Shown], Receipt]:
    """Show the agency's endpoints, oldest first; there are ten at most."""
    with administering("endpoint.list", by=by, purpose=purpose, changes=False) as act:
        found = list(Endpoint.objects.filter(agency=by.agency).exclude(state=EndpointState.REMOVED).order_by("id"))
        act.result_ids = tuple(endpoint.id for endpoint in found)
    return [_shown(endpoint, act) for endpoint in found], act.committed


def read_endpoint(endpoint_id: UUID, *, by: Principal, purpose: str) -> Shown:
    """Show one endpoint. Raises `NotThere`, recorded."""
    with administering("endpoint.read", by=by, purpose=purpose, about=endpoint_id, changes=False) as act:
        endpoint = own(endpoint_id, by=by)
    return _shown(endpoint, act)


def rotate(endpoint_id: UUID, *, by: Principal, purpose: str) -> Shown:
    """
    Give the endpoint a new secret, and return it; for a day calls are signed with the one before as well.

    Asked again within ten minutes, as after a lost answer, it returns the same one; a later rotation within the day
    ends the first secret at once. Raises `NotThere`, recorded.
    """
    with administering("endpoint.rotate", by=by, purpose=purpose, about=endpoint_id) as act:
        endpoint, now = own(endpoint_id, by=by, locked=True), timezone.now()
        if endpoint.rotated_at is None or now - endpoint.rotated_at > AGAIN_WITHIN:
            endpoint.generation, endpoint.rotated_at = endpoint.generation + 1, now
            endpoint.save(update_fields=["generation", "rotated_at"])
        act.detail = {"generation": str(endpoint.generation)}
    return _shown(endpoint, act, secret=True)


def enable(endpoint_id: UUID, *, by: Principal, purpose: str) -> Shown:
    """
    Call a disabled endpoint again, from the next event on; what it missed is replayed when asked for.

    Raises `NotThere`, and `EndpointNotValid` where its address may not be called by now; recorded.
    """
    url = Endpoint.objects.filter(pk=endpoint_id, agency=by.agency).values_list("url", flat=True).first()
    unfit = "" if url is None else _why_not(url, by=by)
    with administering("endpoint.enable", by=by, purpose=purpose, about=endpoint_id) as act:
        endpoint = own(endpoint_id, by=by, locked=True)
        if unfit:
            raise EndpointNotValid(errors=[refuse("", unfit, NOT_CALLABLE[unfit])])
        endpoint.state, endpoint.disabled_because = EndpointState.ACTIVE, ""
        endpoint.failing_since = endpoint.resting_until = None
        endpoint.save(update_fields=["state", "disabled_because", "failing_since", "resting_until"])
    return _shown(endpoint, act)


def try_out(endpoint_id: UUID, *, by: Principal, purpose: str) -> Receipt:
    """Have the endpoint called with an event that says nothing. Raises `NotThere` and `EndpointIsDisabled`."""
    with administering("endpoint.test", by=by, purpose=purpose, about=endpoint_id, changes=False) as act:
        endpoint = own(endpoint_id, by=by)
        if endpoint.state != EndpointState.ACTIVE:
            raise EndpointIsDisabled
        events.tell_one(endpoint, Type.ENDPOINT_TEST)
    return act.committed


def remove(endpoint_id: UUID, *, by: Principal, purpose: str) -> Receipt:
    """Call the endpoint no more, for good. What is in line for it is cancelled. Raises `NotThere`, recorded."""
    with administering("endpoint.remove", by=by, purpose=purpose, about=endpoint_id) as act:
        endpoint = own(endpoint_id, by=by, locked=True)
        endpoint.state, endpoint.disabled_because = EndpointState.REMOVED, ""
        endpoint.save(update_fields=["state", "disabled_because"])
        delivering.cancel_waiting(endpoint.id)
    return act.committed


def administering(
    action: str, *, by: Principal, purpose: str, about: UUID | str = "", changes: bool = True
) -> AbstractContextManager[log.Act]:
    """Open an act on an agency's endpoints, for its administrators. Raises what `acting` does."""
    return acting(
        action,
        by=by,
        about=Subject("endpoint", about),
        purpose=purpose,
        scope=SCOPE,
        roles=(Role.ADMINISTRATOR,),
        changes=changes,
    )


def own(endpoint_id: UUID, *, by: Principal, locked: bool = False) -> Endpoint:
    """Return an endpoint of the principal's agency that is not removed. Raises `NotThere`."""
    # not the key: acts that tell the agency something, and so refer to the endpoint, need not wait
    known = Endpoint.objects.select_for_update(no_key=True) if locked else Endpoint.objects.all()
    found = known.filter(pk=endpoint_id, agency=by.agency).exclude(state=EndpointState.REMOVED).first()
    if found is None:
        raise NotThere
    return found


def _why_not(url: str, *, by: Principal) -> str:
    """Return why an address may not be called; it asks the resolver, so before the act, and for who may register."""
    if by.role != Role.ADMINISTRATOR or by.lacks(SCOPE):
        return ""  # the act refuses them
    try:
        addresses.target(url)
    except addresses.NotCallable as error:
        return error.code
    return ""


def _shown(endpoint: Endpoint, act: log.Act, *, secret: bool = False, replayed: bool = False) -> Shown:
    return Shown(
        id=endpoint.id,
        url=endpoint.url,
        types=endpoint.types,
        state=endpoint.state,
        disabled_because=endpoint.disabled_because,
        registered_at=endpoint.registered_at,
        failing_since=endpoint.failing_since,
        rotated_at=endpoint.rotated_at,
        secret=signing.secret_of(endpoint.id, endpoint.generation) if secret else None,
        receipt=act.committed,
        replayed=replayed,
    )
