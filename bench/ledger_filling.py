"""
Fills a ledger through its own triggers, as the role that serves requests: a mixture of acts as a year might hold.

The database stamps each entry's time, so time can't be chosen: a year's order is there, pressed into the minutes that
the filling takes. Each referral has its acts within a sixth of the whole, as a case has its weeks. The draws have a
fixed seed for each batch; ids and times are the database's own.
"""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import psycopg

BATCH = 10_000
SESSIONS = 2
TEN_THOUSAND = 10_000

S, R, E = "sender", "recipient", "either"
MIXTURE: Sequence[tuple[int, str, str, str, str]] = (
    # of 10,000, the act, whose, what it is about, and the code where it is refused
    (4_000, "referral.disclose", E, "referral", ""),
    (1_600, "referral.list", E, "inbox", ""),
    (400, "referral.search", E, "search", ""),
    (500, "referral.messages", E, "referral", ""),
    (150, "referral.amendments", E, "referral", ""),
    (200, "referral.attachments", E, "referral", ""),
    (150, "referral.attachment", R, "referral", ""),
    (200, "referral.timeline", E, "referral", ""),
    (20, "referral.disclosures", S, "referral", ""),
    (200, "referral.create", S, "referral", ""),
    (250, "referral.edit", S, "referral", ""),
    (190, "referral.submit", S, "referral", ""),
    (180, "referral.receive", R, "referral", ""),
    (170, "referral.accept", R, "referral", ""),
    (190, "referral.assign", R, "referral", ""),
    (60, "referral.request_info", R, "referral", ""),
    (55, "referral.answer_info", S, "referral", ""),
    (120, "referral.start", R, "referral", ""),
    (100, "referral.complete", R, "referral", ""),
    (25, "referral.reject", R, "referral", ""),
    (12, "referral.withdraw", S, "referral", ""),
    (60, "referral.attach", S, "referral", ""),
    (190, "consent.record", S, "consent", ""),
    (180, "consent.give", S, "consent", ""),
    (15, "consent.renew", S, "consent", ""),
    (10, "consent.withdraw", S, "consent", ""),
    (200, "consent.read", E, "consent", ""),
    (40, "consent.list", S, "consents", ""),
    (10, "consent.receipt", S, "consent", ""),
    (60, "task.list", R, "tasks", ""),
    (4, "break-glass.open", S, "referral", ""),
    (3, "break-glass.list", S, "break-glasses", ""),
    (30, "subject.read", S, "subject", ""),
    (6, "subject.access-report", S, "subject", ""),
    (25, "audit.inspect", E, "ledger", ""),
    (4, "audit.findings", E, "ledger", ""),
    (2, "administration.change", E, "agencies.membership", ""),
    (200, "referral.disclose", E, "referral", "not-found"),
    (60, "referral.disclose", R, "referral", "consent-required"),
    (40, "referral.accept", R, "referral", "stale-version"),
    (2, "audit.inspect", E, "ledger", "audit-case-needed"),
    (50, "authenticate", E, "agency", "not-your-staff"),
)

LOTS = """
CREATE TABLE bench.act AS
    SELECT slot, m.*, m.action IN ('referral.disclose', 'referral.messages', 'referral.amendments',
        'referral.attachments', 'referral.attachment', 'referral.timeline') AND m.refusal = '' AS shows
    FROM jsonb_to_recordset(%(mixture)s) AS m (share int, action text, whose text, kind text, refusal text, first int)
    CROSS JOIN LATERAL generate_series(m.first, m.first + m.share - 1) slot;
CREATE UNIQUE INDEX ON bench.act (slot);
ANALYZE bench.act;
GRANT SELECT ON bench.act TO udvej_app;
"""

