"""What looks like misuse is found and shown with its evidence; lawful work is not."""

from typing import Any

import pytest

from audit.models import Entry
from tests.audit.logs import Log
from tests.exchange import Exchange, Party
from tests.invariants.attempts import naming, write_entry
from tests.referrals.glass import broken, review
from tests.referrals.misuse import CASE, MISUSES, administering, look, threshold
from tests.referrals.walks import walk, withdraw_consent


@pytest.mark.parametrize("code", MISUSES)
def test_misuse_is_found_with_the_entries_that_show_it(exchange: Exchange, code: str) -> None:
    misuse = MISUSES[code]
    party = getattr(exchange, misuse.of)
    auditor = exchange.oversight.as_("auditor")
    with threshold(code, **misuse.thresholds):
        assert look(auditor, pattern=code, agency=party.id).body["results"] == []
        misuse.does(exchange)
        found = look(auditor, pattern=code, agency=party.id).body
    (finding,) = found["results"]
    assert (finding["pattern"], finding["agency"], finding["count"]) == (code, party.id, misuse.count)
    staff = party.staff.get(misuse.staff, finding["staff"] if misuse.staff == "new" else "")
    assert finding["staff"] == staff
    evidence = finding["evidence"]
    entries = {
        str(entry.id): bytes(entry.leaf_hash).hex() for entry in Entry.objects.filter(at__gte=finding["first_at"])
    }
    assert evidence["total"] == len(evidence["entries"])
    for named in evidence["entries"]:
        assert entries[named["id"]] == named["leaf_hash"]
    assert finding["first_at"] <= finding["last_at"]
    assert found["incomplete"] == []


@pytest.mark.parametrize("code", MISUSES)
def test_lawful_work_that_comes_close_is_not(exchange: Exchange, code: str) -> None:
    misuse = MISUSES[code]
    with threshold(code, **(misuse.thresholds if misuse.lawfully is None else misuse.lawfully)):
        misuse.lawful(exchange)
        auditor = exchange.oversight.as_("auditor")
        parties = [exchange.municipality, exchange.centre, exchange.stranger, exchange.police]
        found = [each for party in parties for each in look(auditor, pattern=code, agency=party.id).body["results"]]
    assert found == []


# --- More of the same patterns ------------------------------------------------------------------------------------


def found(exchange: Exchange, code: str, party: Party) -> list[dict[str, Any]]:
    return list(look(exchange.oversight.as_("auditor"), pattern=code, agency=party.id).body["results"])


def test_a_look_at_a_case_that_the_agency_has_no_part_in_is_found(exchange: Exchange) -> None:
    """No door lets it through; an entry written beneath them is found all the same."""
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    write_entry(**naming(referral, exchange.stranger.id, "status", "reason"))
    (finding,) = found(exchange, "A01", exchange.stranger)
    assert finding["subject"] == {"kind": "referral", "id": referral}
    assert [each["pattern"] for each in found(exchange, "A11", exchange.stranger)] == ["A11"]


