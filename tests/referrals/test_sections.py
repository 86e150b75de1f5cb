"""What each section takes, what it refuses and with which code, and that no error repeats what was sent."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exchange import Answer, Exchange, consent_body
from tests.referrals.walks import EVERYTHING, STATEMENT, body_of_everything

CPR = "6101901234"
MARKER = "ZqÆ7Hemmelig9xWv"
PERSON = {"relation": "bror", "may_be_contacted": False}
METHOD = {"channel": "phone", "value": "00 00 00 00"}
REASON = {"summary": "Ønsker hjælp.", "subject_aware": "yes"}

REFUSED: list[tuple[str, Any, str, str]] = [
    ("contact", {}, "/methods", "required"),
    ("contact", {"methods": []}, "/methods", "empty"),
    ("contact", {"methods": [METHOD] * 11}, "/methods", "max_length"),
    ("contact", {"methods": [{"channel": "pigeon"}]}, "/methods/0/channel", "invalid_choice"),
    ("contact", {"methods": [METHOD, {"value": "1"}]}, "/methods/1/channel", "required"),
    ("contact", {"methods": [METHOD], "avoid_words": "exit"}, "/avoid_words", "not_a_list"),
    ("contact", {"methods": [METHOD], "safe": True}, "/safe", "unknown_member"),
    ("identity", {}, "/name", "required"),
    ("identity", {"name": ""}, "/name", "blank"),
    ("identity", {"name": None}, "/name", "null"),
    ("identity", {"name": ["a"]}, "/name", "invalid"),
    ("identity", {"name": "a" * 201}, "/name", "max_length"),
    ("identity", {"name": "A", "cpr": "610190123"}, "/cpr", "invalid_cpr"),
    ("identity", {"name": "A", "cpr": "61019012345"}, "/cpr", "invalid_cpr"),
    ("identity", {"name": "A", "cpr": "3002901234"}, "/cpr", "invalid_cpr"),
    ("identity", {"name": "A", "cpr": "9102901234"}, "/cpr", "invalid_cpr"),
    ("identity", {"name": "A", "cpr": "0013901234"}, "/cpr", "invalid_cpr"),
    ("identity", {"name": "A", "cpr": "0000000000"}, "/cpr", "invalid_cpr"),
    ("identity", {"name": "A", "cpr": "٦١٠١٩٠١٢٣٤"}, "/cpr", "invalid_cpr"),
    ("identity", {"name": "A", "cpr": "CPR6101901234"}, "/cpr", "invalid_cpr"),
    ("identity", {"name": "A", "cpr": [CPR]}, "/cpr", "invalid_cpr"),
    ("identity", {"name": "A", "address": "Vej 1", "protected_address": True}, "/address", "protected_address"),
    ("background", {"language": "Danish!"}, "/language", "invalid"),
    ("background", {"municipality_of_residence": "101"}, "/municipality_of_residence", "invalid"),
    ("background", {"birth_year": 1850}, "/birth_year", "min_value"),
    ("background", {"birth_year": 1901}, "/birth_year", "invalid_birth_year"),
    ("background", {"birth_year": 2100}, "/birth_year", "invalid_birth_year"),
    ("background", {"birth_year": "ny"}, "/birth_year", "invalid"),
    ("background", {"birth_date": "1990-01-01"}, "/birth_date", "unknown_member"),
    ("reason", {"summary": "A"}, "/subject_aware", "required"),
    ("reason", {"summary": " ", "subject_aware": "yes"}, "/summary", "blank"),
    ("reason", {"summary": "a" * 4001, "subject_aware": "yes"}, "/summary", "max_length"),
    ("reason", {**REASON, "subject_aware": True}, "/subject_aware", "invalid_choice"),
    ("reason", {**REASON, "necessity": "x"}, "/necessity", "unknown_member"),
    ("reason", {**REASON, "risk_score": 7}, "/risk_score", "no_risk_score"),
    ("concern", {"milieu": "unknown", "score": 1}, "/score", "no_risk_score"),
    ("concern", {"milieu": "unknown", "risk_level": "high"}, "/risk_level", "no_risk_score"),
    ("safety", {"threatened_by_milieu": "no", "danger_level": 3}, "/danger_level", "no_risk_score"),
    ("concern", {"milieu": "green"}, "/milieu", "invalid_choice"),
    ("concern", {"milieu": "unknown", "statements": [{"text": "A"}]}, "/statements/0/kind", "required"),
    ("concern", {"milieu": "unknown", "statements": [{**STATEMENT, "kind": "felt"}]}, "/statements/0/kind", ""),
    ("concern", {"milieu": "unknown", "statements": [{**STATEMENT, "on": "i går"}]}, "/statements/0/on", "invalid"),
    ("concern", {"milieu": "unknown", "statements": [{**STATEMENT, "risk": 1}]}, "/statements/0/risk", "no_risk_score"),
    ("health", {"statements": []}, "/statements", "empty"),
    ("health", {}, "/statements", "required"),
    ("criminal", {"statements": [STATEMENT] * 51}, "/statements", "max_length"),
    ("safety", {}, "/threatened_by_milieu", "required"),
    ("network", {"people": [{"relation": "bror"}]}, "/people/0/may_be_contacted", "required"),
    ("network", {"people": [{**PERSON, "name": "A"}]}, "/people/0/name", "unknown_member"),
    ("needs", {"codes": []}, "/codes", "empty"),
    ("needs", {"codes": ["money"]}, "/codes/0", "invalid_choice"),
    ("needs", {"codes": {"0": "housing"}}, "/codes", "not_a_list"),
    ("needs", [], "", "invalid"),
    ("needs", "housing", "", "invalid"),
]
"""A section, a content it does not take, and where and why it does not; an empty code is any."""

TEXTS = [
    ("contact", {"methods": [{"channel": "digital_post", "value": "{}"}]}, "/methods/0/value"),
    ("contact", {"methods": [{**METHOD, "hours": "{}"}]}, "/methods/0/hours"),
    ("contact", {"methods": [{**METHOD, "words_to_use": "{}"}]}, "/methods/0/words_to_use"),
    ("contact", {"methods": [METHOD], "avoid_words": ["{}"]}, "/avoid_words/0"),
    ("contact", {"methods": [METHOD], "must_not_know": ["{}"]}, "/must_not_know/0"),
    ("identity", {"name": "{}"}, "/name"),
    ("identity", {"name": "A", "aliases": ["{}"]}, "/aliases/0"),
    ("identity", {"name": "A", "address": "{}"}, "/address"),
    ("reason", {"summary": "{}", "subject_aware": "yes"}, "/summary"),
    ("reason", {**REASON, "subject_aware_note": "{}"}, "/subject_aware_note"),
    ("concern", {"milieu": "unknown", "statements": [{**STATEMENT, "text": "{}"}]}, "/statements/0/text"),
    ("health", {"statements": [{**STATEMENT, "source": "{}"}]}, "/statements/0/source"),
    ("criminal", {"statements": [{**STATEMENT, "text": "{}"}]}, "/statements/0/text"),
    ("safety", {"threatened_by_milieu": "no", "statements": [{**STATEMENT, "text": "{}"}]}, "/statements/0/text"),
    ("network", {"people": [{**PERSON, "relation": "{}"}]}, "/people/0/relation"),
    ("network", {"people": [{**PERSON, "note": "{}"}]}, "/people/0/note"),
    ("needs", {"codes": ["housing"], "note": "{}"}, "/note"),
]
"""Every place in a section that takes free text."""


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    """Agencies of this file's own: what its tests send is refused, or a draft that no other test knows."""
    return Exchange()


