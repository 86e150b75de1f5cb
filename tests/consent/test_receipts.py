"""The receipt of a consent: linked data that stands on its own, and plain words for the person. A disclosure."""

import csv
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pyld import jsonld

from audit.models import Entry
from config.env import BASE_DIR
from tests.exchange import Answer, Caller, Exchange, consent_body

DPV = "https://w3id.org/dpv"
CHECKED = BASE_DIR.parent / "shared" / "reference" / "dpv_terms.csv"
PROPERTIES = {
    # the members that DPV's guide to ISO/IEC TS 27560 maps the standard's fields to (w3id.org/dpv/guides/consent-27560)
    *("hasAuthority", "hasConsentControl", "hasConsentStatus", "hasContact", "hasDataController", "hasDataSubject"),
    *("hasDuration", "hasIndicationMethod", "hasJurisdiction", "hasLegalBasis", "hasLocation", "hasName", "hasNotice"),
    *("hasPersonalData", "hasProcessing", "hasPurpose", "hasRecipient", "hasRecordOfActivity", "hasRight"),
    *("hasStorageCondition", "isExercisedAt", "isIndicatedAtTime", "isIndicatedBy"),
}
ENDS: dict[str, dict[str, Any]] = {
    "refuse": {"method": "oral"},
    "withdraw": {"method": "oral"},
    "invalidate": {"reason": "not_free"},
}


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    return Exchange()


def record(exchange: Exchange, **changes: Any) -> Answer:
    sender = exchange.municipality.as_("caseworker")
    subject = sender.create({}).body["subject"]["id"]
    made = sender.create({"subject": subject, **consent_body(exchange.centre), **changes}, path="consents")
    assert made.status == 201, made
    return made


def linked(by: Caller, consent: Answer) -> dict[str, Any]:
    answer = by.get(f"consents/{consent.body['id']}/receipt")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/ld+json")
    body = answer.body
    return dict(body if isinstance(body, dict) else json.loads(body))


def plain(by: Caller, consent: Answer, language: str) -> str:
    path = f"consents/{consent.body['id']}/receipt"
    answer = by.get(path, Accept="text/plain", Accept_Language=language)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    return str(answer.body.decode())


def offline(url: str, options: Any) -> Any:
    """A document loader that loads nothing: a receipt that has to fetch its meaning is none."""
    raise AssertionError(f"the receipt asks for {url}")


