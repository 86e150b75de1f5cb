"""
The main job in Python, with the client that openapi-python-client generates: `python play.py <base URL> <demo.json>`.

København refers somebody to Exit-Comeback on a consent, Comeback works on it, København sees the outcome, and an
auditor sees who saw what. Every step says what is expected; the first that is otherwise ends with exit code 1.
"""

import json
import sys
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from udvej_client import AuthenticatedClient
from udvej_client.api.ledger import list_entries
from udvej_client.api.referrals import create_referral, list_referrals, read_referral
from udvej_client.api.steps import (
    accept_referral,
    complete_referral,
    receive_referral,
    start_referral,
    submit_referral,
)
from udvej_client.api.tokens import get_token
from udvej_client.models import (
    BasisBodyRequest,
    CompleteRequest,
    ConsentKind,
    ConsentMethod,
    ConsentPurpose,
    Contact,
    ContactChannel,
    ContactMethodRequest,
    ContactRequest,
    ContentCategory,
    GivenRequest,
    InspectedPage,
    Mode,
    Need,
    NeedsRequest,
    Outcome,
    OutcomeCode,
    Problem,
    ReasonRequest,
    Referral,
    ReferralBodyRequest,
    SectionsRequest,
    Status,
    SubjectAwareEnum,
    SubjectBodyRequest,
    SummaryPage,
    Token,
    TokenRequest,
)
from udvej_client.types import Response

Kind = TypeVar("Kind")


class Person:
    """A member of an agency's staff, through the agency's integration."""

    def __init__(self, base_url: str, agency: dict[str, Any], staff_id: str) -> None:
        credentials = b64encode(f"{agency['client_id']}:{agency['client_secret']}".encode()).decode()
        asking = AuthenticatedClient(base_url=base_url, token=credentials, prefix="Basic")
        token = as_a(Token, get_token.sync(client=asking, body=TokenRequest(grant_type="client_credentials")))
        self.client = AuthenticatedClient(base_url=base_url, token=token.access_token)
        self.id = staff_id

    def read(self, referral: UUID) -> Response[Problem | Referral]:
        return read_referral.sync_detailed(referral, client=self.client, on_behalf_of=self.id)

    def seen(self, referral: UUID) -> str:
        """Return the ETag of the version as it is now."""
        etag: str = self.read(referral).headers["ETag"]
        return etag


def as_a(kind: type[Kind], answer: object) -> Kind:
    """Return the answer where it is of this kind. Raises AssertionError, with the problem's code."""
    if not isinstance(answer, kind):
        raise AssertionError(f"expected a {kind.__name__}, got {getattr(answer, 'code', answer)}")
    return answer


def told(words: str, *facts: bool) -> None:
    """Print a step, all of whose facts hold. Raises AssertionError where one does not."""
    if not all(facts):
        raise AssertionError(f"otherwise than told: {words} {facts}")
    sys.stdout.write(f"  {words}\n")


def body(centre: UUID) -> ReferralBodyRequest:
    """Return a draft on a consent that covers reason, contact and needs, and the way back."""
    consent = GivenRequest(
        kind=ConsentKind.CONFIDENTIALITY_WAIVER,
        recipients=[centre],
        purposes=[ConsentPurpose.EXIT_SUPPORT],
        categories=[ContentCategory.REASON, ContentCategory.CONTACT, ContentCategory.NEEDS],
        given_at=datetime.now(UTC) - timedelta(hours=2),
        method=ConsentMethod.WRITTEN,
        report_back=True,
    )
    return ReferralBodyRequest(
        recipient=centre,
        external_reference=f"PY-{uuid4().hex[:8]}",
        subject=SubjectBodyRequest(mode=Mode.PSEUDONYMOUS),
        basis=BasisBodyRequest(code="SAMTYKKE-TAVSHED", consent=consent),
        sections=SectionsRequest(
            reason=ReasonRequest(summary="Ønsker hjælp til at komme ud.", subject_aware=SubjectAwareEnum.YES),
            contact=ContactRequest(
                methods=[ContactMethodRequest(channel=ContactChannel.PHONE, hours="hverdage 10-14")]
            ),
            needs=NeedsRequest(codes=[Need.HOUSING]),
        ),
    )


