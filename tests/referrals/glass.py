"""Broken glass over HTTP, and beneath it as the database's owner would plant it."""

from typing import Any
from uuid import uuid4

from django.db import connections, transaction

from agencies.models import Kind
from tests.exchange import Answer, Caller, Exchange, Party
from tests.referrals.walks import Walk, walk, withdraw_consent

DANGER = {"Purpose": "averting_danger"}
WHY = "Han ringer og siger, at han vil gøre en ende på det."


def breaking(referral: str, **changes: Any) -> dict[str, Any]:
    """Why the glass is broken; a change to None leaves a member out."""
    body = {
        "referral": referral,
        "reason": "danger_to_life",
        "explanation": WHY,
        "categories": ["contact", "reason"],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def break_glass(by: Caller, referral: str, **changes: Any) -> Answer:
    """Break the glass on a referral."""
    return by.create(breaking(referral, **changes), path="break-glass", **DANGER)


def broken(by: Caller, referral: str, **changes: Any) -> str:
    """Break the glass on a referral; return the glass's id."""
    made = break_glass(by, referral, **changes)
    assert made.status == 201, made
    return str(made.body["id"])


def review(by: Caller, glass: str, verdict: str = "justified", **headers: str) -> Answer:
    """Review a glass; an auditor in a case."""
    case = {"Audit_Case": "2026-18"} if by.role == "auditor" else {}
    return by.post(f"break-glass/{glass}/review", {"verdict": verdict}, **{"If_Match": '"1"', **case, **headers})


def neighbour(exchange: Exchange) -> Party:
    """Another municipality, to which a case can be referred."""
    return exchange.party("neighbour", Kind.MUNICIPALITY)


def between_municipalities(exchange: Exchange, *, withdrawn: bool = False) -> str:
    """Submit a referral from one municipality to another, on a consent that may have been withdrawn since."""
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(neighbour(exchange))
    if withdrawn:
        assert withdraw_consent(sender, referral).status == 200
    return referral


def at_the_centre(exchange: Exchange, status: str = "accepted", **changes: Any) -> Walk:
    """Bring a referral to the exit centre, assigned to its first counsellor and not to its second."""
    return walk(exchange, status, **changes)


PLANT = """
INSERT INTO referrals_breakglass (id, referral_id, agency_id, owner_id, user_id, staff_id, reason_code, explanation,
    categories, opened_at, until, reviewer_staff_id, verdict, idempotency_key, body_hash)
SELECT %(glass)s::uuid, r.id, m.agency_id, r.responsible_id, m.user_id, m.staff_id, 'danger_to_life', '',
    %(categories)s::varchar[], %(opened_at)s::timestamptz, clock_timestamp() + %(lasts)s::interval, '', '',
    %(glass)s::uuid::text, ''
FROM referrals_referral r, agencies_membership m WHERE r.id = %(referral)s AND m.staff_id = %(staff)s
"""
ALERT = """
INSERT INTO referrals_task (kind, referral_id, agency_id, opened_by_id, opened_at, due_by, break_glass_id, categories,
    done_by_staff, done_reason, version, idempotency_key, body_hash)
SELECT 'review_break_glass', g.referral_id, told.id, g.agency_id, now(), now() + interval '71 hours', g.id,
    ARRAY[]::text[], '', '', 1, g.id::text || told.id::text, ''
FROM referrals_breakglass g, LATERAL (SELECT DISTINCT unnest(ARRAY[g.owner_id, g.agency_id])) AS told (id)
WHERE g.id = %(glass)s::uuid
"""


def planted(referral: str, *, lasts: str = "60 minutes", **changes: Any) -> dict[str, Any]:
    """Return the values that `PLANT` and `ALERT` ask for."""
    categories = ["contact", "reason"]
    values = {"glass": str(uuid4()), "referral": referral, "lasts": lasts, "opened_at": "2020-01-01"}
    return {**values, "categories": categories, **changes}


def plant(by: Caller, referral: str, *, lasts: str, **changes: Any) -> str:
    """Commit a glass of somebody's as the database's owner, with the tasks it has to come with; return its id."""
    values = planted(referral, lasts=lasts, staff=by.staff_id, **changes)
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        cursor.execute(PLANT, values)
        cursor.execute(ALERT, values)
    return str(values["glass"])
