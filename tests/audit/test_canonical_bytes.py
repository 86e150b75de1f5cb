"""
The bytes that are hashed: written by the database, recomputed here from the columns, and the same to the byte.

Whoever verifies the ledger later has the columns and the bytes. They must agree for whatever text an entry holds,
whatever the session that wrote it had set, and every column must be in them.
"""

import hashlib
import json
import string
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit import log
from audit.canonical import entry_bytes, jcs, leaf_hash
from audit.facts import SYSTEM, Actor, Subject
from audit.models import Entry
from config import embedded_postgres
from tests.audit.ledger import as_committed, columns_of, entries_about

HOSTILE = {
    "quotes": '"\'`\\\\" \\u0041 \\n',
    "controls": "".join(map(chr, range(1, 32))) + "\x7f\x80\x85\x9f",
    "json": '","at":"2020-01-01T00:00:00Z","x":{"y":[null]}',
    "sql": "'; DROP TABLE audit_entry; --",
    "lines": "a\r\nb\nc\u2028d\u2029e",
    "danish": "Blåbærgrød på Ærø, § 115 – stk. 3",
    "combining": "e\u0301 \u00e9 \u0041\u030a \u212b",
    "astral": "😀 👩‍👩‍👧 𝔘 \U0010ffff",
    "right to left": "\u202eabc\u202c \u200f \ufeff",
    "not a character": "\ufffe\uffff\ufdd0",
    "percent and braces": "%s %(name)s {0} $1 $$",
    "long": 'æ"\\😀' * 5000,
    "spaces": "  \t  ",
}

TEXTS = [
    *("action", "actor_client", "actor_user", "on_behalf_of", "role", "subject_kind", "subject_id", "purpose", "basis"),
    *("refusal", "request_id"),
]
DIGESTS = ["criterion", "changes"]
INDEXED = 900
"""Characters of a long text that still fit an index row: what an act is about is an id, never a text."""


def insert(**changes: Any) -> Entry:
    """Commit an entry as `log` does, and return it with every column, as other sessions see it."""
    columns: dict[str, Any] = {
        **dict.fromkeys([*TEXTS, *DIGESTS], ""),
        "actor_agency": None,
        "basis_version": None,
        "consent": None,
        "consent_version": None,
        "categories": [],
        "result_ids": [],
        "correlation": uuid4(),
        "detail": {},
        **changes,
    }
    columns["outcome"] = "refused" if columns["refusal"] else "done"
    columns["detail"] = json.dumps(columns["detail"])
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        values = ", ".join(["%s"] * len(columns))
        cursor.execute(f"INSERT INTO audit_entry ({names}) VALUES ({values}) RETURNING id", [*columns.values()])
        (entry,) = cursor.fetchone()
    return Entry.objects.get(pk=entry)


def agrees(entry: Entry) -> None:
    """Fail unless bytes and hash are those that follow from the columns, by our code and by the one below."""
    columns = columns_of(entry)
    stored = bytes(entry.canonical)
    assert stored == entry_bytes(columns) == written_independently(columns)
    assert bytes(entry.leaf_hash) == leaf_hash(stored) == hashlib.sha256(b"\x00" + stored).digest()
    assert json.loads(stored)["v"] == 1


def written_independently(columns: dict[str, object]) -> bytes:
    """Return what the format's page says, in a few lines of our own that share nothing with the product."""
    escapes = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}
    short = {**{code: f"\\u{code:04x}" for code in range(32)}, **escapes}

    def write(value: Any) -> str:
        if value is None:
            return "null"
        if isinstance(value, int):
            return str(value)
        if isinstance(value, dict):
            return "{" + ",".join(f"{write(name)}:{write(value[name])}" for name in sorted(value)) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(write, value)) + "]"
        if isinstance(value, datetime):
            value = value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return '"' + str(value).translate(short) + '"'

    entry = {name: value for name, value in columns.items() if name not in ("canonical", "leaf_hash")}
    return write({**entry, "v": 1, "xid": str(columns["xid"])}).encode()


@pytest.mark.parametrize("column", TEXTS)
def test_the_bytes_follow_from_the_columns_whatever_the_text(column: str) -> None:
    for text in HOSTILE.values():
        agrees(insert(**{column: text[:INDEXED] if column.startswith("subject_") else text}))


