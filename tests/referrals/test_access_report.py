"""The access report as a PDF that anybody can read, and the words in which a person is told what codes mean."""

import io
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader
from rest_framework import serializers

from agencies.models import Membership
from agencies.principals import Principal
from consent.models import EventKind
from referrals import access_report_pdf, danish, insight, insight_told, insight_words
from referrals.lifecycle import Move
from referrals.models.duties import GROUNDS
from referrals.sections import SCHEMAS, OutcomeEntrySerializer
from tests.api_schema.test_contract import CONTRACT, answered, faults
from tests.exchange import Answer, Exchange
from tests.referrals.walks import EVERYTHING, Walk, body_of_everything, walk
from tests.rules.test_rule_19_insight import asking, review_by, subject_of, withhold

LIKE_MARKUP = 'Sagde: #strong[nu] *fed* _skrå_ $x^2$ @navn <mærke> // ikke en kommentar #sys.inputs \\ "æøå ÆØÅ"'
TAGS_WANTED = {"/Document", "/Title", "/H1", "/H2", "/H3", "/Table", "/THead", "/TH", "/TR", "/TD", "/L", "/TOC"}


def pdf(exchange: Exchange, subject: str, query: str = "", **headers: str) -> Answer:
    answer = asking(exchange.municipality).get(
        f"subjects/{subject}/access-report{query}", Accept="application/pdf", **headers
    )
    assert answer.status == 200, answer
    return answer


def opened(answer: Answer) -> PdfReader:
    return PdfReader(io.BytesIO(answer.body))


def root_of(answer: Answer) -> Any:
    return opened(answer).trailer["/Root"]


def text_of(answer: Answer) -> str:
    """All the text of a PDF, on one line."""
    return " ".join(" ".join(page.extract_text() for page in opened(answer).pages).split())


def tags(node: Any) -> list[str]:
    """Return the types of all structure elements below a node, in reading order."""
    node = node.get_object() if hasattr(node, "get_object") else node
    if isinstance(node, list):
        return [tag for each in node for tag in tags(each)]
    if not isinstance(node, dict):
        return []
    return [*([str(node["/S"])] if "/S" in node else []), *tags(node.get("/K", []))]


@pytest.fixture(scope="module")
def exchange(django_db_setup: None) -> Exchange:
    return Exchange()


@pytest.fixture(scope="module")
def walked(exchange: Exchange) -> Walk:
    """A referral that was read by both sides, amended, asked about and completed."""
    sections = {**EVERYTHING, "reason": {"summary": LIKE_MARKUP, "subject_aware": "yes"}}
    body = body_of_everything(exchange.centre, sections=sections)
    body["basis"]["consent"]["report_back"] = True
    made = exchange.municipality.as_("caseworker").create(body)
    found = Walk(exchange, made.body["id"], made.etag, "submitted").go("receive", "assign")
    found.take("request_info", body={"kind": "information_request", "reason": "contact_unclear", "comment": "Hvornår?"})
    found.take("answer_info", found.sender, {"kind": "information_answer", "comment": "Efter kl. 10."})
    amended = {"reason": "new_information", "sections": {"needs": {"codes": ["work"]}}}
    assert found.sender.step(found.id, "amendments", amended).status == 200
    found.refresh()
    found.go("accept", "start")
    found.take("complete", body={"reason": "goals_reached", "outcome": "housing", "comment": "Bor nu for sig selv."})
    return found


def test_it_is_a_tagged_pdf_in_danish_with_a_title(exchange: Exchange, walked: Walk) -> None:
    answer = pdf(exchange, subject_of(walked))
    root = root_of(answer)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="indsigt.pdf"'
    assert (answer.headers["Content-Language"], answer.headers["Cache-Control"]) == ("da", "no-store")
    assert "Receipt" in answer.headers
    assert bool(root["/MarkInfo"]["/Marked"])
    assert str(root["/Lang"]).split("-")[0] == "da"
    assert bool(root["/ViewerPreferences"]["/DisplayDocTitle"])
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_object().get_data()
    metadata = opened(answer).metadata
    assert metadata is not None
    assert (metadata.title, metadata.author) == ("Indsigt i dine oplysninger", exchange.municipality.agency.name_da)


def test_it_has_headings_in_order_tables_with_headers_and_page_numbers(exchange: Exchange, walked: Walk) -> None:
    answer = pdf(exchange, subject_of(walked))
    found = tags(root_of(answer)["/StructTreeRoot"])
    assert set(found) >= TAGS_WANTED
    assert found.count("/Table") == found.count("/THead")
    levels = [int(tag[2:]) for tag in found if tag[:2] == "/H" and tag[2:].isdigit()]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels)), levels
    pages = len(opened(answer).pages)
    assert f"Side {pages} af {pages}" in text_of(answer)
    assert opened(answer).outline, "bookmarks"