def send(exchange: Exchange, category: str, content: Any) -> Answer:
    """Create a draft with this one section."""
    return exchange.municipality.as_("caseworker").create({"sections": {category: content}})


def with_text(content: Any, text: str) -> Any:
    return json.loads(json.dumps(content).replace("{}", text))


def test_every_section_that_is_filled_as_it_should_be_is_taken(exchange: Exchange) -> None:
    for category, content in EVERYTHING.items():
        made = send(exchange, category, content)
        assert (made.status, made.body.get("sections")) == (201, {category: content}), category


@pytest.mark.parametrize(("category", "content", "pointer", "code"), REFUSED)
def test_what_a_section_does_not_take_is_refused_at_its_place(
    exchange: Exchange, category: str, content: Any, pointer: str, code: str
) -> None:
    refused = send(exchange, category, content)
    assert (refused.status, refused.body["code"]) == (422, "invalid")
    told = {(error["pointer"], error["code"]) for error in refused.body["errors"]}
    where = f"/sections/{category}{pointer}"
    assert (where, code) in told if code else where in {place for place, _ in told}, told
    assert len(told) == 1


@pytest.mark.parametrize(("category", "content", "pointer"), TEXTS)
def test_a_cpr_number_stands_in_no_free_text(exchange: Exchange, category: str, content: Any, pointer: str) -> None:
    for written in (CPR, "610190-1234", "610190 1234", "Cpr.nr. 610190-1234, mener jeg"):
        refused = send(exchange, category, with_text(content, written))
        told = [(error["pointer"], error["code"]) for error in refused.body.get("errors", [])]
        assert (refused.status, told) == (422, [(f"/sections/{category}{pointer}", "cpr_not_allowed_here")]), written