def test_nor_does_it_matter_in_arrays_and_in_the_detail() -> None:
    texts = [*HOSTILE.values()]
    names = dict(zip(string.ascii_lowercase, texts, strict=False))
    agrees(insert(categories=texts, detail={**names, "z_z": "", "_": "under", "aa": "a", "a_": "b"}))
    agrees(insert(categories=[""], result_ids=[uuid4() for _ in range(500)]))
    agrees(insert(categories=["NULL", "null", "{}", "{a,b}", '"']))


def test_numbers_and_ids_are_written_one_way_only() -> None:
    for number in (0, 1, 2**31 - 1):
        agrees(insert(basis_version=number, consent_version=number))
    for identifier in (UUID(int=0), UUID(int=2**128 - 1), uuid4()):
        agrees(insert(actor_agency=identifier, consent=identifier, correlation=identifier, result_ids=[identifier]))


text = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)
names = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=40)
numbers = st.none() | st.integers(0, 2**31 - 1)
ids = st.uuids()
entries = st.fixed_dictionaries(
    {
        **dict.fromkeys(TEXTS, text),
        **dict.fromkeys(DIGESTS, st.just("") | st.binary(min_size=32, max_size=32).map(bytes.hex)),
        "actor_agency": st.none() | ids,
        "basis_version": numbers,
        "consent": st.none() | ids,
        "consent_version": numbers,
        "categories": st.lists(text, max_size=4),
        "result_ids": st.lists(ids, max_size=4),
        "correlation": ids,
        "detail": st.dictionaries(names, text, max_size=4),
    }
)


@settings(max_examples=120, deadline=None, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries)
def test_the_bytes_follow_from_the_columns_of_any_entry(columns: dict[str, Any]) -> None:
    agrees(insert(**columns))


def test_an_act_is_written_the_same_way() -> None:
    about = uuid4()
    by = Actor(agency=uuid4(), client='c"\\', user="7", on_behalf_of="Ægir 😀", role="\t")
    with log.act("test.write", by=by, about=Subject("thing", about), purpose="\u2028", changes=False) as act:
        act.categories, act.result_ids, act.detail = ("reason", "a,b"), (uuid4(),), {"said": 'in "quotes"'}
    (entry,) = entries_about(about)
    agrees(entry)
    assert act.committed.leaf_hash == leaf_hash(entry_bytes(columns_of(entry)))


SESSIONS = [
    "SET timezone = 'America/St_Johns'",
    "SET timezone = 'UTC+5'",
    "SET timezone = '<UTC>-11:30'",
    "SET timezone_abbreviations = 'India'",
    "SET DateStyle = 'SQL, DMY'",
    "SET IntervalStyle = 'iso_8601'",
    "SET backslash_quote = on; SET escape_string_warning = off",
    "SET bytea_output = 'escape'",
    "SET extra_float_digits = -15",
    "SET client_encoding = 'LATIN1'",
    "SET search_path = pg_temp",
    "SET search_path = ''",
    "SET lc_time = 'C'; SET lc_numeric = 'C'; SET lc_monetary = 'C'",
    "SET transform_null_equals = on",
    "SET quote_all_identifiers = on",
    "SET array_nulls = off",
    "SET default_transaction_isolation = 'serializable'",
    "SET synchronous_commit = off",
    "SET jit = on; SET jit_above_cost = 0",
    "SET plan_cache_mode = force_generic_plan",
]
"""What the application's session may set for itself, and with it whoever injects SQL into it."""


@pytest.mark.parametrize("setting", SESSIONS)
def test_no_setting_of_the_session_changes_the_bytes(setting: str) -> None:
    agrees(Entry.objects.get(pk=insert_under(setting)))


def test_with_backslashes_that_escape_the_bytes_are_the_same_or_there_are_none() -> None:
    """The stamp's own text holds a backslash; a session that reads it otherwise may write nothing."""
    with suppress(psycopg.errors.CharacterNotInRepertoire):
        agrees(Entry.objects.get(pk=insert_under("SET standard_conforming_strings = off")))


def insert_under(setting: str) -> str:
    """Commit an entry in a session of the application's that has set this, and return its id."""
    url = embedded_postgres.locate(django_settings.CLUSTER).url("udvej_app", "test")
    statement = (
        "INSERT INTO public.audit_entry (action, actor_client, actor_user, on_behalf_of, role, subject_kind, "
        "subject_id, purpose, basis, basis_version, categories, outcome, refusal, result_ids, criterion, correlation, "
        "request_id, changes, detail) "
        "VALUES (E'a\\\\b', '', '', '', '', '', '', '', '', 1, ARRAY[E'\\\\'], 'done', '', "
        "'{}', '', gen_random_uuid(), '', '', '{\"a\": \"b\"}') RETURNING id::text"
    )
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(setting.encode())
        made = session.execute(statement.encode()).fetchone()
    assert made is not None
    return str(made[0])


