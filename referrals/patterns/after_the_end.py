"""Who read a case when they no longer should (A08): long after its end, off duty, or on a consent that had ended."""

from referrals.patterns.saved import ASSIGNED, CASE, READS, Pattern, acts, hit

LONG_AFTER = """NOT l.categories <@ ARRAY['status'] AND EXISTS (
    SELECT FROM audit_entry m WHERE m.subject_kind = 'referral' AND m.subject_id = l.subject_id AND m.id < l.id
        AND m.outcome = 'done' AND m.action = ANY(%(ending_acts)s) AND NOT m.action = ANY(%(look_acts)s)
        AND m.at < l.at - make_interval(hours => %(hours_after_the_end)s)
)"""
OFF_DUTY = """l.role <> 'coordinator' AND NOT l.actor_user = ANY(assigned.accounts) AND EXISTS (
    SELECT FROM audit_entry a WHERE a.subject_kind = 'referral' AND a.subject_id = l.subject_id AND a.id < l.id
        AND a.outcome = 'done' AND a.action = 'referral.assign'
        AND l.actor_user = ANY(string_to_array(a.detail ->> 'assignees', ','))
)"""
ON_NO_CONSENT = """NOT l.categories <@ ARRAY['status'] AND l.consent IS NOT NULL AND NOT EXISTS (
    SELECT FROM (
        SELECT * FROM consent_consentevent v WHERE v.consent_id = l.consent AND v.registered_at <= l.at
        ORDER BY v.number DESC LIMIT 1
    ) latest WHERE latest.kind IN ('given', 'renewed') AND latest.at <= l.at AND l.at < latest.expires_at
)"""
TOO_LATE = f"""looked l JOIN referrals_referral r ON r.id = l.referral LEFT JOIN {ASSIGNED} ON true
    WHERE l.actor_agency <> r.sender_id AND NOT l.detail ? 'break_glass'
        AND (({LONG_AFTER}) OR ({OFF_DUTY}) OR ({ON_NO_CONSENT}))"""

AFTER_THE_END = Pattern(
    code="A08",
    steps=(
        acts(READS),
        hit(TOO_LATE, about=CASE),
    ),
)
