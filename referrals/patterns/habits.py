"""How much and when: what one person takes out (A13), and reads outside duty hours (A14)."""

from referrals.patterns.saved import Pattern, hit, looked, rush

TAKEN_OUT = "('referral.attachment', 'subject.access-report', 'consent.receipt', 'audit.export')"
PERSON = "actor_agency, actor_user, on_behalf_of"
EXPORTS = Pattern(
    code="A13",
    steps=(
        looked(f"e.action IN {TAKEN_OUT} AND e.outcome = 'done'"),
        rush(by=PERSON, counted="id", window="make_interval(hours => %(hours)s)", at_least="%(exports)s"),
        hit("rush l"),
    ),
)

HOUR = "extract(hour FROM e.at AT TIME ZONE 'Europe/Copenhagen')"
ODD = (
    "e.action = ANY(%(read_acts)s) AND e.outcome = 'done' AND e.purpose <> 'averting_danger' "
    f"AND ({HOUR} < %(duty_from)s OR {HOUR} >= %(duty_to)s)"
)
ODD_HOURS = Pattern(
    code="A14",
    steps=(
        looked(ODD),
        f"counted AS (SELECT *, count(*) OVER (PARTITION BY {PERSON}) AS times FROM looked)",
        hit("counted l WHERE l.times >= %(reads)s"),
    ),
)