FILL = """
INSERT INTO audit_entry (
    action, actor_agency, actor_client, actor_user, on_behalf_of, role, subject_kind, subject_id, purpose, basis,
    basis_version, consent, consent_version, categories, outcome, refusal, result_ids, criterion, correlation,
    request_id, changes, detail
)
SELECT a.action, s.agency, 'client-' || left(s.agency::text, 13), s.account, s.staff_id, s.role, a.kind,
    CASE a.kind WHEN 'referral' THEN t.referral::text WHEN 'consent' THEN t.consent::text
        WHEN 'subject' THEN encode(sha256(t.person::text::bytea), 'hex') WHEN 'agency' THEN s.agency::text ELSE '' END,
    CASE WHEN a.action LIKE 'audit.%%' THEN 'audit' WHEN s.kind = 'police_prevention' THEN 'crime_prevention'
        ELSE 'exit_support' END,
    CASE WHEN a.shows OR a.action = 'referral.submit' THEN CASE WHEN d.glass THEN 'VITAL' ELSE t.basis END ELSE '' END,
    CASE WHEN a.shows OR a.action = 'referral.submit' THEN 1 END,
    CASE WHEN a.shows AND t.basis = 'SAMTYKKE-TAVSHED' AND NOT d.glass OR a.kind = 'consent' THEN t.consent END,
    CASE WHEN a.kind = 'consent' THEN 1 END,
    CASE WHEN NOT a.shows AND a.kind <> 'inbox' THEN '{}'::text[] WHEN a.kind = 'inbox' OR d.shown < 0.2
        THEN '{status}' ELSE '{status,contact,reason,needs}' END,
    CASE WHEN a.refusal = '' THEN 'done' ELSE 'refused' END, a.refusal,
    CASE WHEN a.refusal <> '' THEN '{}'::uuid[] WHEN a.action = 'referral.list'
        THEN (SELECT p.ids[:ceil(50 * d.shown)::int] FROM bench.page p WHERE p.n = d.page)
        WHEN a.action = 'referral.search' AND d.shown < 0.6 THEN ARRAY[t.referral]
        WHEN a.action = 'subject.access-report' THEN ARRAY[t.referral, t.consent]
        WHEN a.action = 'break-glass.open' THEN ARRAY[(SELECT g.id FROM bench.glass g
            WHERE g.n = d.n %% (SELECT count(*) FROM bench.glass))] ELSE '{}' END,
    CASE WHEN a.action IN ('referral.search', 'audit.inspect', 'audit.findings')
        THEN encode(sha256(d.n::text::bytea), 'hex') ELSE '' END,
    gen_random_uuid(), gen_random_uuid()::text, '',
    CASE WHEN a.action LIKE 'audit.%%' AND a.refusal = '' THEN jsonb_build_object('case_number', 'T-' || d.n %% 500)
        WHEN a.action = 'referral.assign' THEN jsonb_build_object('assignees', s.account)
        WHEN a.shows THEN jsonb_build_object('side', CASE WHEN s.agency = t.sender THEN 'sender' ELSE 'recipient' END,
            'version', '3') ELSE '{}' END
FROM (
    SELECT n, floor(random() * 10000)::int AS slot, random() < 0.5 AS sending, random() AS shown, random() AS who,
        random() < 0.0005 AS glass,
        least(greatest(floor((n::float / %(of)s + (random() - 0.5) / 6) * %(referrals)s), 0), %(referrals)s - 1)::int
            AS thing
    FROM generate_series(%(start)s::bigint, %(start)s::bigint + %(many)s - 1) n
) drawn
JOIN bench.act a ON a.slot = drawn.slot JOIN bench.thing t ON t.n = drawn.thing
CROSS JOIN LATERAL (
    SELECT drawn.*, a.whose = 'sender' OR a.whose = 'either' AND drawn.sending AS sends
) sided
CROSS JOIN LATERAL (
    SELECT sided.*, CASE WHEN sided.sends THEN t.sent_on ELSE t.received_on END AS page
) d
JOIN bench.agency y ON y.id = CASE WHEN d.sends THEN t.sender ELSE t.recipient END
JOIN bench.staff s ON s.n = y.first + CASE WHEN a.action LIKE 'audit.%%' THEN 0
    WHEN d.who < 0.7 THEN 1 + t.n %% (y.many - 1)
    ELSE 1 + floor((d.who - 0.7) / 0.3 * (y.many - 1))::int END
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """How long the filling took, and what it takes on the disk in bytes, by name."""

    entries: int
    seconds: float
    sessions: int
    bytes: dict[str, int]


def fill(app: str, superuser: str, *, entries: int, referrals: int) -> Filled:
    """Write so many entries by two sessions at a time, a transaction for each 10,000."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        mixture = json.dumps(list(_mixture()))
        psycopg.ClientCursor(connection).execute(LOTS, {"mixture": mixture})
    batches = count()
    many = -(-entries // BATCH)

    def write() -> None:
        with psycopg.connect(app) as connection, psycopg.ClientCursor(connection) as cursor:
            while (batch := next(batches)) < many:
                start = batch * BATCH
                cursor.execute("SELECT setseed(%s)", [batch / many])
                asked = {"start": start, "many": min(BATCH, entries - start), "of": entries, "referrals": referrals}
                cursor.execute(FILL, asked)
                connection.commit()

    begun = time.perf_counter()
    sessions = [threading.Thread(target=write) for _ in range(SESSIONS)]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    seconds = time.perf_counter() - begun
    vacuum(superuser)
    with psycopg.connect(superuser) as connection:
        written = connection.execute("SELECT count(*) FROM audit_entry").fetchone()
    if written is None or written[0] < entries:
        raise RuntimeError("fewer entries were written than were asked for")
    return Filled(entries=entries, seconds=seconds, sessions=SESSIONS, bytes=sizes(superuser, "audit_entry"))


def vacuum(superuser: str) -> None:
    """Let the database take stock of the ledger's tables, as it does by itself in time: so that runs are alike."""
    tables = "audit_entry, audit_pending, audit_leaf, audit_tile, audit_checkpoint"
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"VACUUM ANALYZE {tables}")


def sizes(superuser: str, *tables: str) -> dict[str, int]:
    """Return what tables take on the disk, in bytes: rows with what is kept apart of them, and each index."""
    with psycopg.connect(superuser) as connection:
        return dict(
            connection.execute(
                "SELECT relname::text, pg_table_size(oid) FROM pg_class WHERE relname = ANY(%(tables)s::text[]) "
                "UNION ALL SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index "
                "WHERE indrelid::regclass::text = ANY(%(tables)s::text[]) ORDER BY 1",
                {"tables": list(tables)},
            ).fetchall()
        )


def _mixture() -> Iterator[dict[str, object]]:
    first = 0
    for share, action, whose, kind, refusal in MIXTURE:
        yield {"share": share, "action": action, "whose": whose, "kind": kind, "refusal": refusal, "first": first}
        first += share
    if first > TEN_THOUSAND:
        raise ValueError(f"the shares add up to {first}, not to 10,000")
    rest = TEN_THOUSAND - first
    act = {"share": rest, "action": "referral.disclose", "whose": R, "kind": "referral", "refusal": "", "first": first}
    yield act
