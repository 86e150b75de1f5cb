"""Who links anonymous cases to named ones without having worked on them, or links several (A15)."""

from referrals.patterns.saved import CASE, Pattern, hit, looked

LINKED = """linked AS (
    SELECT l.*, count(*) OVER (PARTITION BY l.actor_agency, l.actor_user) AS links, EXISTS (
        SELECT FROM referrals_referral f JOIN audit_entry w ON w.subject_kind = 'referral' AND w.subject_id = f.id::text
        WHERE f.subject_id = p.formerly_id AND w.id < l.id AND w.outcome = 'done'
            AND w.actor_agency = l.actor_agency AND w.actor_user = l.actor_user AND NOT w.action = ANY(%(look_acts)s)
    ) AS worked
    FROM looked l
    JOIN referrals_referral r ON r.id = l.referral
    JOIN consent_subject p ON p.id = r.subject_id
)"""
LINKING = "e.action IN ('referral.create', 'referral.submit') AND e.outcome = 'done' AND e.detail ->> 'linked' = 'yes'"

IDENTIFIED = Pattern(
    code="A15",
    steps=(looked(LINKING), LINKED, hit("linked l WHERE NOT l.worked OR l.links >= %(links)s", about=CASE)),
)