# --- Every column is in the bytes --------------------------------------------------------------------------------

ANOTHER: dict[str, Any] = {
    "id": UUID(int=1),
    "xid": 1,
    "at": datetime(2020, 1, 1, tzinfo=UTC),
    "db_user": "another",
    "action": "another",
    "actor_agency": UUID(int=1),
    "actor_client": "another",
    "actor_user": "another",
    "on_behalf_of": "another",
    "role": "another",
    "subject_kind": "another",
    "subject_id": "another",
    "purpose": "another",
    "basis": "another",
    "basis_version": 7,
    "consent": UUID(int=1),
    "consent_version": 7,
    "categories": ["another"],
    "outcome": "refused",
    "refusal": "another",
    "result_ids": [UUID(int=1)],
    "criterion": "another",
    "correlation": UUID(int=1),
    "request_id": "another",
    "changes": "another",
    "detail": {"another": "value"},
}
"""Every column that the bytes cover, with another value than an empty entry has."""


def test_these_are_all_the_columns_but_the_bytes_and_their_hash() -> None:
    of_the_model = {field.column for field in Entry._meta.concrete_fields}
    in_the_database = as_committed(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = 'audit_entry'::regclass AND attnum > 0 "
        "AND NOT attisdropped"
    )
    assert of_the_model == {name for (name,) in in_the_database} == {*ANOTHER, "canonical", "leaf_hash"}


@pytest.mark.parametrize("column", ANOTHER)
def test_another_value_in_a_column_makes_other_bytes(column: str) -> None:
    """By our recomputation and by the database's own, which agree on the altered entry too."""
    columns = columns_of(insert())
    altered = {**columns, column: ANOTHER[column]}
    assert altered[column] != columns[column]
    assert entry_bytes(altered) != entry_bytes(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT audit_canonical(jsonb_populate_record(e, %s::jsonb)) FROM audit_entry e WHERE id = %s",
            [json.dumps({column: altered[column]}, default=str), str(columns["id"])],
        )
        (by_the_database,) = cursor.fetchone()
    assert bytes(by_the_database) == entry_bytes(altered)


def test_without_a_column_there_are_no_bytes() -> None:
    """A verifier that is given less than the whole entry says so, and does not prove less."""
    columns = columns_of(insert())
    proved = []
    for column in ANOTHER:
        with suppress(KeyError):
            entry_bytes({name: value for name, value in columns.items() if name != column})
            proved.append(column)
    assert proved == []


def test_with_a_column_too_many_there_are_no_bytes_either() -> None:
    with pytest.raises(KeyError):
        entry_bytes({**columns_of(insert()), "colour": "red"})


def test_where_one_text_ends_and_the_next_begins_is_in_the_bytes() -> None:
    columns = columns_of(insert())
    one = {**columns, "action": 'a","actor_agency":null,"actor_client":"b', "actor_client": ""}
    other = {**columns, "action": "a", "actor_client": "b"}
    assert entry_bytes(one) != entry_bytes(other)
    assert entry_bytes({**columns, "categories": ["a,b"]}) != entry_bytes({**columns, "categories": ["a", "b"]})
    assert entry_bytes({**columns, "actor_agency": None}) != entry_bytes({**columns, "actor_agency": "null"})


# --- A published example -----------------------------------------------------------------------------------------