def test_its_fonts_are_in_it_and_it_is_not_large(exchange: Exchange, walked: Walk) -> None:
    answer = pdf(exchange, subject_of(walked))
    assert len(answer.body) < 400_000
    for page in opened(answer).pages:
        resources: Any = page["/Resources"]
        for font in resources["/Font"].values():
            (inner,) = font.get_object()["/DescendantFonts"]
            assert "/FontFile3" in inner["/FontDescriptor"] or "/FontFile2" in inner["/FontDescriptor"]


def test_it_holds_what_the_person_is_told(exchange: Exchange, walked: Walk) -> None:
    text = text_of(pdf(exchange, subject_of(walked)))
    for said in (
        "Indsigt i dine oplysninger",
        *("Testperson Prøvesen", "6101901234", "Prøvevej 1, 0000 Prøveby", "Det er om cyklen.", "En bror"),
        *("København", "1990", "Bolig først.", "Arbejde", "Ny", "Hvornår?", "Efter kl. 10."),
        *("Bor nu for sig selv.", "Har fået bolig", "Gennemført"),
        *("Samtykke til videregivelse", "Givet", "Hjælp til at forlade miljøet"),
        *("Læste henvisningen", "Sendte henvisningen", "Kvitterede for modtagelsen"),
        exchange.centre.agency.name_da,
        *("Datatilsynet", "databeskyttelsesforordningen", "Intet er tilbageholdt"),
    ):
        assert said in text, said
    for code in ("SAMTYKKE-GDPR", "exit_support", "in_person", "goals_reached", "referral.disclose", "None", "{"):
        assert code not in text, code


def test_no_member_of_staff_is_in_it_unless_the_agency_asks_for_its_own(exchange: Exchange, walked: Walk) -> None:
    own, theirs = exchange.municipality.staff.values(), exchange.centre.staff.values()

    def named(text: str, ids: Any) -> list[str]:
        return [each for each in ids if each in text.replace(" ", "")]

    masked = text_of(pdf(exchange, subject_of(walked)))
    assert (named(masked, own), named(masked, theirs)) == ([], [])
    unmasked = text_of(pdf(exchange, subject_of(walked), "?staff=own"))
    assert (walked.sender.staff_id in named(unmasked, own), named(unmasked, theirs)) == (True, [])


def test_what_somebody_wrote_is_set_as_it_was_written(exchange: Exchange, walked: Walk) -> None:
    """Markup in it is text like any other, and can't reach what the compiler knows."""
    written = LIKE_MARKUP.replace('"', "").replace(" ", "")
    found = text_of(pdf(exchange, subject_of(walked)))
    for quote in "\"“”„'’":
        found = found.replace(quote, "")
    assert written in found.replace(" ", "")


def test_what_is_withheld_is_told_with_ground_and_date_and_no_more(exchange: Exchange) -> None:
    person = subject_of(walk(exchange, "received"))
    assert withhold(exchange, person, exchange.centre, "dbl_22_2", days=90).status == 201
    text = text_of(pdf(exchange, person))
    assert "Databeskyttelsesloven § 22, stk. 2" in text
    assert f"senest den {danish.day(_date(review_by(90)))}" in text
    assert "Ingen andre har fået" not in text
    log = text[text.rindex("Hele listen: hvem gjorde hvad, og hvornår") :]
    assert exchange.centre.agency.name_da not in log


def test_who_is_withheld_is_named_nowhere_in_it(exchange: Exchange) -> None:
    person = subject_of(walk(exchange, "accepted"))
    named = exchange.centre.agency.name_da
    assert named in text_of(pdf(exchange, person))
    withhold(exchange, person, exchange.centre, "dbl_22_2", days=90)
    text = text_of(pdf(exchange, person))
    assert named not in text
    day = danish.day(_date(review_by(90)))
    assert f"Oplyses ikke nu (Databeskyttelsesloven § 22, stk. 2; vurderes igen senest {day})" in text


def _date(text: str) -> Any:
    return serializers.DateField().to_internal_value(text)


def test_it_is_in_danish_whatever_language_is_asked_for(exchange: Exchange, walked: Walk) -> None:
    text = text_of(pdf(exchange, subject_of(walked), Accept_Language="en"))
    assert "Hvem har set hvad" in text
    assert "Read the referral" not in text


