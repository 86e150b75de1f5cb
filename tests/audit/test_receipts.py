"""Receipts: signed after the commit with the log's own key, about that entry and no other; checked without our code."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from audit import log
from audit.canonical import entry_bytes, leaf_hash
from audit.facts import SYSTEM, Receipt, Subject
from audit.models import Entry
from audit.receipts import receipt_of, signed
from tests.audit.ledger import columns_of, entries_about
from tests.exchange import Exchange, consent_body, referral_body


def published_key() -> Ed25519PublicKey:
    """Return the public half of the log's key, which is all that a verifier has."""
    private = serialization.load_pem_private_key(settings.KEYS.receipts, password=None)
    assert isinstance(private, Ed25519PrivateKey)
    return private.public_key()


def raw(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def verified(receipt: str, key: Ed25519PublicKey) -> dict[str, Any]:
    """Return what a receipt claims. Raises InvalidSignature (RFC 7515 section 5.2, RFC 8037)."""
    header, payload, signature = receipt.split(".")
    key.verify(raw(signature), f"{header}.{payload}".encode())
    claims = json.loads(raw(payload))
    assert isinstance(claims, dict)
    return claims


def a_receipt() -> tuple[str, Entry]:
    about = uuid4()
    with log.act("test.receipt", by=SYSTEM, about=Subject("thing", about), changes=False) as act:
        pass
    (entry,) = entries_about(about)
    return signed(act.committed), entry


def test_a_receipt_is_verified_with_the_public_key_alone_and_says_what_the_entry_says() -> None:
    receipt, entry = a_receipt()
    assert verified(receipt, published_key()) == {
        "entry": str(entry.id),
        "leaf": bytes(entry.leaf_hash).hex(),
        "at": entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    assert json.loads(bytes(entry.canonical))["at"] == verified(receipt, published_key())["at"]
    assert leaf_hash(entry_bytes(columns_of(entry))).hex() == verified(receipt, published_key())["leaf"]


def test_its_header_names_algorithm_type_and_key() -> None:
    receipt, _ = a_receipt()
    public = published_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    thumbprint = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{b64(public)}"}}'.encode()).digest()  # RFC 7638
    assert json.loads(raw(receipt.split(".")[0])) == {
        "alg": "Ed25519",
        "typ": "udvej-receipt+jws",
        "kid": b64(thumbprint),
    }


def test_another_key_does_not_verify_it() -> None:
    receipt, _ = a_receipt()
    with pytest.raises(InvalidSignature):
        verified(receipt, Ed25519PrivateKey.generate().public_key())


@pytest.mark.parametrize("member", ["entry", "leaf", "at"])
def test_an_altered_claim_is_refused(member: str) -> None:
    receipt, _ = a_receipt()
    header, payload, signature = receipt.split(".")
    other = {"entry": str(uuid4()), "leaf": "00" * 32, "at": "2020-01-01T00:00:00.000000Z"}
    claims = {**json.loads(raw(payload)), member: other[member]}
    altered = b64(json.dumps(claims, separators=(",", ":")).encode())
    with pytest.raises(InvalidSignature):
        verified(f"{header}.{altered}.{signature}", published_key())


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "EdDSA", "kid": "another"}])
def test_an_altered_header_is_refused(header: dict[str, str]) -> None:
    _, payload, signature = a_receipt()[0].split(".")
    with pytest.raises(InvalidSignature):
        verified(f"{b64(json.dumps(header).encode())}.{payload}.{signature}", published_key())


def test_a_receipts_signature_fits_no_other_receipt() -> None:
    one, other = a_receipt()[0].split("."), a_receipt()[0].split(".")
    with pytest.raises(InvalidSignature):
        verified(".".join([*one[:2], other[2]]), published_key())


def test_handed_out_again_it_is_the_same() -> None:
    receipt, entry = a_receipt()
    assert signed(receipt_of(entry)) == signed(receipt_of(Entry.objects.get(pk=entry.pk))) == receipt


def test_its_time_is_utc_to_the_microsecond_wherever_the_server_stands() -> None:
    from zoneinfo import ZoneInfo

    at = datetime(2026, 3, 29, 2, 30, 0, 7, tzinfo=ZoneInfo("Europe/Copenhagen")) - timedelta(hours=3)
    receipt = signed(Receipt(entry=uuid4(), at=at, leaf_hash=b"\x01" * 32))
    assert verified(receipt, published_key())["at"] == at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def test_every_answer_that_shows_something_carries_the_receipt_of_its_own_entry(exchange: Exchange) -> None:
    sender, receiver = exchange.municipality.as_("caseworker"), exchange.centre.as_("coordinator")
    made = sender.create(referral_body(exchange.centre))
    referral, consent = made.body["id"], made.body["basis"]["consent_id"]
    case = {"Audit_Case": "2026-0042"}
    more = {**consent_body(exchange.centre), "subject": made.body["subject"]["id"]}
    answers = {
        "referral.disclose": [made, sender.read(referral), receiver.step(referral, "receive")],
        "referral.list": [receiver.get("referrals?role=received")],
        "referral.timeline": [sender.get(f"referrals/{referral}/timeline")],
        "referral.disclosures": [receiver.get(f"referrals/{referral}/disclosures")],
        "referral.batch": [sender.create({"items": [referral_body(exchange.centre)]}, path="referrals/batch")],
        "audit.inspect": [exchange.oversight.as_("auditor").get(f"audit/entries?referral={referral}", **case)],
        "consent.read": [sender.get(f"consents/{consent}")],
        "consent.record": [sender.create(more, path="consents")],
        "consent.withdraw": [sender.post(f"consents/{consent}/withdraw", {"method": "oral"}, If_Match='"1"')],
    }
    seen = set()
    for action, each in answers.items():
        for answer in each:
            assert answer.status in (200, 201), answer
            claims = verified(answer.headers["Receipt"], published_key())
            entry = Entry.objects.get(pk=claims["entry"])
            assert (entry.action, entry.outcome) == (action, "done")
            assert claims["leaf"] == bytes(entry.leaf_hash).hex()
            seen.add(entry.pk)
    assert len(seen) == sum(map(len, answers.values()))


def test_a_refusal_carries_none(exchange: Exchange) -> None:
    referral = exchange.municipality.as_("caseworker").submit(exchange.centre)
    refused = exchange.stranger.as_("caseworker").read(referral)
    assert (refused.status, "Receipt" in refused.headers) == (404, False)
