"""
Signed receipts: the promise, made to whoever was just answered, that the log will include the act's entry.

Signed after the commit and never before, so that no receipt speaks of an entry that was rolled back.
"""

from datetime import UTC
from functools import cache

from django.conf import settings
from joserfc import jws
from joserfc.jwk import OKPKey

from audit.facts import Receipt
from audit.models import Entry

ALGORITHM = "Ed25519"
TYPE = "udvej-receipt+jws"


@cache
def signing_key() -> OKPKey:
    """Return the log's Ed25519 key (RFC 8037), with its RFC 7638 thumbprint as key id."""
    key = OKPKey.import_key(settings.KEYS.receipts)
    key.ensure_kid()
    return key


def public_keys() -> dict[str, object]:
    """Return the keys by which receipts are verified, as a JWK set (RFC 7517)."""
    return {"keys": [{**signing_key().as_dict(private=False), "alg": ALGORITHM, "use": "sig"}]}


def signed(receipt: Receipt) -> str:
    """Return the receipt as a compact JWS (RFC 7515): entry id, leaf hash in hexadecimal, and the entry's time."""
    header = {"alg": ALGORITHM, "typ": TYPE, "kid": signing_key().kid}
    at = receipt.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    payload = f'{{"at":"{at}","entry":"{receipt.entry}","leaf":"{receipt.leaf_hash.hex()}"}}'
    compact: str = jws.serialize_compact(header, payload, signing_key(), algorithms=[ALGORITHM])
    return compact


def receipt_of(entry: Entry) -> Receipt:
    """Return what a receipt of this entry is signed over, for handing it out again later."""
    return Receipt(entry=entry.id, at=entry.at, leaf_hash=bytes(entry.leaf_hash))
