"""Prevention that creeps into investigation: attempts by police units that don't prevent, or for that purpose (A07)."""

from referrals.patterns.saved import COLUMNS, IN_PERIOD, OF_AGENCY, REFERRAL, Pattern, hit, looked

BY_POLICE = f"""by_police AS (
    SELECT found.* FROM agencies_agency unit CROSS JOIN LATERAL (
        SELECT {COLUMNS}, {REFERRAL} FROM audit_entry e WHERE e.actor_agency = unit.id AND {IN_PERIOD} AND {OF_AGENCY}
        ORDER BY e.id DESC LIMIT %(most)s
    ) found WHERE unit.kind = 'police' ORDER BY id DESC LIMIT %(most)s
)"""
TO_INVESTIGATE = looked("e.outcome = 'refused' AND e.purpose = 'investigation'", name="to_investigate")
EITHER = "looked AS (SELECT * FROM by_police UNION SELECT * FROM to_investigate)"

INVESTIGATION = Pattern(code="A07", steps=(BY_POLICE, TO_INVESTIGATE, EITHER, hit("looked l")))