def expanded(document: dict[str, Any]) -> dict[str, Any]:
    (one,) = jsonld.expand(document, {"documentLoader": offline})
    return dict(one)


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of an expanded document."""
    if isinstance(value, list):
        for each in value:
            yield from nodes(each)
    elif isinstance(value, dict):
        yield value
        for each in value.values():
            yield from nodes(each)


def named(document: dict[str, Any]) -> tuple[set[str], set[str]]:
    """Return the DPV properties and the DPV concepts (types and things pointed at) that a document names."""
    properties, concepts = set(), set()
    for node in nodes(expanded(document)):
        properties |= {key for key in node if key.startswith(DPV)}
        concepts |= {iri for iri in [node.get("@id", ""), *node.get("@type", [])] if iri.startswith(DPV)}
    return properties, concepts


def everything(exchange: Exchange) -> Iterator[dict[str, Any]]:
    """Yield the receipts of consents of every kind and in every state, with every category."""
    sender = exchange.municipality.as_("caseworker")
    categories = ["contact", "identity", "background", "reason", "concern", "health", "criminal", "safety", "network"]
    every = {"categories": [*categories, "needs", "outcome"], "purposes": ["exit_support", "crime_prevention"]}
    for kind in ("GDPR_BASIS", "CONFIDENTIALITY_WAIVER", "HEALTH_SL43"):
        yield linked(sender, record(exchange, kind=kind, **every))
    yield linked(sender, record(exchange, given_at="2020-01-01T00:00:00Z", given_by="custody_holder"))
    for move, body in ENDS.items():
        consent = record(exchange, decision="requested" if move == "refuse" else "given")
        yield linked(sender, consent)
        path = f"consents/{consent.body['id']}"
        assert sender.post(f"{path}/{move}", body, If_Match='"1"').status == 200
        yield linked(sender, consent)
    consent = record(exchange)
    path = f"consents/{consent.body['id']}"
    assert sender.post(f"{path}/renew", {"method": "oral"}, If_Match='"1"').status == 200
    assert sender.post(f"{path}/withdraw", {"method": "oral", "by": "agency"}, If_Match='"2"').status == 200
    yield linked(sender, consent)


def test_a_receipt_expands_without_the_network_and_loses_nothing(exchange: Exchange) -> None:
    for document in everything(exchange):
        whole = json.dumps(document)
        members = set(re.findall(r'"((?:dpv|dct|skos|udvej):[A-Za-z0-9_-]+)":', whole)) - set(document["@context"])
        kept = {key for node in nodes(expanded(document)) for key in node}
        prefixes = {name: iri for name, iri in document["@context"].items() if isinstance(iri, str)}
        for member in members:
            prefix, _, name = member.partition(":")
            assert prefixes[prefix] + name in kept, member


def test_a_receipt_uses_dpvs_properties_as_its_guide_does(exchange: Exchange) -> None:
    for document in everything(exchange):
        assert named(document)[0] <= {f"{DPV}#{name}" for name in PROPERTIES}


def test_a_receipt_names_only_dpv_concepts_that_exist(exchange: Exchange) -> None:
    if not CHECKED.exists():
        pytest.skip("the list of checked DPV terms is not beside this checkout")
    with CHECKED.open(encoding="utf-8", newline="") as lines:
        exist = {row["iri"] for row in csv.DictReader(lines)}
    concepts = set().union(*(named(document)[1] for document in everything(exchange)))
    assert concepts <= exist, sorted(concepts - exist)
    assert len(concepts) > 30


def test_exit_work_is_our_own_purpose_below_a_service_and_never_counter_terrorism(exchange: Exchange) -> None:
    for document in everything(exchange):
        assert "terroris" not in json.dumps(document).lower()
        purposes = document["dpv:hasRecordOfActivity"]["dpv:hasPurpose"]
        assert purposes
        for purpose in purposes:
            assert purpose["@id"].startswith("udvej:purpose-")
            assert purpose["skos:broader"] == {"@id": "dpv:ServiceProvision"}


def test_a_receipt_says_what_the_record_says(exchange: Exchange) -> None:
    consent = record(exchange, categories=["contact", "health"], evidence_hash="b" * 64)
    told = linked(exchange.municipality.as_("coordinator"), consent)
    inner = told["dpv:hasRecordOfActivity"]
    assert (told["@type"], inner["@type"]) == ("dpv:ConsentReceipt", "dpv:ConsentRecord")
    assert inner["dct:identifier"] == consent.body["id"]
    assert inner["dpv:hasDataSubject"] == {"@id": f"urn:uuid:{consent.body['subject']}", "@type": "dpv:DataSubject"}
    assert inner["dpv:hasNotice"]["udvej:sha256"] == consent.body["notice"]["hash"]
    assert [node["@id"] for node in inner["dpv:hasPersonalData"]] == ["udvej:category-contact", "udvej:category-health"]
    assert "https://w3id.org/dpv/pd#Health" in inner["dpv:hasPersonalData"][1]["@type"]
    assert {"@id": "eu-gdpr:A7-3"} in inner["dpv:hasRight"]
    assert inner["dpv:hasJurisdiction"] == "DK"
    assert inner["dpv:hasRecipient"][0]["@id"] == f"urn:uuid:{exchange.centre.id}"
    (status,) = inner["dpv:hasConsentStatus"]
    assert (status["@type"], status["dpv:isIndicatedAtTime"]) == ("dpv:ConsentGiven", consent.body["events"][0]["at"])
    assert (status["dct:valid"], status["udvej:sha256"]) == (consent.body["expires_at"], "b" * 64)
    assert inner["udvej:state"] == {"@id": "dpv:ConsentGiven"}
    assert inner["udvej:validity"] == {"@id": "dpv:ConsentStatusValidForProcessing"}


def test_expiry_is_told_though_no_event_says_it(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    inner = linked(sender, record(exchange, given_at="2020-01-01T00:00:00Z"))["dpv:hasRecordOfActivity"]
    assert [status["@type"] for status in inner["dpv:hasConsentStatus"]] == ["dpv:ConsentGiven", "dpv:ConsentExpired"]
    assert inner["dpv:hasConsentStatus"][1]["dpv:isIndicatedAtTime"] == "2020-12-31T00:00:00Z"
    assert inner["udvej:validity"] == {"@id": "dpv:ConsentStatusInvalidForProcessing"}


def test_a_custody_holder_is_a_role_and_no_member_of_staff_is_named(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    body = {"given_by": "custody_holder", "witness": sender.staff_id, "maturity_assessed": True}
    consent = record(exchange, **body)
    told = linked(sender, consent)
    (status,) = told["dpv:hasRecordOfActivity"]["dpv:hasConsentStatus"]
    assert status["dpv:isIndicatedBy"] == {"@type": "dpv:GuardianOfDataSubject"}
    for shown in (json.dumps(told), plain(sender, consent, "da"), plain(sender, consent, "en")):
        assert sender.staff_id not in shown


# --- plain words --------------------------------------------------------------------------------------------------


def test_the_person_reads_it_in_danish_or_english(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    consent = record(exchange, categories=["contact", "reason"], report_back=True)
    danish, english = plain(sender, consent, "da"), plain(sender, consent, "en")
    centre, municipality = exchange.centre.agency, exchange.municipality.agency
    for said in ("Kvittering for dit samtykke", "Du har sagt ja.", "- Tryg kontakt", "- Hjælp til at forlade miljøet"):
        assert said in danish
    for said in ("Receipt for your consent", "You said yes.", "- Safe contact", "- Help to leave the milieu"):
        assert said in english
    for said in (f"- {municipality.name_da}", f"- {centre.name_da}", "www.datatilsynet.dk", consent.body["id"]):
        assert said in danish
    assert f"- {municipality.name_en}" in english
    assert consent.body["notice"]["hash"] in danish
    assert "efterforske dig" in danish
    assert "Du behøver ikke sige hvorfor." in danish
    assert "You don't have to say why." in english
    assert danish.endswith("\n")


def test_a_date_is_written_as_people_write_it(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    given = (datetime.now(UTC) - timedelta(days=2)).replace(microsecond=0)
    consent = record(exchange, given_at=given.isoformat(), expires_at=f"{given.year + 1}-01-05T10:00:00Z")
    assert f"til 5. januar {given.year + 1}." in plain(sender, consent, "da")
    assert f"until 5 January {given.year + 1}." in plain(sender, consent, "en")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"decision": "requested"}, "Du er blevet spurgt."),
        ({"decision": "refused"}, "Du har sagt nej."),
        ({"given_at": "2020-01-01T00:00:00Z"}, "Samtykket er udløbet."),
        ({"given_by": "custody_holder"}, "Den, der har forældremyndigheden, har svaret for dig."),
    ],
)
def test_it_says_how_it_is_now(exchange: Exchange, how: dict[str, str], said: str) -> None:
    assert said in plain(exchange.municipality.as_("caseworker"), record(exchange, **how), "da")


def test_its_sentences_are_short_and_its_lines_have_no_codes(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    consent = record(exchange, permitted_uses=["contact_person"], forbidden_uses=["onward_disclosure"])
    for language in ("da", "en"):
        shown = plain(sender, consent, language)
        assert not re.search(r"[a-z]_[a-z]", shown), "a code stands where words should"
        for sentence in re.split(r"[.:\n]", shown):
            assert len(sentence.split()) <= 25, sentence


# --- a disclosure like any other ----------------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["application/ld+json", "text/plain", "*/*", "application/json"])
def test_reading_a_receipt_is_recorded_and_receipted(exchange: Exchange, accept: str) -> None:
    reader = exchange.centre.as_("coordinator")
    made = record(exchange)
    exchange.municipality.as_("caseworker").rest_on(made, exchange.centre)
    consent = made.body["id"]
    answer = reader.get(f"consents/{consent}/receipt", Accept=accept)
    assert (answer.status, answer.etag) == (200, '"1"')
    assert answer.headers["Receipt"].count(".") == 2
    assert answer.headers["Cache-Control"] == "no-store"
    (entry,) = Entry.objects.filter(consent=consent, action="consent.receipt")
    assert (entry.outcome, entry.actor_agency, entry.on_behalf_of) == (
        "done",
        reader.party.agency.id,
        reader.staff_id,
    )


def test_to_a_stranger_there_is_no_receipt(exchange: Exchange) -> None:
    consent = record(exchange).body["id"]
    stranger = exchange.stranger.as_("caseworker")
    for accept in ("application/ld+json", "text/plain"):
        hidden = stranger.get(f"consents/{consent}/receipt", Accept=accept)
        absent = stranger.get("consents/01a20000-0000-7000-8000-000000000000/receipt", Accept=accept)
        assert (hidden.status, hidden.body) == (404, absent.body)
        assert hidden.headers["Content-Type"] == "application/problem+json"
    assert exchange.centre.as_("auditor").get(f"consents/{consent}/receipt").status == 403
    assert exchange.centre.as_("coordinator").get(f"consents/{consent}/receipt", Accept="image/png").status == 406
