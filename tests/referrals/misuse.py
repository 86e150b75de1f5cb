"""Misuse of each pattern, made to happen over HTTP or as a real attacker would; and lawful work that comes close."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import connections, transaction
from django.test import Client as Browser
from django.utils import timezone

from agencies.models import CodeListItem, Membership, User
from audit import log
from audit.facts import SYSTEM, Subject
from tests.exchange import Answer, Caller, Exchange, Party, consent_body, referral_body
from tests.invariants.attempts import naming, write_entry
from tests.referrals.glass import break_glass, broken, review
from tests.referrals.walks import police_referral, walk, withdraw_consent

CASE = {"Audit_Case": "2026-0042"}
REASON = {"reason": {"summary": "Ønsker hjælp til at komme ud.", "subject_aware": "yes"}}
ANONYMOUS = {"subject": {"mode": "anonymous"}, "basis": {"code": "ANON"}, "sections": REASON}


def look(by: Caller, **asked: str) -> Answer:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = by.get(f"audit/findings?{query}", **CASE)
    assert answer.status == 200, answer
    return answer


@contextmanager
def threshold(code: str, **changed: Any) -> Iterator[None]:
    """Change a pattern's thresholds for a while, as the administration does."""
    item = CodeListItem.objects.filter(list_name="abuse-patterns", code=code)
    attributes = item.get().attributes
    with log.act("test.threshold", by=SYSTEM, about=Subject("reference-data")):
        item.update(attributes={**attributes, "thresholds": {**attributes["thresholds"], **changed}})
    try:
        yield
    finally:
        with log.act("test.threshold", by=SYSTEM, about=Subject("reference-data")):
            item.update(attributes=attributes)


@dataclass(frozen=True)
class Misuse:
    """One pattern: who does it, what they do, what is lawful and close to it, and the thresholds it is tried with."""

    of: str
    does: Callable[[Exchange], Any]
    lawful: Callable[[Exchange], Any]
    count: int = 1
    staff: str = ""
    thresholds: dict[str, Any] = field(default_factory=dict)
    lawfully: dict[str, Any] | None = None
    """The thresholds for what is lawful, where they are others."""


def working(party: Party) -> list[Caller]:
    roles = [("caseworker", 1), ("coordinator", 1), ("counsellor", 1), ("counsellor", 2)]
    return [party.as_(role, number) for role, number in roles]


