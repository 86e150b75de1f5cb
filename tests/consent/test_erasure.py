"""After an erasure nothing of the person opens anywhere, and the proof of what was done stays."""

import os
import subprocess
from collections.abc import Iterator
from threading import Thread
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings as live
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from audit.canonical import entry_bytes
from audit.models import Entry
from config import embedded_postgres, postgres_host
from consent import vault
from consent.errors import KeyDestroyed
from consent.keystore import FileKeyEncryption, FileKeyStore, KeyGone
from consent.models import Identifier, Subject
from tests.audit.ledger import columns_of
from tests.consent.key_service import Died, DyingStore
from tests.exchange import SECTIONS, Caller, Exchange, consent_body, ledger_name, referral_body
from tests.invariants.attempts import APP, APPEND_ONLY, OWNER, refused, session
from tests.referrals.walks import Walk, walk

RULE = "MUNICIPAL_DISPOSAL"
CPR = "6101901234"
NUMBER = (
    "INSERT INTO consent_identifier (subject_id, agency_id, kind, digest, told_in) "
    "VALUES (%(subject)s, %(agency)s, 'cpr', 'd', %(referral)s)"
)
SAID = {**SECTIONS, "background": {"birth_year": 1999}}
BORN: dict[str, Any] = {"sections": SAID, "consent": {"categories": list(SAID)}}


def subject_of(referral: str, sender: Caller) -> str:
    return str(sender.read(referral).body["subject"]["id"])


def erase(subject: str, by: Caller, rule: str = RULE) -> None:
    call_command("erase_subject", subject, rule=rule, approved_by=by.staff_id, verbosity=0)


@pytest.fixture
def erased(exchange: Exchange) -> Walk:
    """A referral in progress, whose person was erased."""
    walked = walk(exchange, "in_progress", **BORN, external_reference="SAG-E")
    erase(subject_of(walked.id, walked.sender), exchange.municipality.as_("coordinator"))
    return walked


# --- Through HTTP ------------------------------------------------------------------------------------------------


def test_afterwards_either_side_is_shown_the_status_alone(erased: Walk) -> None:
    for who in (erased.sender, erased.coordinator, erased.assigned):
        told = who.read(erased.id)
        assert (told.status, told.body["status"]) == (200, "in_progress")
        assert (told.body["sections"], told.body["messages"]) == ({}, [])
        assert len(told.body["withheld"]) == 11
        entry = Entry.objects.get(request_id=told.headers["Request-Id"])
        assert entry.categories == ["status"]
        for part in ("amendments", "messages"):
            assert who.get(f"referrals/{erased.id}/{part}").body["results"] == []
        assert who.get(f"referrals/{erased.id}/timeline").status == 200
        assert "Testperson" not in str(told.body)


def test_afterwards_nobody_finds_the_person_by_their_number(erased: Walk) -> None:
    for who in (erased.sender, erased.coordinator):
        found = who.post("referrals/search", {"identifier": {"cpr": CPR}})
        assert erased.id not in str(found.body)
    person = Subject.objects.get(pk=subject_of(erased.id, erased.sender))
    assert (person.birth_year, person.identifiers.count()) == (None, 0)


def test_afterwards_a_case_can_be_ended_and_nothing_more_is_said_in_it(erased: Walk) -> None:
    assert erased.sender.read(erased.id).body["allowed_actions"] == ["mark_in_error"]
    assert erased.coordinator.read(erased.id).body["allowed_actions"] == ["close"]
    amended = {"sections": {"needs": {"codes": ["debt"]}}, "reason": "corrected"}
    for refusal in (
        erased.sender.step(erased.id, "amendments", amended),
        erased.coordinator.step(erased.id, "hold", {"reason": "agreed_pause"}),
        erased.coordinator.step(erased.id, "complete", {"reason": "goals_reached", "outcome": "housing"}),
        erased.coordinator.step(erased.id, "messages", {"kind": "information_request", "reason": "contact_unclear"}),
    ):
        assert (refusal.status, refusal.body["code"]) == (409, "move-not-allowed"), refusal
    spoken = erased.coordinator.step(erased.id, "close", {"reason": "contact_lost", "comment": "Flyttet."})
    assert (spoken.status, spoken.body["code"]) == (409, "key-destroyed")
    entry = Entry.objects.get(request_id=spoken.headers["Request-Id"])
    assert (entry.outcome, entry.refusal) == ("refused", "key-destroyed")
    closed = erased.coordinator.step(erased.id, "close", {"reason": "contact_lost"})
    assert (closed.status, closed.body["status"]) == (200, "closed_unsuccessful")


