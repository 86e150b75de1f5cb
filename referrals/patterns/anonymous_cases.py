"""Who links anonymous cases to named ones without having worked on them, or links several (A15)."""

from referrals.patterns.saved import CASE, COLUMNS, IN_PERIOD, OF_AGENCY, Pattern, hit

LINKING = f"""looked AS (
    SELECT {COLUMNS}, p.formerly_id
    FROM consent_subject p
    JOIN referrals_referral r ON r.subject_id = p.id
    JOIN audit_entry e ON e.subject_kind = 'referral' AND e.subject_id = r.id::text
    WHERE p.formerly_id IS NOT NULL AND p.id >= %(low)s AND p.id < %(high)s AND e.detail ->> 'linked' = 'yes'
        AND {IN_PERIOD} AND {OF_AGENCY}
    ORDER BY e.id DESC LIMIT %(most)s
)"""
"""A person is linked as they are registered: the entry that says so is written with them."""

LINKED = """linked AS (
    SELECT l.*, count(*) OVER (PARTITION BY l.actor_agency, l.actor_user) AS links, EXISTS (
        SELECT FROM referrals_referral f JOIN audit_entry w ON w.subject_kind = 'referral' AND w.subject_id = f.id::text
        WHERE f.subject_id = l.formerly_id AND w.id < l.id AND w.outcome = 'done'
            AND w.actor_agency = l.actor_agency AND w.actor_user = l.actor_user AND NOT w.action = ANY(%(look_acts)s)
    ) AS worked
    FROM looked l
)"""

IDENTIFIED = Pattern(
    code="A15", steps=(LINKING, LINKED, hit("linked l WHERE NOT l.worked OR l.links >= %(links)s", about=CASE))
)
