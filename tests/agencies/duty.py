"""What the tests of duty contacts share."""

from tests.exchange import Answer, Party


def reached_at(party: Party, email: str = "") -> str:
    """Let a party's duty contact be reached at a mailbox; return it."""
    email = email or f"vagthavende@{party.agency.code}.example"
    path = f"agencies/{party.id}/duty-contact"
    seen = party.as_("administrator").get(path)
    assert seen.status == 200, seen
    assert set_to(party, email, seen.etag).status == 200
    return email


def set_to(party: Party, email: str, etag: str) -> Answer:
    """Try to set a party's duty contact as its administrator."""
    return party.as_("administrator").call("PUT", f"agencies/{party.id}/duty-contact", {"email": email}, If_Match=etag)
