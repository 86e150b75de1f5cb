"""Which files are taken: scanned ones, of a type that is served, whole, under a plain name, once."""

import threading
from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from tests.exchange import Answer, Exchange
from tests.referrals.clamd import Listening, clamd
from tests.referrals.files import (
    EICAR,
    JPEG,
    NAME,
    PDF,
    PNG,
    TOLD,
    attach,
    attached,
    body,
    entry_of,
    errors,
    fetch,
    listed,
    pdf,
    refusal_of,
)
from tests.referrals.walks import walk
from tests.rules.scan import tables_holding


def test_without_a_scanner_a_file_is_marked_so_and_withheld(exchange: Exchange) -> None:
    walked = walk(exchange, "submitted")
    made = attach(walked.sender, walked.id)
    assert (made.status, made.body["scan_state"], made.body["served"]) == (201, "not_scanned", False)
    for reader in (walked.sender, walked.coordinator):
        assert [file["served"] for file in listed(reader, walked.id)] == [False]
        refused = fetch(reader, walked.id, made.body["id"])
        assert (refused.status, refused.body["code"]) == (409, "not-scanned")
        assert refusal_of(refused, "referral.attachment") == ("refused", "not-scanned")


def test_where_policy_says_so_it_is_served_and_the_entry_says_so(exchange: Exchange, settings: Settings) -> None:
    walked = walk(exchange, "submitted")
    file = attached(walked.sender, walked.id)
    settings.ATTACHMENTS_UNSCANNED = "serve"
    assert [file["served"] for file in listed(walked.coordinator, walked.id)] == [True]
    got = fetch(walked.coordinator, walked.id, file)
    assert (got.status, got.body) == (200, PDF)
    assert entry_of(got, "referral.attachment").detail["unscanned"] == "served"


def test_a_clean_files_entry_says_nothing_of_the_kind(
    exchange: Exchange, scanner: Listening, settings: Settings
) -> None:
    settings.ATTACHMENTS_UNSCANNED = "serve"
    walked = walk(exchange, "submitted")
    file = attached(walked.sender, walked.id)
    assert "unscanned" not in entry_of(fetch(walked.sender, walked.id, file), "referral.attachment").detail


def test_an_infected_file_is_never_stored(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "submitted")
    name, key = (f"mærke{uuid4().hex}", f"key-{uuid4()}")
    refused = attach(walked.sender, walked.id, pdf(EICAR), file_name=f"{name}.pdf", description=name, key=key)
    assert (refused.status, refused.body["code"]) == (422, "infected")
    assert refusal_of(refused, "referral.attach") == ("refused", "infected")
    assert name not in str(refused.body)
    assert tables_holding(name) == []
    assert tables_holding(key) == []
    assert listed(walked.sender, walked.id) == []
    assert attach(walked.sender, walked.id, pdf(b"clean"), key=key).status == 201


def test_while_the_scanner_is_away_nothing_is_stored(exchange: Exchange, settings: Settings) -> None:
    walked = walk(exchange, "submitted")
    with clamd() as gone:
        settings.CLAMAV = gone.address
    refused = attach(walked.sender, walked.id, key="k-2")
    assert (refused.status, refused.body["code"]) == (503, "scanner-unavailable")
    assert refused.headers["Retry-After"] == "30"
    assert refusal_of(refused, "referral.attach") == ("refused", "scanner-unavailable")
    assert listed(walked.sender, walked.id) == []
    with clamd() as back:
        settings.CLAMAV = back.address
        assert attach(walked.sender, walked.id, key="k-2").body["scan_state"] == "clean"


# --- Sent again ----------------------------------------------------------------------------------------------------


def test_the_same_request_again_returns_the_same_file_freshly_disclosed(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "submitted")
    first, again = (attach(walked.sender, walked.id, key="key-1") for _ in range(2))
    assert (again.status, again.body) == (201, first.body)
    assert (again.headers["Idempotency-Replayed"], "Idempotency-Replayed" in first.headers) == ("true", False)
    assert again.headers["Receipt"] != first.headers["Receipt"]
    assert len(listed(walked.sender, walked.id)) == len(scanner.received) == 1


