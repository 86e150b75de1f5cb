"""
Who takes part in the demo exchange: agencies of every kind, and their staff under invented ids. Data, and no rows.

Only the municipalities, the prevention units and Comeback are named after what exists; nobody of their staff is.
"""

from dataclasses import dataclass

from agencies.models import Kind, Role

WORK = ("referrals", "consents")
EVERYTHING = (*WORK, "audit", "administration", "events", "notifications")
OVERSEES = ("audit", "administration", "events", "notifications")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One agency of the demo. `staff` begins with whoever the demo file names as its `caseworker_id`."""

    kind: Kind
    code: str
    staff: dict[str, Role]
    scopes: tuple[str, ...] = EVERYTHING
    name_da: str = ""
    name_en: str = ""
    """Both empty where the reference data names the agency."""


def _public(prefix: str) -> dict[str, Role]:
    return {
        f"{prefix}-sb-1": Role.CASEWORKER,
        f"{prefix}-ko-1": Role.COORDINATOR,
        f"{prefix}-sb-2": Role.CASEWORKER,
        f"{prefix}-au-1": Role.AUDITOR,
        f"{prefix}-ad-1": Role.ADMINISTRATOR,
        f"{prefix}-in-1": Role.INTEGRATION,
    }


def _centre(prefix: str) -> dict[str, Role]:
    return {
        f"{prefix}-ko-1": Role.COORDINATOR,
        f"{prefix}-ra-1": Role.COUNSELLOR,
        f"{prefix}-ra-2": Role.COUNSELLOR,
        f"{prefix}-ad-1": Role.ADMINISTRATOR,
        f"{prefix}-au-1": Role.AUDITOR,
        f"{prefix}-in-1": Role.INTEGRATION,
    }


def _oversight(prefix: str) -> dict[str, Role]:
    return {f"{prefix}-au-1": Role.AUDITOR, f"{prefix}-ad-1": Role.ADMINISTRATOR, f"{prefix}-ad-2": Role.ADMINISTRATOR}


AGENCIES = (
    Party(kind=Kind.MUNICIPALITY, code="0101", staff=_public("kk")),
    Party(kind=Kind.MUNICIPALITY, code="0751", staff=_public("aa")),
    Party(kind=Kind.MUNICIPALITY, code="0461", staff=_public("od")),
    Party(kind=Kind.POLICE_PREVENTION, code="1470", staff=_public("kp")),
    Party(kind=Kind.EXIT_CENTRE, code="exit-comeback", staff=_centre("cb")),
    Party(kind=Kind.MUNICIPALITY, code="0851", staff=_public("al")),
    Party(kind=Kind.POLICE_PREVENTION, code="1461", staff=_public("oj")),
    Party(kind=Kind.POLICE_PREVENTION, code="1465", staff=_public("fy")),
    Party(
        kind=Kind.POLICE,
        code="politi-demo",
        staff=_public("ef"),
        name_da="Politiet, efterforskning (demo)",
        name_en="Police, investigation (demo)",
    ),
    Party(
        kind=Kind.EXIT_CENTRE,
        code="exit-demo-vest",
        staff=_centre("ev"),
        name_da="Exit Vest (demo)",
        name_en="Exit West (demo)",
    ),
    Party(
        kind=Kind.PRISON_PROBATION,
        code="kriminalforsorg-oest",
        staff=_public("kfo"),
        name_da="Kriminalforsorgen Øst (demo)",
        name_en="Prison and Probation East (demo)",
    ),
    Party(
        kind=Kind.PRISON_PROBATION,
        code="kriminalforsorg-vest",
        staff=_public("kfv"),
        name_da="Kriminalforsorgen Vest (demo)",
        name_en="Prison and Probation West (demo)",
    ),
    Party(
        kind=Kind.PSYCHIATRY,
        code="psykiatri-oest",
        staff=_public("pso"),
        name_da="Psykiatrien Øst (demo)",
        name_en="Psychiatry East (demo)",
    ),
    Party(
        kind=Kind.PSYCHIATRY,
        code="psykiatri-vest",
        staff=_public("psv"),
        name_da="Psykiatrien Vest (demo)",
        name_en="Psychiatry West (demo)",
    ),
)
"""New ones are added at the end: what names the demo file's first agency goes on naming København."""

OVERSIGHT = (
    Party(
        kind=Kind.OVERSIGHT,
        code="tilsyn-demo",
        staff=_oversight("ti"),
        scopes=OVERSEES,
        name_da="Tilsyn (demo)",
        name_en="Oversight (demo)",
    ),
    Party(
        kind=Kind.OVERSIGHT,
        code="tilsyn-demo-2",
        staff=_oversight("ta"),
        scopes=OVERSEES,
        name_da="Andet tilsyn (demo)",
        name_en="Another oversight body (demo)",
    ),
)
