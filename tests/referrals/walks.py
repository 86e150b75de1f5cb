"""Brings a referral to any status over HTTP, and spells every move as a request."""

from dataclasses import dataclass
from typing import Any

from agencies.models import Kind
from referrals.models import Referral
from tests.exchange import SECTIONS, Answer, Caller, Exchange, Party, consent_body, referral_body

ALL_CATEGORIES = [
    *("contact", "identity", "background", "reason", "concern", "health"),
    *("criminal", "safety", "network", "needs", "outcome"),
]
NECESSITY = {"code": "RPL115-SSP", "necessity_statement": "Uden oplysningerne kan vi ikke forebygge sammen."}
MOVES: dict[str, tuple[str, dict[str, Any]]] = {
    "submit": ("submit", {}),
    "receive": ("receive", {}),
    "request_info": ("messages", {"kind": "information_request", "reason": "contact_unclear"}),
    "answer_info": ("messages", {"kind": "information_answer"}),
    "decline_info": ("messages", {"kind": "information_declined", "reason": "not_held"}),
    "accept": ("accept", {}),
    "reject": ("reject", {"reason": "no_capacity"}),
    "redirect": ("redirect", {"reason": "better_match_elsewhere"}),
    "screen": ("screen", {"result": "cleared"}),
    "amend": ("amendments", {"sections": {"needs": {"codes": ["work"]}}, "reason": "corrected"}),
    "assign": ("assign", {}),
    "start": ("start", {}),
    "hold": ("hold", {"reason": "agreed_pause"}),
    "resume": ("resume", {}),
    "complete": ("complete", {"reason": "goals_reached", "outcome": "unknown"}),
    "close": ("close", {"reason": "contact_lost"}),
    "take_over": ("close", {"reason": "taken_over_by_police"}),
    "withdraw": ("withdraw", {"reason": "subject_changed_mind"}),
    "mark_in_error": ("mark-in-error", {"reason": "wrong_person"}),
}
"""Each move of staff: its address and a body that is valid where nothing of the exchange is needed in it."""

ROADS: dict[str, tuple[str, ...]] = {
    "draft": (),
    "submitted": ("submit",),
    "received": ("submit", "receive", "assign"),
    "info_requested": ("submit", "receive", "assign", "request_info"),
    "accepted": ("submit", "receive", "assign", "accept"),
    "in_progress": ("submit", "receive", "assign", "accept", "start"),
    "on_hold": ("submit", "receive", "assign", "accept", "start", "hold"),
    "completed": ("submit", "receive", "assign", "accept", "start", "complete"),
    "closed_unsuccessful": ("submit", "receive", "assign", "accept", "close"),
    "rejected": ("submit", "reject"),
    "redirected": ("submit", "redirect"),
    "withdrawn": ("submit", "withdraw"),
    "consent_withdrawn": ("submit", "receive", "assign", "stop_on_consent"),
    "expired": ("submit", "expire"),
    "entered_in_error": ("submit", "mark_in_error"),
}
SENDERS_MOVES = frozenset({"submit", "amend", "answer_info", "decline_info", "withdraw", "mark_in_error"})


@dataclass
class Walk:
    """One referral on its way, with the people it meets."""

    exchange: Exchange
    id: str
    etag: str
    status: str

    @property
    def sender(self) -> Caller:
        return self.exchange.municipality.as_("caseworker")

    @property
    def coordinator(self) -> Caller:
        return self.exchange.centre.as_("coordinator")

    @property
    def assigned(self) -> Caller:
        return self.exchange.centre.as_("counsellor", 1)

    @property
    def unassigned(self) -> Caller:
        return self.exchange.centre.as_("counsellor", 2)

    def body(self, move: str) -> tuple[str, dict[str, Any]]:
        path, body = MOVES[move]
        if move == "redirect":
            body = {**body, "recipient": self.exchange.stranger.id}
        if move == "assign":
            body = {"assignees": [self.assigned.staff_id]}
        return path, body

    def attempt(self, move: str, by: Caller, body: dict[str, Any] | None = None, **headers: str) -> Answer:
        """Send a move on the version seen last."""
        path, default = self.body(move)
        sent = default if body is None else body
        return by.post(f"referrals/{self.id}/{path}", sent, **{"If_Match": self.etag, **headers})

    def take(self, move: str, by: Caller | None = None, body: dict[str, Any] | None = None) -> Answer:
        """Take a move that has to succeed."""
        by = by or (self.sender if move in SENDERS_MOVES else self.coordinator)
        answer = self.attempt(move, by, body)
        assert answer.status == 200, (move, answer)
        self.etag, self.status = answer.etag, answer.body["status"]
        return answer

    def go(self, *moves: str) -> "Walk":
        for move in moves:
            if move == "stop_on_consent":
                assert withdraw_consent(self.sender, self.id).status == 200
                self.refresh()
            elif move == "expire":  # the system's own move; its clock is not part of this slice
                Referral.objects.filter(pk=self.id).update(status="expired")
                self.refresh()
            else:
                self.take(move)
        return self

    def refresh(self) -> Answer:
        answer = self.sender.read(self.id)
        self.etag, self.status = answer.etag, answer.body["status"]
        return answer


