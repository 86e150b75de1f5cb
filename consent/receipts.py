"""
The receipt of a consent, as linked data: JSON-LD with the terms of W3C's Data Privacy Vocabulary.

Pure, and complete in itself: the context is inline and nothing is ever fetched. The members follow "Consent Records and
Receipts as per ISO/IEC TS 27560:2023 using DPV" (W3C DPVCG, https://w3id.org/dpv/guides/consent-27560). DPV has no
purpose for exit work, so ours are in a vocabulary of our own, below dpv:ServiceProvision. `plain_receipts` words the
same for the person.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from consent.told import Party, Record, ToldEvent, Wording, Words

OWN = "https://udvej.example/ns#"
"""Our own vocabulary. `.example` is reserved (RFC 2606): it names and is never looked up."""

RECEIPT_SCHEMA = "https://w3id.org/dpv/schema/dpv-27560#receipt"
CONTEXT: dict[str, Any] = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "dct": "http://purl.org/dc/terms/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "udvej": OWN,
    "dct:created": {"@type": "xsd:dateTime"},
    "dct:dateSubmitted": {"@type": "xsd:dateTime"},
    "dct:valid": {"@type": "xsd:dateTime"},
    "dpv:isIndicatedAtTime": {"@type": "xsd:dateTime"},
}
STATUS = {
    "unknown": "dpv:ConsentUnknown",
    "requested": "dpv:ConsentRequested",
    "given": "dpv:ConsentGiven",
    "renewed": "dpv:RenewedConsentGiven",
    "refused": "dpv:ConsentRefused",
    "withdrawn": "dpv:ConsentWithdrawn",
    "revoked": "dpv:ConsentRevoked",
    "expired": "dpv:ConsentExpired",
    "invalidated": "dpv:ConsentInvalidated",
}
VALID = {True: "dpv:ConsentStatusValidForProcessing", False: "dpv:ConsentStatusInvalidForProcessing"}
SERVICE = "dpv:ServiceProvision"
Node = dict[str, Any]


def document(record: Record, wording: Wording, *, entry: UUID, issued_at: datetime) -> Node:
    """
    Return the receipt as JSON-LD 1.1: metadata of its own, and the record it is of.

    `entry` is the ledger's entry of this very disclosure, so that the receipt can be held against the log.
    """
    return {
        "@context": CONTEXT,
        "@id": _urn(entry),
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": str(entry),
        "dct:conformsTo": RECEIPT_SCHEMA,
        "dct:created": _time(issued_at),
        "dct:publisher": {"@id": _urn(record.registered_by)},
        "dpv:hasRecordOfActivity": _record(record, wording),
    }


def _record(record: Record, wording: Wording) -> Node:
    return {
        "@id": _urn(record.id),
        "@type": "dpv:ConsentRecord",
        "dct:identifier": str(record.id),
        "dct:conformsTo": record.schema_version,
        "dct:hasVersion": str(record.version),
        "dct:created": _time(record.registered_at),
        "dpv:hasDataSubject": {"@id": _urn(record.subject), "@type": "dpv:DataSubject"},
        "dpv:hasDataController": [_party(party) for party in record.parties if party.role == "controller"],
        "dpv:hasRecipient": [_party(party) for party in record.parties if party.role == "recipient"],
        "dpv:hasAuthority": [_party(party) for party in record.parties if party.role == "authority"],
        "dpv:hasNotice": {
            "@type": "dpv:ConsentNotice",
            "dct:hasVersion": record.notice_version,
            "dct:language": record.notice_language,
            "udvej:sha256": record.notice_hash,
        },
        "dpv:hasPurpose": [_purpose(code, words) for code, words in wording.purposes.items()],
        "dpv:hasPersonalData": [_category(code, words, wording) for code, words in wording.categories.items()],
        "dpv:hasProcessing": [{"@id": "dpv:Disclose"}, {"@id": "dpv:Store"}],
        "dpv:hasLegalBasis": [{"@id": f"eu-gdpr:{code}"} for code in record.lawful_basis],
        "dpv:hasRight": [{"@id": f"eu-gdpr:{code}"} for code in record.rights],
        "dpv:hasConsentControl": {"@type": "dpv:ConsentControl", "dpv:isExercisedAt": record.withdrawal_method},
        "dpv:hasJurisdiction": record.jurisdiction,
        "dpv:hasStorageCondition": {"dpv:hasLocation": record.storage_location, "dpv:hasDuration": record.retention},
        "dpv:hasConsentStatus": [*(_event(event, record) for event in record.events), *_expired(record)],
        "udvej:kind": {"@id": f"udvej:kind-{record.kind}", "dct:title": _title(wording.kind)},
        "udvej:state": {"@id": STATUS[record.state]},
        "udvej:stateAsOf": {"@type": "xsd:dateTime", "@value": _time(record.as_of)},
        "udvej:validity": {"@id": VALID[record.expires_at is not None]},
        "udvej:specialCategory": record.special_category,
        "udvej:maturityAssessed": record.maturity_assessed,
        "udvej:reportBack": record.report_back,
        "udvej:permittedUse": [{"@id": f"udvej:use-{code}"} for code in record.permitted_uses],
        "udvej:forbiddenUse": [{"@id": f"udvej:use-{code}"} for code in record.forbidden_uses],
    }


def _purpose(code: str, words: Words) -> Node:
    return {"@id": f"udvej:purpose-{code}", "dct:title": _title(words), "skos:broader": {"@id": SERVICE}}


def _category(code: str, words: Words, wording: Wording) -> Node:
    node: Node = {"@id": f"udvej:category-{code}", "dct:title": _title(words)}
    terms = wording.terms.get(code, ())
    return {**node, "@type": list(terms)} if terms else node


def _party(party: Party) -> Node:
    node: Node = {"@id": _urn(party.id)} if party.id else {}
    types = {
        "controller": "dpv:DataController",
        "recipient": "dpv:Recipient",
        "authority": "dpv:DataProtectionAuthority",
    }
    node["@type"] = types[party.role]
    if party.name:
        node["dpv:hasName"] = _title(party.name)
    if party.contact:
        node["dpv:hasContact"] = party.contact
    return node


def _event(event: ToldEvent, record: Record) -> Node:
    by: dict[str, Node] = {
        "subject": {"@id": _urn(record.subject)},
        "custody_holder": {"@type": "dpv:GuardianOfDataSubject"},
        "agency": {"@id": _urn(event.registered_by)},
    }
    node: Node = {
        "@type": STATUS[event.kind],
        "dpv:isIndicatedBy": by[event.entity],
        "dpv:isIndicatedAtTime": _time(event.at),
        "dct:dateSubmitted": _time(event.registered_at),
    }
    if event.method:
        node["dpv:hasIndicationMethod"] = event.method
    if event.expires_at:
        node["dct:valid"] = _time(event.expires_at)
    if event.evidence_hash:
        node["udvej:sha256"] = event.evidence_hash
    return node


def _expired(record: Record) -> list[Node]:
    """The expiry, which no event tells of: computed from the last event's end."""
    end = record.events[-1].expires_at if record.events else None
    if record.state != "expired" or end is None:
        return []
    return [{"@type": STATUS["expired"], "dpv:isIndicatedAtTime": _time(end)}]


def _title(words: Words) -> list[Node]:
    return [{"@value": words[language], "@language": language} for language in ("da", "en")]


def _urn(identifier: UUID) -> str:
    return f"urn:uuid:{identifier}"


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
