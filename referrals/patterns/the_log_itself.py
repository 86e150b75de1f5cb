"""Entries whose time can't be right (A16), and auditors who look without a case or ask for content (A17)."""

from referrals.patterns.saved import Pattern, hit, looked

ORDERED = """ordered AS (
    SELECT *, max(at) OVER (ORDER BY xid, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS so_far,
        uuid_extract_timestamp(id) AS stamped, make_interval(mins => %(minutes)s) AS off
    FROM looked
)"""
RUNS_BACK = """ordered l
    WHERE (l.at < l.so_far - l.off OR l.at NOT BETWEEN l.stamped - l.off AND l.stamped + l.off)
        AND (%(agency)s::uuid IS NULL OR l.actor_agency = %(agency)s::uuid)"""
TIME_RUNS_BACK = Pattern(
    code="A16",
    steps=(looked("true", agency="true"), ORDERED, hit(RUNS_BACK, staff="''", about=("'ledger'", "''"))),
)

WITHOUT_A_CASE_OR_CONTENT = """e.role = 'auditor' AND (
    (e.outcome = 'refused' AND (e.refusal = 'audit-case-needed' OR e.action = ANY(%(read_acts)s)))
    OR (e.outcome = 'done' AND e.action = ANY(%(read_acts)s))
)"""
COUNTED = """counted AS (
    SELECT *, count(*) FILTER (WHERE refusal = 'audit-case-needed')
        OVER (PARTITION BY actor_agency, actor_user, on_behalf_of) AS caseless
    FROM looked
)"""
MISUSE = Pattern(
    code="A17",
    steps=(
        looked(WITHOUT_A_CASE_OR_CONTENT),
        COUNTED,
        hit("counted l WHERE l.refusal <> 'audit-case-needed' OR l.caseless >= %(without_a_case)s"),
    ),
)