def test_afterwards_nothing_new_is_registered_about_the_person(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    draft = sender.create(referral_body(exchange.centre, submit=False))
    subject = draft.body["subject"]["id"]
    erase(subject, exchange.municipality.as_("coordinator"))
    etag = sender.read(draft.body["id"]).etag
    for refusal in (
        sender.call("PATCH", f"referrals/{draft.body['id']}", {"urgency": "acute"}, If_Match=etag),
        sender.call("PATCH", f"referrals/{draft.body['id']}", {"sections": SECTIONS}, If_Match=etag),
        sender.create(referral_body(exchange.centre, subject={"id": subject})),
        sender.create({"subject": {"id": subject}}),
        sender.create({"subject": subject, **consent_body(exchange.centre)}, path="consents"),
    ):
        assert (refusal.status, refusal.body["code"]) == (409, "key-destroyed"), refusal
    sent = sender.step(draft.body["id"], "submit")
    assert (sent.status, sent.body["code"]) == (409, "move-not-allowed")


def test_another_persons_content_opens_as_before(exchange: Exchange) -> None:
    sender, coordinator = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    first, second = sender.submit(exchange.centre), sender.submit(exchange.centre)
    erase(subject_of(first, sender), exchange.municipality.as_("administrator"))
    assert coordinator.read(first).body["sections"] == {}
    assert coordinator.read(second).body["sections"] == SECTIONS


def test_the_erasure_is_an_entry_with_its_rule_and_approver_and_what_was_recorded_holds_as_before(
    exchange: Exchange,
) -> None:
    walked = walk(exchange, "received", **BORN)
    before = list(Entry.objects.filter(subject_id=walked.id).order_by("id"))
    subject, approver = subject_of(walked.id, walked.sender), exchange.municipality.as_("coordinator")
    named = ledger_name(subject)
    erase(subject, approver)
    entry = Entry.objects.get(subject_id=named, action="subject.erase")
    assert (entry.outcome, entry.detail) == ("done", {"rule": RULE})
    assert (entry.on_behalf_of, entry.role) == (approver.staff_id, "coordinator")
    assert str(entry.actor_agency) == exchange.municipality.id
    for past in (*before, entry):
        now = columns_of(Entry.objects.get(pk=past.id))
        assert now == columns_of(past)
        canonical = now.pop("canonical")
        now.pop("leaf_hash")
        assert entry_bytes(now) == canonical


def test_the_ledger_names_a_person_by_a_commitment_that_nobody_can_open_once_they_are_erased(
    exchange: Exchange,
) -> None:
    """Salted by their own key: the entries stay, and neither id, database nor a guess says whom they are about."""
    sender = exchange.municipality.as_("coordinator")
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    subject = subject_of(referral, exchange.municipality.as_("caseworker"))
    sender.get(f"subjects/{subject}")
    named = ledger_name(subject)
    assert vault.commitment(UUID(subject)) == named
    (entry,) = Entry.objects.filter(subject_kind="subject", subject_id=named)
    assert subject not in bytes(entry.canonical).decode()
    erase(subject, sender)
    assert Subject.objects.get(pk=subject).ledger_name == ""
    assert ledger_name(subject) != named
    with pytest.raises(KeyDestroyed):
        vault.commitment(UUID(subject))
    assert Entry.objects.filter(subject_kind="subject", subject_id=named).count() == 2


def test_two_persons_have_different_names_and_another_agency_learns_neither(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    first, second = (subject_of(sender.submit(exchange.centre), sender) for _ in range(2))
    assert ledger_name(first) != ledger_name(second)
    denied = exchange.stranger.as_("coordinator").get(f"subjects/{first}")
    unknown = exchange.stranger.as_("coordinator").get(f"subjects/{uuid4()}")
    assert (denied.status, unknown.status) == (404, 404)
    names = [Entry.objects.get(request_id=each.headers["Request-Id"]).subject_id for each in (denied, unknown)]
    assert names[0] == ledger_name(first)
    assert [len(name) for name in names] == [64, 64]


# --- Who may, and on what ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("approver", "rule", "refusal"),
    [
        (("municipality", "coordinator"), "BECAUSE", "disposal-rule-unknown"),
        (("municipality", "coordinator"), "", "disposal-rule-unknown"),
        (("municipality", "coordinator"), "STORAGE_ENDED", "disposal-rule-unknown"),
        (("municipality", "caseworker"), RULE, "approver-unknown"),
        (("municipality", "auditor"), RULE, "approver-unknown"),
        (("centre", "coordinator"), RULE, "approver-unknown"),
        (("stranger", "coordinator"), RULE, "approver-unknown"),
    ],
)
def test_nobody_is_erased_without_a_rule_of_their_agency_and_one_of_its_approvers(
    exchange: Exchange, approver: tuple[str, str], rule: str, refusal: str
) -> None:
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    agency, role = approver
    subject = subject_of(referral, sender)
    with pytest.raises(CommandError):
        erase(subject, getattr(exchange, agency).as_(role), rule)
    assert sender.read(referral).body["sections"] == SECTIONS
    entry = Entry.objects.get(subject_id=ledger_name(subject), action="subject.erase")
    assert (entry.outcome, entry.refusal) == ("refused", refusal)


def test_there_is_no_erasing_of_nobody(exchange: Exchange) -> None:
    nobody = str(uuid4())
    with pytest.raises(CommandError, match="no such subject"):
        erase(nobody, exchange.municipality.as_("coordinator"))
    assert Entry.objects.get(subject_id=ledger_name(nobody)).refusal == "not-found"


def test_a_rule_has_to_be_named(exchange: Exchange) -> None:
    with pytest.raises(CommandError, match="--rule"):
        call_command("erase_subject", str(uuid4()), "--approved-by", "x")


# --- A crash in between ------------------------------------------------------------------------------------------


@pytest.fixture
def dying(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """A process that is killed after the erasure's commit and before the key is destroyed."""
    settings.KEY_STORE = "tests.consent.key_service.DyingStore"
    monkeypatch.setattr(DyingStore, "dies_instead_of_destroying", True)
    vault._store.cache_clear()
    yield monkeypatch
    vault._store.cache_clear()


def test_an_erasure_that_is_killed_before_the_key_is_gone_shows_nothing_and_is_completed_by_running_it_again(
    exchange: Exchange, dying: pytest.MonkeyPatch
) -> None:
    sender, approver = exchange.municipality.as_("caseworker"), exchange.municipality.as_("coordinator")
    referral = sender.submit(exchange.centre)
    subject = subject_of(referral, sender)
    named = ledger_name(subject)
    with pytest.raises(Died):
        erase(subject, approver)
    assert vault.seal("a", subject=UUID(subject), belongs_to="x")
    assert sender.read(referral).body["sections"] == {}
    dying.setattr(DyingStore, "dies_instead_of_destroying", False)
    erased_at = Subject.objects.get(pk=subject).erased_at
    for _ in range(2):
        erase(subject, approver)
        with pytest.raises(KeyDestroyed):
            vault.seal("a", subject=UUID(subject), belongs_to="x")
    assert Subject.objects.get(pk=subject).erased_at == erased_at
    names = [named, ledger_name(subject)]
    said = Entry.objects.filter(subject_id__in=names, action="subject.erase").order_by("id")
    assert [entry.subject_id for entry in said] == [names[0], names[1], names[1]]
    assert [entry.detail.get("again") for entry in said] == [None, "yes", "yes"]


def test_a_read_that_an_erasure_overtakes_shows_the_status_alone(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    from referrals import disclosure

    sender, approver = exchange.municipality.as_("caseworker"), exchange.municipality.as_("coordinator")
    referral = sender.submit(exchange.centre)
    subject, release = subject_of(referral, sender), disclosure.release

    def overtaken(recorded: disclosure.Recorded) -> Any:
        monkeypatch.setattr(disclosure, "release", release)
        erase(subject, approver)
        return release(recorded)

    monkeypatch.setattr(disclosure, "release", overtaken)
    told = exchange.centre.as_("coordinator").read(referral)
    assert (told.status, told.body["sections"]) == (200, {})


# --- Beneath HTTP ------------------------------------------------------------------------------------------------


def sealed_rows(url: str, referral: str) -> dict[tuple[str, int], bytes]:
    with psycopg.connect(url) as opened:
        rows = opened.execute(
            "SELECT category, part, sealed FROM referrals_section WHERE referral_id = %s", [referral]
        ).fetchall()
    return {(category, part): bytes(sealed) for category, part, sealed in rows}


def openable(rows: dict[tuple[str, int], bytes], referral: str) -> list[tuple[str, int]]:
    """Return the pieces that any key file that is left opens: every person's, under every key-encryption key."""
    store, keks = FileKeyStore(live.KEYS.folder / "subjects"), FileKeyEncryption(live.KEYS.folder)
    found = []
    for subject in store.subjects():
        try:
            key = AESGCM(keks.unwrap(store.get(subject), bound=f"subject-key/{subject}".encode()))
        except KeyGone:
            continue
        for (category, part), sealed in rows.items():
            try:
                key.decrypt(sealed[:12], sealed[12:], f"{referral}/{category}/{part}".encode())
                found.append((category, part))
            except InvalidTag:
                continue
    return sorted(found)


@pytest.fixture
def restored() -> Iterator[embedded_postgres.Cluster]:
    """An empty database to restore a backup into."""
    cluster = embedded_postgres.locate(live.CLUSTER)
    embedded_postgres.drop_database(cluster, "restored")
    embedded_postgres.create_database(cluster, "restored")
    yield cluster
    embedded_postgres.drop_database(cluster, "restored")


def test_a_backup_from_before_the_erasure_does_not_open_either(
    exchange: Exchange, restored: embedded_postgres.Cluster
) -> None:
    """A dump made by pg_dump, restored beside the live database, and tried with every key file that is left."""
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    subject = subject_of(referral, sender)
    host = postgres_host.find_host(restored.data)
    dumping = [str(host.programs / "pg_dump"), "--section=pre-data", "--section=data", "--table=referrals_section"]
    dumped = host.run([*dumping, restored.url("postgres", "test")], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert dumped.returncode == 0, dumped.stderr

    live_rows = sealed_rows(restored.url("postgres", "test"), referral)
    assert openable(live_rows, referral) == sorted(live_rows)
    assert len(live_rows) == len(SECTIONS) + 1

    erase(subject, exchange.municipality.as_("coordinator"))
    psql = [str(host.programs / "psql"), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    filled = subprocess.run(
        [*psql, restored.url("postgres", "restored")],
        input=dumped.stdout,
        text=True,
        capture_output=True,
        check=False,
        **as_account(host),
    )
    assert filled.returncode == 0, filled.stderr
    old_rows = sealed_rows(restored.url("postgres", "restored"), referral)
    assert old_rows == live_rows == sealed_rows(restored.url("postgres", "test"), referral)
    assert openable(old_rows, referral) == []
    for (category, part), sealed in old_rows.items():
        with pytest.raises(KeyDestroyed):
            vault.unseal(sealed, subject=UUID(subject), belongs_to=f"{referral}/{category}/{part}")


def as_account(host: postgres_host.Host) -> dict[str, Any]:
    """Return how to run as the account of the server, whose socket nobody else may use."""
    return {"user": host.uid, "group": host.gid, "extra_groups": []} if os.geteuid() == 0 else {}


@pytest.mark.parametrize("role", [APP, OWNER])
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_subject SET erased_at = NULL WHERE id = %(subject)s",
        "UPDATE consent_subject SET erased_at = now() WHERE id = %(subject)s",
        NUMBER,
    ],
)
def test_nobody_becomes_unerased_or_is_known_by_a_number_again(erased: Walk, role: str, statement: str) -> None:
    values = {
        "subject": subject_of(erased.id, erased.sender),
        "agency": erased.exchange.municipality.id,
        "referral": erased.id,
    }
    with session(role) as cursor:
        assert refused(cursor, statement, values) == APPEND_ONLY


def test_an_erased_persons_row_stays(erased: Walk) -> None:
    with session(OWNER) as cursor:
        deleting = "DELETE FROM consent_subject WHERE id = %s"
        assert refused(cursor, deleting, [subject_of(erased.id, erased.sender)]) == APPEND_ONLY


def test_an_erasure_waits_for_a_number_that_is_being_told(exchange: Exchange) -> None:
    """Else it would not see the identifier, and would leave it."""
    sender, approver = exchange.municipality.as_("caseworker"), exchange.municipality.as_("coordinator")
    draft = sender.create({"subject": {"mode": "identified"}}).body
    subject = draft["subject"]["id"]

    def erasing() -> None:
        erase(subject, approver)
        connection.close()

    with session(APP) as cursor:
        cursor.execute(NUMBER, {"subject": subject, "agency": exchange.municipality.id, "referral": draft["id"]})
        thread = Thread(target=erasing)
        thread.start()
        thread.join(timeout=1.0)
        assert thread.is_alive()
        cursor.connection.commit()
        thread.join()
    assert not Identifier.objects.filter(subject=subject).exists()
