"""Which patterns can be asked for, in the order of their codes; the others' reasons are in the code list."""

from referrals.patterns import (
    after_the_end,
    anonymous_cases,
    broken_glass,
    creep,
    fishing,
    grounds,
    habits,
    reads,
    roles,
    the_log_itself,
)
from referrals.patterns.saved import Pattern

CODES = tuple(f"A{number:02}" for number in range(1, 19))
PATTERNS: dict[str, Pattern] = {
    pattern.code: pattern
    for pattern in (
        reads.WITHOUT_RELATION,
        reads.MANY_READERS,
        reads.MANY_CASES,
        fishing.SEARCHES,
        fishing.TRIED,
        creep.INVESTIGATION,
        after_the_end.AFTER_THE_END,
        roles.SELF_GRANTED,
        broken_glass.UNREVIEWED,
        grounds.NO_GROUND,
        grounds.BACKDATED,
        habits.EXPORTS,
        habits.ODD_HOURS,
        anonymous_cases.IDENTIFIED,
        the_log_itself.AMISS_IN_THE_LOG,
        the_log_itself.MISUSE,
    )
}