@pytest.mark.parametrize(
    "written",
    ["610190–1234", "610190‑1234", "610190 1234", "610190 - 1234", "６１０１９０１２３４"],
)
def test_a_cpr_number_stands_in_no_free_text_however_a_word_processor_wrote_it(
    exchange: Exchange, written: str
) -> None:
    assert send(exchange, "reason", {"summary": written, "subject_aware": "yes"}).status == 422


@pytest.mark.parametrize("written", ["12345678", "+45 12 34 56 78", "20261122-12345678", "1234567890123"])
def test_a_number_that_is_no_cpr_number_may_be_written(exchange: Exchange, written: str) -> None:
    assert send(exchange, "reason", {"summary": written, "subject_aware": "yes"}).status == 201


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("6101901234", "6101901234"),  # a replacement number: day + 60
        ("9112991234", "9112991234"),
        ("610190-1234", "6101901234"),
        ("6101901235", "6101901235"),  # modulus 11 is not asked for (since 2007)
        ("8902001234", "8902001234"),  # 29 February 2000
    ],
)
def test_a_cpr_number_with_a_date_in_it_is_taken(exchange: Exchange, sent: str, stored: str) -> None:
    made = send(exchange, "identity", {"name": "Testperson", "cpr": sent})
    assert (made.status, made.body["sections"]["identity"]["cpr"]) == (201, stored)


@pytest.mark.parametrize(
    "reference",
    ["6101901234", "610190-1234", "SAG-6101901234-1", "610190.1234", "610190_1234", "610190/1234", "KK610190-1234"],
)
def test_an_external_reference_is_no_cpr_number(exchange: Exchange, reference: str) -> None:
    refused = exchange.municipality.as_("caseworker").create({"external_reference": reference})
    assert refused.status == 422
    assert [error["pointer"] for error in refused.body["errors"]] == ["/external_reference"]


@pytest.mark.parametrize("reference", ["", " ", "a b", "a\nb", "a;b", "a" * 65, "<b>", "A'--", "Å\u200b"])
def test_an_external_reference_is_short_and_plain(exchange: Exchange, reference: str) -> None:
    assert exchange.municipality.as_("caseworker").create({"external_reference": reference}).status == 422


@pytest.mark.parametrize("where", [{"risk_score": 5}, {"sections": {"risk_score": 5}}])
def test_a_risk_score_is_refused_wherever_it_stands(exchange: Exchange, where: dict[str, Any]) -> None:
    refused = exchange.municipality.as_("caseworker").create(where)
    assert (refused.status, [error["code"] for error in refused.body["errors"]]) == (422, ["no_risk_score"])


def test_the_outcome_is_written_by_moves_and_cannot_be_sent(exchange: Exchange) -> None:
    for category in ("outcome", "status", "identity.cpr"):
        refused = send(exchange, category, {"entries": []})
        assert (refused.status, refused.body["errors"][0]["code"]) == (422, "unknown_member")


