"""Prevention that creeps into investigation: attempts by police units that don't prevent, or for that purpose (A07)."""

from referrals.patterns.saved import Pattern, hit, looked

BY_POLICE = looked(
    "e.actor_agency = ANY(ARRAY(SELECT id FROM agencies_agency WHERE kind = 'police'))", name="by_police"
)
TO_INVESTIGATE = looked("e.outcome = 'refused' AND e.purpose = 'investigation'", name="to_investigate")
EITHER = "looked AS (SELECT * FROM by_police UNION SELECT * FROM to_investigate)"

INVESTIGATION = Pattern(code="A07", steps=(BY_POLICE, TO_INVESTIGATE, EITHER, hit("looked l")))