def _reads_unassigned(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    walked.unassigned.read(walked.id)


def _reads_on_duty(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    for who in working(exchange.centre):
        who.read(walked.id)  # nobody is on duty yet
    walked.go("receive", "assign")
    walked.assigned.read(walked.id)
    walked.coordinator.read(walked.id)
    assert break_glass(walked.unassigned, walked.id).status == 201
    walked.unassigned.read(walked.id, Purpose="averting_danger")


def _readers(many: int) -> Callable[[Exchange], None]:
    def read(exchange: Exchange) -> None:
        referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
        for who in [*working(exchange.municipality)[:many], *working(exchange.municipality)[:many]]:
            assert who.read(referral, Purpose="exit_support").status == 200

    return read


def _opens(many: int, *, working: bool = False) -> Callable[[Exchange], None]:
    def open_each(exchange: Exchange) -> None:
        sender, counsellor = exchange.municipality.as_("caseworker"), exchange.centre.as_("counsellor")
        for referral in [sender.submit(exchange.centre) for _ in range(many)]:
            counsellor.read(referral)
            if working:
                counsellor.step(referral, "receive")

    return open_each


def _searches(times: int, *, different: bool) -> Callable[[Exchange], None]:
    def search(exchange: Exchange) -> None:
        sender = exchange.municipality.as_("caseworker")
        referral = sender.submit(exchange.centre)
        for _ in range(times):
            sought = str(uuid4()) if different else referral
            assert sender.post("referrals/search", {"reference": sought}).status == 200

    return search


def _tries(many: int, *, same: bool = False) -> Callable[[Exchange], None]:
    def attempt(exchange: Exchange) -> None:
        nothing = str(uuid4())
        for _ in range(many):
            referral = nothing if same else str(uuid4())
            assert exchange.stranger.as_("caseworker").read(referral).status == 404

    return attempt


def _police_ask(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    assert exchange.investigators.as_("caseworker").read(referral, Purpose="investigation").status == 404


def _prevention_works(exchange: Exchange) -> None:
    referral = police_referral(exchange.municipality, exchange.police)
    assert exchange.police.as_("caseworker").read(referral).status == 200
    exchange.investigators.as_("caseworker")


def _reads_when_off_duty(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    walked.take("assign", body={"assignees": [walked.unassigned.staff_id]})
    walked.assigned.read(walked.id)


def _reads_after_the_end(exchange: Exchange) -> None:
    walked = walk(exchange, "completed")
    walked.coordinator.read(walked.id)
    walked.sender.read(walked.id)


@contextmanager
def administering() -> Iterator[Browser]:
    with log.act("test.enrol", by=SYSTEM, about=Subject("user")):
        administrator = User.objects.create_superuser(f"admin-{uuid4().hex[:8]}", password=uuid4().hex)
    browser = Browser()
    browser.force_login(administrator, backend="django.contrib.auth.backends.ModelBackend")
    yield browser


def _is_given_a_role(*, used: bool) -> Callable[[Exchange], None]:
    def give_and_take(exchange: Exchange) -> None:
        with log.act("test.enrol", by=SYSTEM, about=Subject("user")):
            user = User.objects.create_user(f"new-{uuid4().hex[:8]}")
        form = {
            "agency": str(exchange.centre.agency.pk),
            "user": str(user.pk),
            "role": "counsellor",
            "staff_id": f"new-{user.pk}",
        }
        with administering() as browser:
            added = browser.post("/admin/agencies/membership/add/", {**form, "active": "on"})
            assert added.status_code == 302, added.content
            member = Membership.objects.get(user=user)
            if used:
                assert Caller(exchange.centre, member.staff_id, "counsellor").get("referrals").status == 200
            taken = browser.post(f"/admin/agencies/membership/{member.pk}/change/", form)
            assert taken.status_code == 302, taken.content

    return give_and_take


def _breaks(*, reviewed: bool) -> Callable[[Exchange], None]:
    def break_it(exchange: Exchange) -> None:
        walked = walk(exchange, "accepted")
        glass = broken(walked.unassigned, walked.id)
        if reviewed:
            assert review(walked.coordinator, glass).status == 200

    return break_it


def _is_shown_on_another_basis(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    told = {"basis": "RPL115-SSP", "basis_version": 1}
    write_entry(**naming(referral, exchange.centre.id, "status", "reason", **told))


def _is_shown_on_its_own(exchange: Exchange) -> None:
    walked = walk(exchange, "in_progress")
    walked.take("complete", body={"reason": "goals_reached", "outcome": "unknown", "comment": "Godt."})
    for who in (walked.sender, walked.coordinator, walked.assigned):
        assert who.read(walked.id).status == 200
    referral = police_referral(exchange.municipality, exchange.police)
    assert exchange.police.as_("caseworker").read(referral).status == 200


def _rests_on(*, given: timedelta) -> Callable[[Exchange], None]:
    def rest(exchange: Exchange) -> None:
        walked = walk(exchange, "received")
        walked.coordinator.read(walked.id)
        assert withdraw_consent(walked.sender, walked.id).status == 200
        walked.refresh()
        consent = consent_body(exchange.centre, given_at=(timezone.now() - given).isoformat())
        walked.take("resume", walked.sender, {"basis": {"code": "SAMTYKKE-TAVSHED", "consent": consent}})

    return rest


def _takes_out(many: int) -> Callable[[Exchange], None]:
    def take_out(exchange: Exchange) -> None:
        walked = walk(exchange, "submitted")
        consent = walked.refresh().body["basis"]["consent_id"]
        for _ in range(many):
            assert walked.sender.get(f"consents/{consent}/receipt").status == 200

    return take_out


def _reads(times: int) -> Callable[[Exchange], None]:
    def read(exchange: Exchange) -> None:
        referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
        for _ in range(times):
            exchange.centre.as_("counsellor").read(referral)

    return read


def _links(who: str) -> Callable[[Exchange], None]:
    def link(exchange: Exchange) -> None:
        made = exchange.municipality.as_("caseworker").create({**ANONYMOUS, "recipient": exchange.centre.id})
        assert made.status == 201, made
        wish = {"subject": made.body["subject"]["id"], "wished_at": "2026-11-01T09:00:00Z", "method": "oral"}
        linked = referral_body(exchange.centre, subject={"mode": "identified", "formerly": wish})
        assert exchange.municipality.as_(who).create(linked).status == 201

    return link


FORGED = """
WITH forged AS (
    SELECT jsonb_populate_record(e, jsonb_build_object('id', uuidv7(), 'xid', pg_current_xact_id()::text,
        'at', clock_timestamp() - %s::interval, 'db_user', session_user)) AS row
    FROM audit_entry e WHERE e.id = %s
)
INSERT INTO audit_entry SELECT (jsonb_populate_record(row, jsonb_build_object('canonical', audit_canonical(row),
    'leaf_hash', sha256('\\x00'::bytea || audit_canonical(row))))).* FROM forged
"""


def _forges(back: str) -> Callable[[Exchange], None]:
    """The database's owner writes an entry with a time of its own choice, and switches the stamp on again."""

    def forge(exchange: Exchange) -> None:
        referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
        entry = write_entry(actor_agency=exchange.centre.id, subject_kind="referral", subject_id=referral)
        with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
            cursor.execute("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_stamp")
            cursor.execute(FORGED, [back, entry])
            cursor.execute("ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_stamp")

    return forge


def _looks(*, case: bool) -> Callable[[Exchange], None]:
    def inspect(exchange: Exchange) -> None:
        for _ in range(3):
            exchange.centre.as_("auditor").get("audit/entries?limit=1", **(CASE if case else {}))

    return inspect


MISUSES: dict[str, Misuse] = {
    "A01": Misuse("centre", _reads_unassigned, _reads_on_duty, staff="counsellor-2"),
    "A02": Misuse("municipality", _readers(4), _readers(3), count=4, thresholds={"people": 4}),
    "A03": Misuse("centre", _opens(3), _opens(3, working=True), count=3, staff="counsellor-1", thresholds={"cases": 3}),
    "A04": Misuse(
        "municipality", _searches(5, different=True), _searches(5, different=False), count=5, staff="caseworker-1"
    ),
    "A05": Misuse("stranger", _tries(10), _tries(10, same=True), count=10, staff="caseworker-1"),
    "A07": Misuse("investigators", _police_ask, _prevention_works, staff="caseworker-1"),
    "A08": Misuse("centre", _reads_when_off_duty, _reads_after_the_end, staff="counsellor-1"),
    "A09": Misuse("centre", _is_given_a_role(used=True), _is_given_a_role(used=False), count=2, staff="new"),
    "A10": Misuse(
        "centre",
        _breaks(reviewed=False),
        _breaks(reviewed=True),
        staff="counsellor-2",
        thresholds={"hours": 0},
        lawfully={},
    ),
    "A11": Misuse("centre", _is_shown_on_another_basis, _is_shown_on_its_own),
    "A12": Misuse("municipality", _rests_on(given=timedelta(days=21)), _rests_on(given=timedelta()), count=4),
    "A13": Misuse("municipality", _takes_out(20), _takes_out(19), count=20, staff="caseworker-1"),
    "A14": Misuse(
        "centre", _reads(3), _reads(2), count=3, staff="counsellor-1", thresholds={"duty_from": 24, "reads": 3}
    ),
    "A15": Misuse("municipality", _links("coordinator"), _links("caseworker"), staff="coordinator-1"),
    "A16": Misuse("centre", _forges("1 hour"), _forges("1 minute")),
    "A17": Misuse("centre", _looks(case=False), _looks(case=True), count=3, staff="auditor-1"),
}
"""Pattern → the misuse, and the lawful work that comes closest."""
