"""What was shown on no valid ground (A11), and consents that are said to be older than they are (A12)."""

from referrals.patterns.saved import CASE, READS, TELLS, Pattern, acts, hit

SHOWN = acts([*READS, *TELLS], "NOT e.categories <@ ARRAY['status']")
PUBLIC = "('municipality', 'police_prevention', 'prison_probation', 'psychiatry')"


def _not_for(kinds: str, who: str) -> str:
    """Return the condition that a basis for these kinds of agency is not for one, as `consent.coverage` admits them."""
    return (
        f"NOT ({who}.kind = ANY({kinds}) OR 'any' = ANY({kinds}) OR ('any_public_service' = ANY({kinds}) AND "
        f"({who}.kind IN {PUBLIC} OR ({who}.kind = 'exit_centre' AND {who}.self_governing_approved))))"
    )


WEIGHED = """weighed AS (
    SELECT l.*, b.id AS ground, b.valid_from, b.valid_to, b.sender_kinds, b.recipient_kinds, b.consent_kind,
        b.necessity_statement AND b.id = r.basis_id AND NOT r.necessity_stated AS unnecessary,
        l.actor_agency = r.sender_id AS own, r.sender_id, r.recipient_id,
        l.actor_agency = r.sender_id AND (l.action = ANY(%(told_acts)s) OR b.id = r.basis_id) AS forward
    FROM looked l
    JOIN referrals_referral r ON r.id = l.referral
    LEFT JOIN consent_legalbasis b ON b.code = l.basis AND b.version = l.basis_version
)"""
SIDES = f"""sides AS (
    SELECT l.*, {_not_for("l.sender_kinds", "giver")} AS not_the_givers,
        {_not_for("l.recipient_kinds", "taker")} AS not_the_takers
    FROM weighed l
    JOIN agencies_agency giver ON giver.id = CASE WHEN l.own AND NOT l.forward THEN l.recipient_id ELSE l.sender_id END
    JOIN agencies_agency taker ON taker.id = CASE WHEN l.forward THEN l.recipient_id ELSE l.actor_agency END
)"""
ON_NONE = """sides l WHERE (l.basis = '' AND NOT l.own) OR (l.basis <> '' AND (
    l.ground IS NULL OR l.at::date < l.valid_from OR l.at::date > l.valid_to OR l.not_the_givers OR l.not_the_takers
    OR l.unnecessary OR (l.consent_kind <> '' AND l.consent IS NULL)
))"""
NO_GROUND = Pattern(code="A11", steps=(SHOWN, WEIGHED, SIDES, hit(ON_NONE, about=CASE)))

REGISTERED_LATE = """looked AS (
    SELECT e.id, e.consent_id, e.at, e.registered_at, e.registered_by_id FROM consent_consentevent e
    WHERE e.id >= %(low)s AND e.id < %(high)s AND e.registered_at >= %(since)s AND e.registered_at < %(until)s
        AND (%(agency)s::uuid IS NULL OR e.registered_by_id = %(agency)s::uuid) AND e.kind IN ('given', 'renewed')
        AND e.registered_at > e.at + make_interval(hours => %(hours)s)
    ORDER BY e.id DESC LIMIT %(most)s
)"""
SHOWN_BEFORE = """looked v
    JOIN referrals_referral r ON r.consent_id = v.consent_id OR r.outcome_consent_id = v.consent_id
    JOIN audit_entry l ON l.subject_kind = 'referral' AND l.subject_id = r.id::text AND l.id < v.id
    WHERE l.at >= v.at AND l.at < v.registered_at AND l.outcome = 'done' AND NOT l.categories <@ ARRAY['status']
        AND ((l.action = ANY(%(read_acts)s) AND l.actor_agency <> r.sender_id) OR l.action = ANY(%(told_acts)s))"""
BACKDATED = Pattern(
    code="A12",
    steps=(
        REGISTERED_LATE,
        hit(SHOWN_BEFORE, agency="v.registered_by_id", staff="''", about=("'consent'", "v.consent_id::text")),
    ),
)
