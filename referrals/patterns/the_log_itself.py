"""Entries with an impossible time or without a signature (A16); auditors without a case or after content (A17)."""

from referrals.patterns.saved import COLUMNS, IN_PERIOD, OF_AGENCY, REFERRAL, Pattern, hit, looked

ORDERED = """ordered AS (
    SELECT *, max(at) OVER (ORDER BY xid, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS so_far,
        uuid_extract_timestamp(id) AS stamped, make_interval(mins => %(minutes)s) AS off,
        (SELECT max(size) FROM audit_checkpoint) AS signed
    FROM looked
)"""
AMISS = """ordered l
    WHERE (l.at < l.so_far - l.off OR l.at NOT BETWEEN l.stamped - l.off AND l.stamped + l.off
            OR (l.at < clock_timestamp() - make_interval(mins => %(unsigned_minutes)s)
                AND NOT EXISTS (SELECT 1 FROM audit_leaf f WHERE f.entry_id = l.id AND f.index < l.signed)))
        AND (%(agency)s::uuid IS NULL OR l.actor_agency = %(agency)s::uuid)"""
AMISS_IN_THE_LOG = Pattern(
    code="A16",
    steps=(looked("true", agency="true"), ORDERED, hit(AMISS, staff="''", about=("'ledger'", "''"))),
)

REFUSED = looked(
    "e.outcome = 'refused' AND e.role = 'auditor' "
    "AND (e.refusal = 'audit-case-needed' OR e.action = ANY(%(read_acts)s))",
    name="refused",
)
SHOWN = f"""shown AS (
    SELECT found.* FROM agencies_membership auditor CROSS JOIN LATERAL (
        SELECT {COLUMNS}, {REFERRAL} FROM audit_entry e
        WHERE e.on_behalf_of = auditor.staff_id AND e.actor_agency = auditor.agency_id AND e.role = 'auditor'
            AND {IN_PERIOD} AND {OF_AGENCY} AND e.outcome = 'done' AND e.action = ANY(%(read_acts)s)
        ORDER BY e.id DESC LIMIT %(most)s
    ) found WHERE auditor.role = 'auditor' ORDER BY id DESC LIMIT %(most)s
)"""
"""What no door lets through: content that was shown to an auditor."""

EITHER = "looked AS (SELECT * FROM refused UNION SELECT * FROM shown)"
COUNTED = """counted AS (
    SELECT *, count(*) FILTER (WHERE refusal = 'audit-case-needed')
        OVER (PARTITION BY actor_agency, actor_user, on_behalf_of) AS caseless
    FROM looked
)"""
MISUSE = Pattern(
    code="A17",
    steps=(
        REFUSED,
        SHOWN,
        EITHER,
        COUNTED,
        hit("counted l WHERE l.refusal <> 'audit-case-needed' OR l.caseless >= %(without_a_case)s"),
    ),
)