def walk(exchange: Exchange, status: str = "draft", **changes: Any) -> Walk:
    """Bring a new referral from the municipality to the exit centre to a status."""
    body = referral_body(exchange.centre, **{"submit": False, **changes})
    made = exchange.municipality.as_("caseworker").create(body)
    assert made.status == 201, made
    walked = Walk(exchange, made.body["id"], made.etag, "draft").go(*ROADS[status])
    assert walked.status == status
    return walked


def withdraw_consent(by: Caller, referral: str) -> Answer:
    """Withdraw the consent that a referral rests on."""
    consent = by.read(referral).body["basis"]["consent_id"]
    seen = by.get(f"consents/{consent}")
    assert seen.status == 200, seen
    return by.post(f"consents/{consent}/withdraw", {"method": "oral"}, If_Match=seen.etag)


def police_referral(sender: Party, recipient: Party, **changes: Any) -> str:
    """Submit a referral in crime-prevention cooperation (§ 115), which needs no consent; the municipality is home."""
    home = next(party for party in (sender, recipient) if party.agency.kind == Kind.MUNICIPALITY)
    sections = at_home(home, changes.pop("sections", SECTIONS))
    body = referral_body(recipient, **{"basis": NECESSITY, "sections": sections, **changes})
    made = sender.as_("caseworker").create(body, Purpose="crime_prevention")
    assert made.status == 201, made
    return str(made.body["id"])


def at_home(municipality: Party, sections: dict[str, Any]) -> dict[str, Any]:
    """Sections of a person who lives in a municipality."""
    background = {**sections.get("background", {}), "municipality_of_residence": municipality.agency.code}
    return {**sections, "background": background}


def body_of_everything(to: Party, **changes: Any) -> dict[str, Any]:
    """A referral in which every section is filled, on a consent that covers each of them."""
    consent = consent_body(to, ALL_CATEGORIES)
    return referral_body(
        to,
        **{"sections": EVERYTHING, "basis": {"code": "SAMTYKKE-TAVSHED", "consent": consent}, **changes},
    )


STATEMENT = {"text": "Fortalte selv om det.", "kind": "reported", "on": "2026-10-01", "source": "Samtale"}
EVERYTHING: dict[str, Any] = {
    "contact": {
        "methods": [
            {
                "channel": "sms",
                "value": "00 00 00 00",
                "hours": "hverdage 10-14",
                "words_to_use": "Det er om cyklen.",
            }
        ],
        "avoid_words": ["exit"],
        "must_not_know": ["En bror"],
    },
    "identity": {
        "name": "Testperson Prøvesen",
        "aliases": ["Prøve"],
        "cpr": "6101901234",
        "address": "Prøvevej 1, 0000 Prøveby",
        "protected_address": False,
    },
    "background": {
        "language": "da",
        "interpreter_needed": False,
        "municipality_of_residence": "0101",
        "birth_year": 1990,
    },
    "reason": {"summary": "Ønsker hjælp.", "subject_aware": "partly", "subject_aware_note": "Ved det meste."},
    "concern": {"milieu": "unknown", "statements": [STATEMENT]},
    "health": {"statements": [STATEMENT], "from_health_system": False},
    "criminal": {"statements": [STATEMENT]},
    "safety": {"threatened_by_milieu": "unknown", "statements": [STATEMENT]},
    "network": {"people": [{"relation": "søster", "note": "Støtter.", "may_be_contacted": True, "is_child": False}]},
    "needs": {"codes": ["housing", "debt"], "note": "Bolig først."},
}