def play(base_url: str, demo: dict[str, Any]) -> None:
    """Play the job from the draft to the auditor's look."""
    agencies = {agency["code"]: agency for agency in demo["agencies"]}
    caseworker = Person(base_url, agencies["0101"], "kk-sb-1")
    coordinator = Person(base_url, agencies["exit-comeback"], "cb-ko-1")
    auditor = Person(base_url, demo["auditor"], demo["auditor"]["auditor_id"])

    draft, key = body(UUID(agencies["exit-comeback"]["agency_id"])), str(uuid4())
    made = create_referral.sync_detailed(
        client=caseworker.client, body=draft, on_behalf_of=caseworker.id, idempotency_key=key
    )
    referral = as_a(Referral, made.parsed)
    told(
        "København writes a draft.", made.status_code == 201, referral.status is Status.DRAFT, "Receipt" in made.headers
    )
    again = create_referral.sync_detailed(
        client=caseworker.client, body=draft, on_behalf_of=caseworker.id, idempotency_key=key
    )
    told(
        "The same again is the same draft.",
        as_a(Referral, again.parsed).id == referral.id,
        again.headers.get("Idempotency-Replayed") == "true",
    )
    unseen = as_a(Problem, coordinator.read(referral.id).parsed)
    told("Comeback can't see a draft.", unseen.code == "not-found", unseen.status == 404)
    sent = as_a(
        Referral,
        submit_referral.sync(
            referral.id, client=caseworker.client, on_behalf_of=caseworker.id, if_match=made.headers["ETag"]
        ),
    )
    told("København submits it.", sent.status is Status.SUBMITTED)

    inbox = as_a(SummaryPage, list_referrals.sync(client=coordinator.client, on_behalf_of=coordinator.id, limit=1))
    told("It is the newest in Comeback's inbox.", inbox.results[0].id == referral.id)
    stale = as_a(
        Problem,
        receive_referral.sync(referral.id, client=coordinator.client, on_behalf_of=coordinator.id, if_match='"1"'),
    )
    told("A version that is not the newest is refused.", stale.code == "stale-version", stale.status == 412)
    for step, status in (
        (receive_referral, Status.RECEIVED),
        (accept_referral, Status.ACCEPTED),
        (start_referral, Status.IN_PROGRESS),
    ):
        moved = as_a(
            Referral,
            step.sync(
                referral.id,
                client=coordinator.client,
                on_behalf_of=coordinator.id,
                if_match=coordinator.seen(referral.id),
            ),
        )
        told(f"Comeback: {status}.", moved.status is status)
    shown = as_a(Referral, coordinator.read(referral.id).parsed)
    contact = as_a(Contact, shown.sections.contact)
    told("Comeback reads what the consent covers.", contact.methods[0].hours == "hverdage 10-14")
    done = complete_referral.sync(
        referral.id,
        client=coordinator.client,
        on_behalf_of=coordinator.id,
        if_match=coordinator.seen(referral.id),
        body=CompleteRequest(reason="goals_reached", outcome=OutcomeCode.OUT_OF_MILIEU),
    )
    told("Comeback completes.", as_a(Referral, done).status is Status.COMPLETED)

    back = as_a(Referral, caseworker.read(referral.id).parsed)
    outcome = as_a(Outcome, back.sections.outcome)
    told("København sees the outcome.", outcome.entries[0].outcome == "out_of_milieu")
    trail = as_a(
        InspectedPage,
        list_entries.sync(
            client=auditor.client, on_behalf_of=auditor.id, audit_case="2026-0042", referral=referral.id, limit=200
        ),
    )
    seen = {(entry.action, entry.on_behalf_of) for entry in trail.results}
    told("An auditor sees who saw it.", {("referral.disclose", "cb-ko-1"), ("referral.submit", "kk-sb-1")} <= seen)


if __name__ == "__main__":
    play(sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
    sys.stdout.write("The job went as told.\n")
