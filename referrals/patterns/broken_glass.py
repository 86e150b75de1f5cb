"""Broken glass that nobody else reviewed in time, or one person who breaks it often (A10)."""

from referrals.patterns.saved import Pattern, acts, hit

GLASS = """glass AS (
    SELECT l.*, g.id AS glass, count(*) OVER (PARTITION BY l.actor_agency, l.actor_user) AS opened,
        LEAST(g.reviewed_at, %(until)s) > g.opened_at + make_interval(hours => %(hours)s) AS late
    FROM looked l JOIN referrals_breakglass g ON g.id = ANY(l.result_ids) AND g.agency_id = l.actor_agency
    WHERE %(agency)s::uuid IS NULL OR %(agency)s::uuid IN (g.agency_id, g.owner_id)
)"""
"""To the agency that broke it, and to the one that answered for the case."""

UNREVIEWED = Pattern(
    code="A10",
    steps=(
        acts(["break-glass.open"], agency="true"),
        GLASS,
        hit("glass l WHERE l.late OR l.opened >= %(opened)s", about=("'break-glass'", "l.glass::text")),
    ),
)
