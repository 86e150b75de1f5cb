"""The product's reason to be, from a municipality to the exit centre and back."""

from tests.exchange import Exchange, referral_body


def test_a_referral_goes_from_a_municipality_to_the_exit_centre_and_back(exchange: Exchange) -> None:
    kk, ko, ra = (
        exchange.municipality.as_("caseworker"),
        exchange.centre.as_("coordinator"),
        exchange.centre.as_("counsellor"),
    )
    body = referral_body(exchange.centre, submit=False, consent={"report_back": True})
    draft = kk.create(body)
    assert (draft.status, draft.body["status"], draft.etag) == (201, "draft", '"1"')
    referral = draft.body["id"]

    edited = kk.call("PATCH", f"referrals/{referral}", {"urgency": "soon"}, If_Match=draft.etag)
    assert (edited.status, edited.body["urgency"], edited.etag) == (200, "soon", '"2"')
    assert ko.read(referral).status == 404

    submitted = kk.step(referral, "submit")
    assert submitted.body["status"] == "submitted", submitted
    assert submitted.body["responsible"]["id"] == exchange.municipality.id

    inbox = ko.get("referrals?role=received")
    assert [row["id"] for row in inbox.body["results"]] == [referral]
    assert "sections" not in inbox.body["results"][0]

    assert ko.step(referral, "receive").body["status"] == "received"
    assert ko.read(referral).body["sections"]["identity"]["name"] == "Testperson Prøvesen"
    assert ko.step(referral, "assign", {"assignees": [ra.staff_id]}).status == 200
    accepted = ra.step(referral, "accept")
    assert accepted.body["responsible"]["id"] == exchange.centre.id
    for move, said, status in [
        ("start", {}, "in_progress"),
        ("hold", {"reason": "agreed_pause"}, "on_hold"),
        ("resume", {}, "in_progress"),
        ("complete", {"reason": "goals_reached", "outcome": "out_of_milieu", "comment": "Godt forløb."}, "completed"),
    ]:
        assert ra.step(referral, move, said).body["status"] == status

    back = kk.read(referral)
    assert back.body["status"] == "completed"
    assert back.body["sections"]["outcome"]["entries"][0]["outcome"] == "out_of_milieu"

    auditor = exchange.oversight.as_("auditor")
    trail = auditor.get(f"audit/entries?referral={referral}&limit=200", Audit_Case="2026-0042").body["results"]
    told = {(entry["action"], entry["outcome"], entry["on_behalf_of"]) for entry in trail}
    assert {
        ("referral.submit", "done", kk.staff_id),
        ("referral.list", "done", ko.staff_id),
        ("referral.disclose", "done", ko.staff_id),
        ("referral.disclose", "refused", ko.staff_id),
        ("referral.accept", "done", ra.staff_id),
    } <= told
