"""
Who gave themselves a role, tried to, or was given one, used it and lost it within minutes (A09).

The administration acts for no agency: whose member it is about is in the field history, bound by the correlation.
"""

from referrals.patterns.saved import IN_PERIOD, Pattern, hit, looked

CHANGED = looked("e.action = 'administration.change' AND e.subject_kind = 'agencies.membership'", agency="true")
HISTORY = """history AS (
    SELECT l.id, h.actor_id, h.timestamp, m.id AS member, m.agency_id, m.user_id, m.staff_id,
        h.action = 0 OR h.changes ? 'role' OR h.changes -> 'active' ->> 1 = 'True' AS given,
        h.changes -> 'active' ->> 1 = 'False' AS taken
    FROM looked l
    JOIN auditlog_logentry h ON h.cid = l.correlation::text
    JOIN django_content_type t ON t.id = h.content_type_id AND t.app_label = 'agencies' AND t.model = 'membership'
    JOIN agencies_membership m ON m.id::text = h.object_pk
    WHERE l.outcome = 'done'
)"""
SUSPECT = f"""suspect AS (
    SELECT l.id, m.agency_id, m.staff_id, m.id AS member FROM looked l
    LEFT JOIN agencies_membership m ON m.id::text = l.subject_id WHERE l.refusal = 'role-self-granted'
    UNION SELECT id, agency_id, staff_id, member FROM history WHERE actor_id = user_id
    UNION SELECT change.id, g.agency_id, g.staff_id, g.member FROM history g
    JOIN history t ON t.member = g.member AND g.given AND t.taken AND t.timestamp > g.timestamp
        AND t.timestamp <= g.timestamp + make_interval(mins => %(minutes)s)
    CROSS JOIN LATERAL (VALUES (g.id), (t.id)) AS change (id)
    WHERE EXISTS (
        SELECT FROM audit_entry e WHERE e.actor_agency = g.agency_id AND e.actor_user = g.user_id::text
            AND {IN_PERIOD} AND e.at BETWEEN g.timestamp AND t.timestamp
    )
)"""
OF_ITS_AGENCY = """looked l JOIN suspect m ON m.id = l.id
    WHERE %(agency)s::uuid IS NULL OR m.agency_id = %(agency)s::uuid"""

SELF_GRANTED = Pattern(
    code="A09",
    steps=(
        CHANGED,
        HISTORY,
        SUSPECT,
        hit(
            OF_ITS_AGENCY,
            agency="m.agency_id",
            staff="coalesce(m.staff_id, '')",
            about=("'agencies.membership'", "coalesce(m.member::text, '')"),
        ),
    ),
)
