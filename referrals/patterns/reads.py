"""Who read what they had no work with: without a relation (A01), too many one case (A02), one person too many (A03)."""

from referrals.patterns.saved import ASSIGNED, CASE, READS, Pattern, acts, hit, rush

READ = acts(READS)

UNRELATED = f"""looked l JOIN referrals_referral r ON r.id = l.referral LEFT JOIN {ASSIGNED} ON true
    WHERE NOT l.detail ? 'break_glass' AND (
        l.actor_agency NOT IN (r.sender_id, coalesce(r.recipient_id, r.sender_id))
        OR (l.actor_agency = r.recipient_id AND l.role <> 'coordinator' AND NOT l.actor_user = ANY(assigned.accounts))
    )"""
WITHOUT_RELATION = Pattern(code="A01", steps=(READ, hit(UNRELATED, about=CASE)))

FIRST_READERS = rush(
    by="actor_agency, subject_id",
    counted="actor_user",
    window="make_interval(days => %(days)s)",
    at_least="%(people)s",
)
MANY_READERS = Pattern(
    code="A02", steps=(READ, FIRST_READERS, hit("rush l", staff="''", about=CASE, counted="l.thing"))
)

IDLE = """idle AS (
    SELECT * FROM (SELECT DISTINCT actor_agency, actor_user, subject_id FROM looked WHERE actor_user <> '') opened
    WHERE NOT EXISTS (
        SELECT FROM audit_entry d
        WHERE d.subject_kind = 'referral' AND d.subject_id = opened.subject_id AND d.outcome = 'done'
            AND NOT d.action = ANY(%(look_acts)s) AND (
            (d.actor_agency = opened.actor_agency AND d.actor_user = opened.actor_user)
            OR (d.action = 'referral.assign'
                AND opened.actor_user = ANY(string_to_array(d.detail ->> 'assignees', ',')))
        )
    )
)"""
MANY = "many AS (SELECT actor_agency, actor_user FROM idle GROUP BY 1, 2 HAVING count(*) >= %(cases)s)"
OPENED_IN_VAIN = """looked l
    JOIN idle i ON (i.actor_agency, i.actor_user, i.subject_id) = (l.actor_agency, l.actor_user, l.subject_id)
    JOIN many m ON (m.actor_agency, m.actor_user) = (l.actor_agency, l.actor_user)"""
MANY_CASES = Pattern(code="A03", steps=(READ, IDLE, MANY, hit(OPENED_IN_VAIN, counted="l.subject_id")))
