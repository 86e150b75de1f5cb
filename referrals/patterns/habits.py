"""How much and when: what one person takes out (A13), and reads outside duty hours (A14)."""

from referrals.patterns.saved import READS, Pattern, acts, hit, rush

TAKEN_OUT = ["referral.attachment", "subject.access-report", "consent.receipt", "audit.export"]
PERSON = "actor_agency, actor_user, on_behalf_of"
EXPORTS = Pattern(
    code="A13",
    steps=(
        acts(TAKEN_OUT),
        rush(by=PERSON, counted="id", window="make_interval(hours => %(hours)s)", at_least="%(exports)s"),
        hit("rush l"),
    ),
)

ODD = f"""odd AS (
    SELECT *, count(*) OVER (PARTITION BY {PERSON}) AS times
    FROM looked CROSS JOIN LATERAL (SELECT extract(hour FROM at AT TIME ZONE 'Europe/Copenhagen')) AS danish (hour)
    WHERE NOT detail ? 'break_glass' AND (danish.hour < %(duty_from)s OR danish.hour >= %(duty_to)s)
)"""
ODD_HOURS = Pattern(
    code="A14",
    steps=(
        acts(READS),
        ODD,
        hit("odd l WHERE l.times >= %(reads)s"),
    ),
)
