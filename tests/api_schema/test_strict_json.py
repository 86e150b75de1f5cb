"""What no body may be: each is refused as malformed, too large or of another type, and nothing is done."""

import gzip
import json
from typing import Any

import pytest

from api_schema.parsing import read
from api_schema.problems import Malformed
from tests.exchange import Caller, Exchange

MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module")
def caller(django_db_setup: None) -> Caller:
    """A caseworker whose bodies are refused before anything is made of them."""
    return Exchange().municipality.as_("caseworker")


def deep(levels: int, inner: str = "1") -> bytes:
    return b'{"a":' * levels + inner.encode() + b"}" * levels


MALFORMED: dict[str, bytes] = {
    "nothing but white space": b"  \n ",
    "a word": b"hello",
    "half an object": b'{"urgency": "soon"',
    "two values": b"{} {}",
    "a trailing comma": b'{"urgency": "soon",}',
    "a comment": b'{} // "soon"',
    "single quotes": b"{'urgency': 'soon'}",
    "NUL in a text": b'{"external_reference": "a\\u0000b"}',
    "NUL in a name": b'{"a\\u0000b": 1}',
    "a raw NUL": b'{"external_reference": "a\x00b"}',
    "a lone surrogate": b'{"external_reference": "\\ud800"}',
    "a lone surrogate in a name": b'{"\\udfff": 1}',
    "a lone surrogate deep inside": b'{"sections": {"reason": {"summary": ["\\udc00"]}}}',
    "NaN": b'{"urgency": NaN}',
    "Infinity": b'{"urgency": Infinity}',
    "minus Infinity": b'{"urgency": -Infinity}',
    "a number beyond numbers": b'{"sections": {"reason": {"summary": 1e400, "subject_aware": "yes"}}}',
    "a big integer": b'{"urgency": 9007199254740992}',
    "a big negative integer": b'{"urgency": -9007199254740992}',
    "an integer of many digits": b'{"urgency": ' + b"9" * 5000 + b"}",
    "a leading zero": b'{"urgency": 01}',
    "a name twice": b'{"urgency": "soon", "urgency": "acute"}',
    "a name twice inside": b'{"sections": {"reason": {"summary": "a", "summary": "b"}}}',
    "17 levels": deep(18),
    "10,000 levels": deep(10_000),
    "100,000 levels of lists": b"[" * 100_000 + b"]" * 100_000,
    "half a character": b'{"external_reference": "\xc3"}',
    "latin-1": '{"external_reference": "æ"}'.encode("latin-1"),
    "UTF-16": '{"urgency": "soon"}'.encode("utf-16"),
    "UTF-32": '{"urgency": "soon"}'.encode("utf-32"),
    "a byte order mark": b'\xef\xbb\xbf{"urgency": "soon"}',
    "an overlong NUL": b'{"external_reference": "\xc0\x80"}',
    "a control character": b'{"external_reference": "a\x01b"}',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_body_that_is_not_plain_json_is_malformed(caller: Caller, name: str) -> None:
    for path in ("referrals", "consents", "referrals/batch"):
        refused = caller.create(MALFORMED[name], path=path)
        assert (refused.status, refused.body["code"]) == (400, "malformed"), path
        assert refused.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("body", [[], [{}], "soon", 1, True, None, 1.5], ids=repr)
def test_a_body_that_is_no_object_is_refused_at_its_root(caller: Caller, body: Any) -> None:
    refused = caller.create(json.dumps(body).encode())
    assert (refused.status, [error["pointer"] for error in refused.body["errors"]]) == (422, [""])


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/plain", b"{}"),
        ("text/json", b"{}"),
        ("application/xml", b"<a/>"),
        ("application/x-www-form-urlencoded", b"urgency=soon"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="urgency"\r\n\r\nsoon\r\n--x--',
        ),
        ("application/vnd.api+json", b"{}"),
        ("application/json-patch+json", b"[]"),
        ("nonsense", b"{}"),
        ("", b"{}"),
        ("application/octet-stream", b"\x00"),
    ],
)
def test_a_body_of_another_type_is_not_read(caller: Caller, content_type: str, body: bytes) -> None:
    refused = caller.create(body, Content_Type=content_type or " ")
    assert (refused.status, refused.body["code"]) == (415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_read_however_its_type_is_written(caller: Caller, content_type: str) -> None:
    assert caller.create(b'{"urgency": "soon"}', Content_Type=content_type).status == 201


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip", "x-gzip"])
def test_a_packed_body_is_not_unpacked(caller: Caller, encoding: str) -> None:
    bomb = gzip.compress(b'{"urgency": "' + b" " * MEGABYTE + b'"}')
    refused = caller.create(bomb, Content_Encoding=encoding)
    assert (refused.status, refused.body["code"]) == (415, "unsupported-media-type")


def test_a_body_of_nine_megabytes_is_too_large(caller: Caller) -> None:
    huge = b'{"external_reference": "' + b"a" * 9 * MEGABYTE + b'"}'
    for path in ("referrals", "referrals/batch"):
        refused = caller.create(huge, path=path)
        assert (refused.status, refused.body["code"]) == (413, "too-large")


def test_a_wide_body_is_refused_without_being_repeated(caller: Caller) -> None:
    wide = {f"Member {number}": number for number in range(20_000)}
    refused = caller.create(wide)
    assert refused.status in (400, 422)
    assert "Member" not in str(refused.body)


def test_an_empty_body_says_nothing(caller: Caller) -> None:
    assert caller.create(b"").body.get("sections", {}) == {}
    assert caller.create(b"", path="referrals/batch").status == 422
    assert caller.create(b"", path="consents").status == 422


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b'{"a": 9007199254740991}', {"a": 9007199254740991}),
        (b'{"a": -9007199254740991}', {"a": -9007199254740991}),
        (b'{"a": 1.5}', {"a": 1.5}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        ('{"a": "æøå\u202e"}'.encode(), {"a": "æøå\u202e"}),
        (deep(15), json.loads(deep(15))),
    ],
)
def test_what_is_plain_json_is_read(raw: bytes, value: Any) -> None:
    assert read(raw) == value


@pytest.mark.no_database
def test_what_is_malformed_is_said_without_repeating_it() -> None:
    for raw in (b'{"Zq7": NaN}', b'{"Zq7": 1, "Zq7": 2}', b'"Zq7\\ud800"', b"Zq7"):
        with pytest.raises(Malformed) as refused:
            read(raw)
        assert "Zq7" not in str(refused.value.body())