EXAMPLE: dict[str, Any] = {
    "id": "01a20300-0000-7000-8000-000000000001",
    "xid": 4711,
    "at": "2026-11-22T09:03:37.000042+00:00",
    "db_user": "udvej_app",
    "action": "referral.disclose",
    "actor_agency": "01a20300-0000-7000-8000-0000000000aa",
    "actor_client": "client-0101",
    "actor_user": "17",
    "on_behalf_of": 'kk-"Ærø"\\😀',
    "role": "caseworker",
    "subject_kind": "referral",
    "subject_id": "01a20300-0000-7000-8000-0000000000bb",
    "purpose": "exit_support",
    "basis": "SAMTYKKE-TAVSHED",
    "basis_version": 1,
    "consent": "01a20300-0000-7000-8000-0000000000cc",
    "consent_version": None,
    "categories": ["status", "reason"],
    "outcome": "done",
    "refusal": "",
    "result_ids": [],
    "criterion": "",
    "correlation": "01a20300-0000-4000-8000-0000000000dd",
    "request_id": "line\nbreak",
    "changes": "",
    "detail": {"role": "sent", "filters": "status"},
}
EXAMPLE_BYTES = (
    '{"action":"referral.disclose","actor_agency":"01a20300-0000-7000-8000-0000000000aa","actor_client":"client-0101",'
    '"actor_user":"17","at":"2026-11-22T09:03:37.000042Z","basis":"SAMTYKKE-TAVSHED","basis_version":1,'
    '"categories":["status","reason"],"changes":"","consent":"01a20300-0000-7000-8000-0000000000cc",'
    '"consent_version":null,"correlation":"01a20300-0000-4000-8000-0000000000dd","criterion":"","db_user":"udvej_app",'
    '"detail":{"filters":"status","role":"sent"},"id":"01a20300-0000-7000-8000-000000000001",'
    '"on_behalf_of":"kk-\\"Ærø\\"\\\\😀","outcome":"done","purpose":"exit_support","refusal":"",'
    '"request_id":"line\\nbreak","result_ids":[],"role":"caseworker",'
    '"subject_id":"01a20300-0000-7000-8000-0000000000bb","subject_kind":"referral","v":1,"xid":"4711"}'
).encode()
EXAMPLE_LEAF = "91d02bd993ec7f95e71321334b01e72b835997c532c1f4f09675b703ea0e8ac9"


def test_the_published_example_is_written_by_all_three_to_the_byte() -> None:
    at = datetime.fromisoformat(EXAMPLE["at"])
    columns = {**EXAMPLE, "at": at, "id": UUID(EXAMPLE["id"]), "canonical": b"", "leaf_hash": b""}
    assert entry_bytes(columns) == EXAMPLE_BYTES
    assert written_independently(columns) == EXAMPLE_BYTES
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bytes, sha256('\\x00'::bytea || bytes) FROM (SELECT audit_canonical(jsonb_populate_record("
            "NULL::audit_entry, %s::jsonb)) AS bytes) AS example",
            [json.dumps(EXAMPLE)],
        )
        by_the_database, hashed = cursor.fetchone()
    assert bytes(by_the_database) == EXAMPLE_BYTES
    assert bytes(hashed).hex() == leaf_hash(EXAMPLE_BYTES).hex() == EXAMPLE_LEAF


def test_the_hash_is_the_leaf_hash_of_rfc_6962() -> None:
    """The empty leaf's hash, as in RFC 6962's own test vectors; it is not the hash of nothing."""
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"") != hashlib.sha256(b"").digest()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_json_has_no_bytes(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        jcs({"number": number})


# --- The queue to the sealer -------------------------------------------------------------------------------------


def test_each_entry_waits_once_to_be_sealed_under_its_own_hash() -> None:
    about = uuid4()
    for number in range(3):
        with log.act(f"test.queue_{number}", by=SYSTEM, about=Subject("thing", about), changes=False):
            pass
    for entry in entries_about(about):
        waiting = as_committed("SELECT leaf_hash FROM audit_pending WHERE entry_id = %s", [entry.id])
        assert [bytes(leaf) for (leaf,) in waiting] == [bytes(entry.leaf_hash)]


def test_an_entry_that_was_rolled_back_does_not_wait() -> None:
    url = embedded_postgres.locate(django_settings.CLUSTER).url("udvej_app", "test")
    columns = "action, categories, outcome, result_ids, correlation"
    texts = ", ".join(name for name in [*TEXTS, *DIGESTS] if name != "action")
    statement = (
        f"INSERT INTO audit_entry ({columns}, {texts}, detail) VALUES ('test.undone', '{{}}', 'done', '{{}}', "
        f"gen_random_uuid(), {', '.join(['%s'] * (len(TEXTS) + 1))}, '{{}}') RETURNING id"
    )
    with psycopg.connect(url) as session:
        made = session.execute(statement.encode(), [""] * (len(TEXTS) + 1)).fetchone()
        session.rollback()
    assert made is not None
    assert as_committed("SELECT count(*) FROM audit_pending WHERE entry_id = %s", [made[0]]) == [(0,)]
    assert as_committed("SELECT count(*) FROM audit_entry WHERE id = %s", [made[0]]) == [(0,)]