def test_the_same_report_gives_the_same_bytes(exchange: Exchange, walked: Walk) -> None:
    member = Membership.objects.get(staff_id=walked.sender.staff_id)
    by = Principal(
        agency=exchange.municipality.agency.id,
        kind="municipality",
        client="",
        scopes=frozenset({"referrals"}),
        user=member.user_id,
        membership=member.id,
        staff_id=member.staff_id,
        role=member.role,
        group=member.role_group.group_id,
    )
    subject = UUID(subject_of(walked))
    report = insight.access_report(subject, to=by, purpose="subject_access", own_staff=False, form="pdf")
    assert access_report_pdf.pdf(report) == access_report_pdf.pdf(report)


@pytest.mark.parametrize(
    ("accept", "status", "content_type"),
    [
        ("application/json", 200, "application/json"),
        ("*/*", 200, "application/json"),
        ("application/pdf", 200, "application/pdf"),
        ("application/pdf, */*;q=0.5", 200, "application/pdf"),
        ("text/html", 406, "application/problem+json"),
    ],
)
def test_the_form_is_what_the_caller_accepts(
    exchange: Exchange, walked: Walk, accept: str, status: int, content_type: str
) -> None:
    answer = asking(exchange.municipality).get(f"subjects/{subject_of(walked)}/access-report", Accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (status, content_type)


def test_the_json_is_in_the_language_that_is_asked_for(exchange: Exchange, walked: Walk) -> None:
    path = f"subjects/{subject_of(walked)}/access-report"
    told = {
        language: asking(exchange.municipality).get(path, Accept_Language=language).body for language in ("da", "en")
    }
    assert [told[language]["referrals"][0]["status"]["words"] for language in told] == ["Gennemført", "Completed"]
    assert "Datatilsynet" in told["en"]["about"]["complaint"]
    actions = {look["action"]["words"] for look in told["en"]["seen_by"]["entries"]}
    assert {"Read the referral", "Completed the work"} <= actions


def test_what_is_answered_fits_the_contract(exchange: Exchange, walked: Walk) -> None:
    person = subject_of(walked)
    coordinator, path = asking(exchange.municipality, "coordinator"), "/api/v1/subjects/{subject_id}"
    statement = {"agency": exchange.stranger.id, "ground": "dbl_22_1", "review_by": review_by(9)}
    answers = {
        ("get", path): coordinator.get(f"subjects/{person}"),
        ("get", f"{path}/access-report"): coordinator.get(f"subjects/{person}/access-report"),
        ("post", f"{path}/withholdings"): coordinator.create(statement, path=f"subjects/{person}/withholdings"),
        ("get", f"{path}/withholdings"): coordinator.get(f"subjects/{person}/withholdings"),
    }
    for (method, address), answer in answers.items():
        described = CONTRACT["paths"][address][method]
        assert faults(answered(described, answer.status), answer.body) == [], (method, address)


# --- Words for everything ------------------------------------------------------------------------------------------


def members(schema: Any) -> dict[str, Any]:
    """Return every member of a section's schema, nested ones included, with its field."""
    found: dict[str, Any] = {}
    for name, field in schema.fields.items():
        found[name] = field
        inner = getattr(field, "child", field)
        found |= members(inner) if isinstance(inner, serializers.Serializer) else {}
    return found


@pytest.mark.no_database
@pytest.mark.parametrize("schema", [*SCHEMAS.values(), OutcomeEntrySerializer])
def test_each_member_of_each_section_has_a_danish_name_and_each_code_its_words(schema: Any) -> None:
    for name, field in members(schema()).items():
        assert name in danish.FIELDS, name
        inner = getattr(field, "child", field)
        codes = getattr(inner, "choices", {}) if not isinstance(inner, serializers.Serializer) else {}
        assert name in danish.LISTED or set(codes) <= set(danish.SAID.get(name, {})), name


@pytest.mark.no_database
def test_each_move_and_each_event_and_each_ground_has_words() -> None:
    unsaid = {f"referral.{move}" for move in Move if move is not Move.STOP_ON_CONSENT} - set(insight_words.ACTIONS)
    assert unsaid == set()
    assert set(EventKind.values) | {"expired"} == set(insight_words.CONSENT_STATES)
    assert set(insight_words.GROUNDS) == set(GROUNDS)
    assert set(insight_words.SHOWN) == {str(shown) for shown in insight_told.Shown}


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("code", "da"),
    [
        ("referral.disclose", "Læste henvisningen"),
        ("referral.something-new", "Behandlede henvisningen"),
        ("task.read", "Behandlede en underretning"),
        ("something", "Behandlede oplysninger om personen"),
    ],
)
def test_an_action_that_has_no_words_yet_is_told_by_what_it_is_about(code: str, da: str) -> None:
    assert insight_words.action(code).da == da
