"""
Consents and reads in any order, held against a model: no section is ever shown without coverage, on any path.

The model is written from domain.md alone. Every read is also held against its own entry: what was shown is what was
recorded, and nothing else.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from audit.models import Entry
from tests.exchange import Answer, Caller, Exchange, consent_body, referral_body
from tests.referrals.walks import EVERYTHING

CATEGORIES = ("contact", "identity", "reason", "concern", "health", "criminal", "needs")
NEXT = {"submitted": "receive", "received": "accept", "accepted": "start", "in_progress": "complete"}
SAID = {"complete": {"reason": "goals_reached", "outcome": "housing"}}
AFTER = {"receive": "received", "accept": "accepted", "start": "in_progress", "complete": "completed"}
SHARED = {"submitted", "received", "accepted", "in_progress"}
some = st.sets(st.sampled_from(CATEGORIES), min_size=1).map(lambda chosen: chosen | {"reason"})


@dataclass
class Consent:
    """What the person agreed to, and whether it stands."""

    id: str
    categories: set[str]
    report_back: bool
    stands: bool = True


@dataclass(eq=False)
class Known:
    """One referral as the model knows it."""

    id: str
    told: set[str]
    consent: Consent
    status: str = "submitted"
    assigned: bool = False
    outcome: bool = False
    amended: set[str] = field(default_factory=set)

    def for_recipient(self, on_duty: bool) -> set[str]:
        """What somebody at the recipient may see now."""
        if self.status in ("entered_in_error", "consent_withdrawn") or (self.assigned and not on_duty):
            return set()
        own = {"outcome"} if self.outcome else set()
        return own | (self.told & self.consent.categories if self.consent.stands else set())

    def for_sender(self) -> set[str]:
        """What the sender may see now: its own words, and the outcome where the person agreed to that."""
        if self.status == "entered_in_error":
            return set()
        back = self.outcome and self.consent.stands and self.consent.report_back
        return self.told | ({"outcome"} if back else set())


class Machine(RuleBasedStateMachine):
    """A municipality, an exit centre with a coordinator and two counsellors, and what happens between them."""

    exchange: ClassVar[Exchange]
    referrals = Bundle("referrals")

    def __init__(self) -> None:
        super().__init__()
        self.sender = self.exchange.municipality.as_("caseworker")
        self.coordinator = self.exchange.centre.as_("coordinator")
        self.assignee, self.other = (self.exchange.centre.as_("counsellor", number) for number in (1, 2))
        self.known: list[Known] = []

    # --- What happens ---------------------------------------------------------------------------------------------

    @rule(target=referrals, told=some, agreed=some, back=st.booleans())
    def refer(self, told: set[str], agreed: set[str], back: bool) -> Any:
        """A referral goes exactly where the consent reaches every section."""
        consent = consent_body(self.exchange.centre, sorted(agreed), report_back=back)
        sections = {name: EVERYTHING[name] for name in told}
        basis = {"code": "SAMTYKKE-TAVSHED", "consent": consent}
        made = self.sender.create(referral_body(self.exchange.centre, sections=sections, basis=basis))
        assert made.status == (201 if told <= agreed else 422), made
        if made.status != 201:
            return multiple()
        known = Known(made.body["id"], set(told), Consent(made.body["basis"]["consent_id"], set(agreed), back))
        self.known.append(known)
        return known

    @rule(known=referrals, through_sender=st.booleans())
    def withdraw(self, known: Known, through_sender: bool) -> None:
        """The person withdraws, through either agency; withdrawing twice is as once."""
        by = self.sender if through_sender else self.coordinator
        path = f"consents/{known.consent.id}"
        done = by.post(f"{path}/withdraw", {"method": "oral"}, If_Match=by.get(path).etag)
        assert done.status == 200, done
        known.consent.stands = False
        if known.status in SHARED:
            known.status = "consent_withdrawn"

    @rule(known=referrals)
    def renew(self, known: Known) -> None:
        """A withdrawn consent is not renewed."""
        path = f"consents/{known.consent.id}"
        done = self.sender.post(f"{path}/renew", {"method": "written"}, If_Match=self.sender.get(path).etag)
        assert done.status == (200 if known.consent.stands else 409), done

    @rule(known=referrals, agreed=some, back=st.booleans())
    def go_on_with_another_consent(self, known: Known, agreed: set[str], back: bool) -> None:
        consent = consent_body(self.exchange.centre, sorted(agreed), report_back=back)
        body = {"basis": {"code": "SAMTYKKE-TAVSHED", "consent": consent}}
        done = self.sender.step(known.id, "resume", body)
        if known.status != "consent_withdrawn":
            assert done.status == 409, done
        elif known.told <= agreed:
            assert done.status == 200, done
            known.consent = Consent(done.body["basis"]["consent_id"], set(agreed), back)
            known.status = done.body["status"]
        else:
            assert done.status == 422, done

    @rule(known=referrals, category=st.sampled_from(CATEGORIES))
    def amend(self, known: Known, category: str) -> None:
        """An amendment goes where the consent reaches, and may add a section that was not told before."""
        body = {"sections": {category: EVERYTHING[category]}, "reason": "new_information"}
        done = self.sender.step(known.id, "amendments", body)
        if known.status not in SHARED:
            assert done.status == 409, done
        elif category in known.consent.categories:
            assert done.status == 200, done
            known.told.add(category)
            known.amended.add(category)
        else:
            assert done.status == 422, done

    @rule(known=referrals)
    def move_on(self, known: Known) -> None:
        move = NEXT.get(known.status)
        if move:
            done = self.coordinator.step(known.id, move, SAID.get(move))
            assert done.status == 200, done
            known.status, known.outcome = AFTER[move], known.outcome or move == "complete"

    @rule(known=referrals)
    def assign(self, known: Known) -> None:
        if known.status in ("received", "accepted", "in_progress"):
            done = self.coordinator.step(known.id, "assign", {"assignees": [self.assignee.staff_id]})
            assert done.status == 200, done
            known.assigned = True

    @rule(known=referrals)
    def mark_in_error(self, known: Known) -> None:
        if known.status != "entered_in_error":
            assert self.sender.step(known.id, "mark-in-error", {"reason": "wrong_person"}).status == 200
            known.status = "entered_in_error"

    # --- What is seen ---------------------------------------------------------------------------------------------

    def seen_by(self, known: Known) -> list[tuple[Caller, set[str]]]:
        return [
            (self.sender, known.for_sender()),
            (self.coordinator, known.for_recipient(on_duty=True)),
            (self.assignee, known.for_recipient(on_duty=True)),
            (self.other, known.for_recipient(on_duty=False)),
        ]

    @rule(known=referrals, who=st.integers(0, 3))
    def read(self, known: Known, who: int) -> None:
        by, may_see = self.seen_by(known)[who]
        told = by.read(known.id)
        assert told.status == 200, told
        assert set(told.body["sections"]) == may_see, (known, by.role)
        assert told.body["status"] == known.status
        assert recorded(told) == may_see | {"status"}

    @rule(known=referrals, who=st.integers(0, 3))
    def read_amendments(self, known: Known, who: int) -> None:
        by, may_see = self.seen_by(known)[who]
        told = by.get(f"referrals/{known.id}/amendments")
        assert {each["category"] for each in told.body["results"]} == may_see & known.amended
        assert recorded(told) == (may_see & known.amended) | {"status"}

    @rule(known=referrals, who=st.integers(0, 3))
    def list(self, known: Known, who: int) -> None:
        """A list shows no section, whatever stands."""
        by, _ = self.seen_by(known)[who]
        role = "sent" if by is self.sender else "received"
        rows = by.get(f"referrals?role={role}&limit=200").body["results"]
        assert known.id in {row["id"] for row in rows}
        assert not any("sections" in row or "subject" in row for row in rows)

    @invariant()
    def a_stranger_sees_nothing(self) -> None:
        if self.known:
            answer = self.exchange.stranger.as_("caseworker").read(self.known[-1].id)
            assert (answer.status, answer.body["code"]) == (404, "not-found")


def recorded(told: Answer) -> set[str]:
    """Return the categories that the entry of an answer names."""
    entry = Entry.objects.get(request_id=told.headers["Request-Id"])
    assert entry.outcome == "done"
    return set(entry.categories)


def test_no_section_is_ever_shown_without_coverage(exchange: Exchange) -> None:
    Machine.exchange = exchange
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
