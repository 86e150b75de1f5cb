"""Who fishes: searches without a hit, or for the same over and over (A04); tries what is not theirs, in rows (A05)."""

from referrals.patterns.saved import Pattern, acts, hit, looked, rush

IN_VAIN = """in_vain AS (
    SELECT actor_agency, actor_user FROM looked WHERE result_ids = '{}'
    GROUP BY 1, 2 HAVING count(DISTINCT criterion) >= %(zero_hits)s
)"""
REPEATED = """repeated AS (
    SELECT actor_agency, actor_user, criterion FROM looked GROUP BY 1, 2, 3 HAVING count(*) >= %(repeats)s
)"""
FISHED = """looked l WHERE (l.result_ids = '{}' AND (l.actor_agency, l.actor_user) IN (SELECT * FROM in_vain))
    OR (l.actor_agency, l.actor_user, l.criterion) IN (SELECT * FROM repeated)"""
SEARCHES = Pattern(
    code="A04",
    steps=(acts(["referral.search"]), IN_VAIN, REPEATED, hit(FISHED)),
)

TRIED = Pattern(
    code="A05",
    steps=(
        looked("e.outcome = 'refused' AND e.refusal = 'not-found' AND e.subject_id <> ''"),
        rush(
            by="actor_agency, actor_user, on_behalf_of",
            counted="subject_id",
            window="make_interval(hours => %(hours)s)",
            at_least="%(things)s",
        ),
        hit("rush l", counted="l.thing"),
    ),
)