def test_an_anonymous_case_takes_no_identity_then_or_later(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    anonymous = {"subject": {"mode": "anonymous"}, "sections": {"reason": REASON}}
    refused = sender.create({**anonymous, "sections": {"identity": {"name": "A"}}})
    assert (refused.status, refused.body["errors"][0]["code"]) == (422, "anonymous_case")
    draft = sender.create(anonymous)
    assert draft.status == 201
    edited = sender.call(
        "PATCH", f"referrals/{draft.body['id']}", {"sections": {"identity": {"name": "A"}}}, If_Match='"1"'
    )
    assert (edited.status, edited.body["errors"][0]["code"]) == (422, "anonymous_case")
    assert "identity" not in sender.read(draft.body["id"]).body["sections"]


def test_in_a_change_a_section_is_replaced_and_null_takes_it_out(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    draft = sender.create(body_of_everything(exchange.centre, submit=False))
    changes = {"identity": {"name": "Anden Prøvesen"}, "health": None}
    edited = sender.call("PATCH", f"referrals/{draft.body['id']}", {"sections": changes}, If_Match=draft.etag)
    expected = {**EVERYTHING, "identity": {"name": "Anden Prøvesen"}}
    del expected["health"]
    assert (edited.status, edited.body["sections"]) == (200, expected)


def test_a_draft_takes_another_consent_and_another_basis(exchange: Exchange) -> None:
    sender = exchange.municipality.as_("caseworker")
    draft = sender.create(body_of_everything(exchange.centre, submit=False))
    other = {"code": "SAMTYKKE-TAVSHED", "consent": consent_body(exchange.centre, ["reason"])}
    first = sender.call("PATCH", f"referrals/{draft.body['id']}", {"basis": other}, If_Match=draft.etag)
    assert (first.status, first.body["basis"]["consent_id"] == draft.body["basis"]["consent_id"]) == (200, False)
    necessary = {"code": "MYNDIGHED-6E", "necessity_statement": "Nødvendigt."}
    second = sender.call("PATCH", f"referrals/{draft.body['id']}", {"basis": necessary}, If_Match=first.etag)
    third = sender.call("PATCH", f"referrals/{draft.body['id']}", {"basis": necessary}, If_Match=second.etag)
    assert (third.status, third.body["basis"]["code"]) == (200, "MYNDIGHED-6E")


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path to every member and item of a body."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for name, inner in inside for found in [(*path, name), *leaves(inner, (*path, name))]]


WHOLE: dict[str, Any] = {
    "recipient": "00000000-0000-0000-0000-000000000000",
    "external_reference": "SAG-1",
    "channel": "municipality",
    "urgency": "soon",
    "subject": {"id": "00000000-0000-0000-0000-000000000000", "mode": "identified"},
    "basis": {
        "code": "SAMTYKKE-TAVSHED",
        "consent_id": "00000000-0000-0000-0000-000000000000",
        "necessity_statement": "Nødvendigt.",
        "consent": {
            "kind": "CONFIDENTIALITY_WAIVER",
            "recipients": ["00000000-0000-0000-0000-000000000000"],
            "purposes": ["exit_support"],
            "categories": ["reason"],
            "given_at": "2026-11-01T09:00:00Z",
            "expires_at": "2026-12-01T09:00:00Z",
            "method": "written",
            "given_by": "subject",
            "maturity_assessed": False,
            "report_back": False,
            "notice_version": "2026-11",
            "notice_language": "da",
            "notice_hash": "0" * 64,
            "evidence_hash": "0" * 64,
        },
    },
    "sections": EVERYTHING,
    "submit": False,
}
SHAPES: list[Any] = [
    MARKER,
    [MARKER],
    {MARKER: MARKER},
    [[MARKER]],
    MARKER * 400,
    f"{MARKER} 610190-1234",
    f"<script>{MARKER}</script>",
    f"'; DROP TABLE {MARKER}; --",
]


def refused_without_repeating(answer: Answer, path: tuple[str | int, ...]) -> None:
    assert answer.status in (201, 422), (path, answer)
    if answer.status == 422:
        said = json.dumps([answer.body, answer.headers], ensure_ascii=False)
        assert MARKER not in said, path
        assert CPR[:6] not in said, path


@pytest.mark.parametrize("path", leaves(WHOLE), ids=lambda path: "/".join(map(str, path)))
def test_an_error_does_not_repeat_what_was_sent_there(exchange: Exchange, path: tuple[str | int, ...]) -> None:
    body = deepcopy(WHOLE)
    place: Any = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = {"x": f"{MARKER} 610190-1234"}
    refused_without_repeating(exchange.municipality.as_("caseworker").create(body), path)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(path=st.sampled_from(leaves(WHOLE)), shape=st.sampled_from(SHAPES), beside=st.booleans())
def test_no_error_repeats_a_value_of_whatever_shape(
    exchange: Exchange, path: tuple[str | int, ...], shape: Any, beside: bool
) -> None:
    body = deepcopy(WHOLE)
    place: Any = body
    for step in path[:-1]:
        place = place[step]
    if beside and isinstance(place, dict):
        place[MARKER] = shape
    else:
        place[path[-1]] = shape
    refused_without_repeating(exchange.municipality.as_("caseworker").create(body), path)


def test_an_unknown_member_with_a_cpr_number_in_its_name_is_not_repeated(exchange: Exchange) -> None:
    refused = exchange.municipality.as_("caseworker").create({"cpr_6101901234": True})
    assert refused.status == 422
    assert "6101901234" not in str(refused.body)