def test_searching_many_times_for_the_same_is_found(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    referral = sender.submit(exchange.centre)
    for times in range(1, 11):
        sender.post("referrals/search", {"reference": referral})
        assert [each["count"] for each in found(exchange, "A04", exchange.municipality)] == (
            [10] if times == 10 else []
        )


def test_whoever_states_the_purpose_of_investigation_is_found(exchange: Exchange) -> None:
    caseworker = exchange.municipality.as_("caseworker")
    assert caseworker.read(caseworker.submit(exchange.centre), Purpose="investigation").status == 403
    (finding,) = found(exchange, "A07", exchange.municipality)
    assert (finding["staff"], finding["severity"]) == (caseworker.staff_id, "critical")


def test_a_read_long_after_the_end_is_found_and_not_the_senders(exchange: Exchange) -> None:
    walked = walk(exchange, "completed")
    assert found(exchange, "A08", exchange.centre) == []
    with threshold("A08", hours_after_the_end=0):
        walked.assigned.read(walked.id)
        walked.sender.read(walked.id)
        assert walked.assigned.staff_id in [each["staff"] for each in found(exchange, "A08", exchange.centre)]
        assert found(exchange, "A08", exchange.municipality) == []


def test_a_read_on_a_consent_that_stood_no_more_is_found(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    consent = walked.refresh().body["basis"]["consent_id"]
    assert withdraw_consent(walked.sender, walked.id).status == 200
    told = {"basis": "SAMTYKKE-TAVSHED", "basis_version": 1, "consent": consent}
    write_entry(**naming(walked.id, exchange.centre.id, "status", "reason", **told))
    (finding,) = found(exchange, "A08", exchange.centre)
    assert finding["evidence"]["total"] == 1


def test_who_tries_to_give_themselves_a_role_is_found_by_the_oversight_body(exchange: Exchange) -> None:
    before = look(exchange.oversight.as_("auditor"), pattern="A09").body["results"]
    with administering() as browser:
        mine = {"agency": exchange.centre.id, "user": browser.session["_auth_user_id"], "role": "counsellor"}
        form = {**mine, "staff_id": "myself", "active": "on"}
        assert browser.post("/admin/agencies/membership/add/", form).status_code == 403
    after = look(exchange.oversight.as_("auditor"), pattern="A09").body["results"]
    refused = [each["evidence"]["total"] for each in after if each["agency"] is None]
    assert sum(refused) == 1 + sum(each["evidence"]["total"] for each in before if each["agency"] is None)


def test_one_person_who_breaks_glass_often_is_found_though_each_was_reviewed(exchange: Exchange) -> None:
    walked = walk(exchange, "accepted")
    for _ in range(5):
        assert found(exchange, "A10", exchange.centre) == []
        assert review(walked.coordinator, broken(walked.unassigned, walked.id)).status == 200
    assert len(found(exchange, "A10", exchange.centre)) == 5


@pytest.mark.parametrize(
    "told",
    [
        {"basis": "NO-SUCH-BASIS", "basis_version": 1},
        {"basis": "SAMTYKKE-TAVSHED", "basis_version": 900},
        {"basis": "SAMTYKKE-TAVSHED", "basis_version": 1, "consent": None},
        {"basis": ""},
    ],
)
def test_content_that_was_shown_on_no_ground_is_found(exchange: Exchange, told: dict[str, Any]) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    write_entry(**naming(referral, exchange.centre.id, "status", "reason", **told))
    assert [each["subject"]["id"] for each in found(exchange, "A11", exchange.centre)] == [referral]


def test_one_person_who_links_several_anonymous_cases_is_found(exchange: Exchange) -> None:
    for times in range(1, 4):
        MISUSES["A15"].lawful(exchange)
        assert len(found(exchange, "A15", exchange.municipality)) == (3 if times == 3 else 0)


def test_an_auditor_who_asks_for_content_is_found_at_once(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    auditor = exchange.centre.as_("auditor")
    assert auditor.read(referral, **CASE).status == 403
    (finding,) = found(exchange, "A17", exchange.centre)
    assert (finding["staff"], finding["count"]) == (auditor.staff_id, 1)


def test_content_that_was_shown_to_an_auditor_is_found(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    staff = exchange.centre.staff["auditor-1"]
    write_entry(**naming(referral, exchange.centre.id, "status", "reason", role="auditor", on_behalf_of=staff))
    (finding,) = found(exchange, "A17", exchange.centre)
    assert finding["staff"] == staff


def test_an_entry_that_no_checkpoint_covers_in_time_is_found_until_one_does(
    exchange: Exchange, log_of_the_run: Log
) -> None:
    exchange.centre.as_("coordinator").get("referrals?role=received")
    with threshold("A16", unsigned_minutes=0):
        (late,) = found(exchange, "A16", exchange.centre)
        assert late["count"] == 1
        log_of_the_run.seal()
        assert found(exchange, "A16", exchange.centre) == []