@pytest.mark.parametrize("other", [{"content": b64encode(pdf(b"other")).decode()}, {"description": "En anden"}])
def test_the_same_key_with_another_file_is_refused(exchange: Exchange, other: dict[str, Any]) -> None:
    walked, elsewhere = walk(exchange, "draft"), walk(exchange, "draft")
    attached(walked.sender, walked.id, key="key-1")
    for refused in (
        attach(walked.sender, walked.id, key="key-1", **other),
        attach(walked.sender, elsewhere.id, key="key-1"),
    ):
        assert (refused.status, refused.body["code"]) == (422, "idempotency-key-reused")


def test_a_key_is_needed(exchange: Exchange) -> None:
    walked = walk(exchange, "draft")
    assert walked.sender.post(f"referrals/{walked.id}/attachments", body()).status == 400


def test_the_same_upload_twice_at_once_makes_one_file(exchange: Exchange) -> None:
    walked = walk(exchange, "draft")
    assert walked.sender.party.token
    answers: list[Answer] = []

    def upload() -> None:
        answers.append(attach(walked.sender, walked.id, key="key-1"))
        connection.close()

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].body == answers[1].body
    assert len(listed(walked.sender, walked.id)) == 1


# --- What is no file of ours ---------------------------------------------------------------------------------------

BAD_NAMES = [
    *("../hemmelig.pdf", "a/b.pdf", "a\\b.pdf", "C:fil.pdf", "..pdf", ".pdf", ".skjult.pdf", "fil.pdf.", " fil.pdf"),
    *("fil.pdf ", "fil\n.pdf", "fil\r\nX-Sat: 1.pdf", "fil\t.pdf", "fil\x7f.pdf", "fil\u202efdp.pdf", "fil\u200b.pdf"),
    *("fil\u2028.pdf", 'fil".pdf', "fil<script>.pdf", "fil|.pdf", "fil?.pdf", "fil*.pdf", "x" * 117 + ".pdf", ""),
]
OTHER_NAMES = ["fil", "fil.exe", "fil.pdf.exe", "fil.png", "pdf", "fil.PDFX"]
CPR_NAMES = ["6101901234.pdf", "sag 610190-1234.pdf", "610190 1234 udtalelse.pdf", "６１０１９０１２３４.pdf"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *((name, "invalid_file_name") for name in BAD_NAMES[:-1]),
        ("", "blank"),
        *((name, "other_extension") for name in OTHER_NAMES),
        *((name, "cpr_not_allowed_here") for name in CPR_NAMES),
    ],
)
def test_a_file_name_is_a_name_and_nothing_more(exchange: Exchange, name: str, code: str) -> None:
    refused = attach(exchange.municipality.as_("caseworker"), str(uuid4()), file_name=name)
    assert (refused.status, errors(refused)) == (422, [("/file_name", code)])
    assert len(name) <= len("pdf") or name not in str(refused.body)


NOT_OURS: dict[str, tuple[bytes, str, str]] = {
    "a program": (b"MZ" + b"\0" * 100, "application/pdf", "other_type"),
    "a page": (b"<html><script>alert(1)</script>%PDF-1.4\n%%EOF", "application/pdf", "other_type"),
    "text": (b"Bare tekst", "application/pdf", "other_type"),
    "an archive": (b"PK\x03\x04" + b"\0" * 60, "application/pdf", "other_type"),
    "a picture as a document": (PNG, "application/pdf", "other_type"),
    "a document as a picture": (PDF, "image/png", "other_type"),
    "one picture as another": (PNG, "image/jpeg", "other_type"),
    "a GIF that is a document too": (b"GIF89a" + PDF, "application/pdf", "other_type"),
    "an SVG": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/png", "other_type"),
    "a picture with an archive behind it": (PNG + b"PK\x03\x04" + b"\0" * 60, "image/png", "not_one_whole_file"),
    "a picture with a page behind it": (JPEG + b"<script>alert(1)</script>", "image/jpeg", "not_one_whole_file"),
    "a document with an archive behind it": (
        PDF + b"PK\x03\x04" + b"\0" * 2000,
        "application/pdf",
        "not_one_whole_file",
    ),
    "a picture cut off": (PNG[:-8], "image/png", "not_one_whole_file"),
    "a document cut off": (PDF[:30], "application/pdf", "not_one_whole_file"),
}
ENDS = {"application/pdf": "f.pdf", "image/png": "f.png", "image/jpeg": "f.jpg"}


@pytest.mark.parametrize("kind", NOT_OURS)
def test_a_file_is_what_its_bytes_are(exchange: Exchange, kind: str) -> None:
    content, media_type, code = NOT_OURS[kind]
    sent = {"media_type": media_type, "file_name": ENDS[media_type]}
    refused = attach(exchange.municipality.as_("caseworker"), str(uuid4()), content, **sent)
    assert (refused.status, errors(refused)) == (422, [("/content", code)])


NOT_BASE64: list[Any] = ["", "JVBERi0xLjQ", "JVBE\nRi0x", "_-8=", "QR==", "%", 5, [], "æ"]


@pytest.mark.parametrize(
    ("member", "value", "code"),
    [
        *[("content", wrong, "invalid_base64") for wrong in NOT_BASE64],
        ("media_type", "text/html", "invalid_choice"),
        ("media_type", "application/PDF", "invalid_choice"),
        ("category", "score", "invalid_choice"),
        ("description", "Nummer 610190-1234", "cpr_not_allowed_here"),
        ("description", "x" * 501, "max_length"),
        ("scan_state", "clean", "read_only"),
        ("sha256", "0" * 64, "read_only"),
        ("url", "https://x", "unknown_member"),
    ],
)
def test_each_member_is_what_it_should_be(exchange: Exchange, member: str, value: Any, code: str) -> None:
    refused = attach(exchange.municipality.as_("caseworker"), str(uuid4()), **{member: value})
    assert (refused.status, errors(refused)) == (422, [(f"/{member}", code)])


def test_a_file_has_at_most_so_many_bytes(exchange: Exchange, settings: Settings) -> None:
    walked = walk(exchange, "draft")
    settings.ATTACHMENT_BYTES_MAX = len(PDF)
    assert attach(walked.sender, walked.id, PDF).status == 201
    for larger in (pdf(b"Udtalelser"), pdf(b"x" * 100_000)):
        refused = attach(walked.sender, walked.id, larger)
        assert (refused.status, refused.body["code"]) == (413, "file-too-large")
        assert str(len(PDF)) in refused.body["detail"]


def test_the_largest_file_there_may_be_goes_through_whole(exchange: Exchange, scanner: Listening) -> None:
    walked = walk(exchange, "submitted")
    most = 5 * 1024 * 1024
    largest = pdf(b"\x00" * (most - len(pdf(b"")) - 6))
    assert most - 10 <= len(largest) <= most
    file = attached(walked.sender, walked.id, largest)
    assert fetch(walked.coordinator, walked.id, file).body == largest


def test_nothing_about_a_file_stands_in_an_address_or_a_log(
    exchange: Exchange, scanner: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    walked = walk(exchange, "submitted")
    file = attached(walked.sender, walked.id)
    fetch(walked.coordinator, walked.id, file)
    assert not any(secret in caplog.text for secret in (NAME, TOLD, file, walked.id))


def test_an_unknown_parameter_is_refused(exchange: Exchange) -> None:
    walked = walk(exchange, "draft")
    file = attached(walked.sender, walked.id)
    for path in ("", f"/{file}", f"/{file}/content"):
        assert walked.sender.get(f"referrals/{walked.id}/attachments{path}?inline=1").status == 400
