"""
The one client that means ill: it reads what is not its, speaks for others, changes what it has not seen, says other
things under used keys, and states the purpose that nothing here is for. `expects` says what it is to be answered.
"""

import random
from typing import Any

from tests.crash.asking import Client, marked
from tests.crash.clients import Board, referral_body

NOT_THERE, NOT_ALLOWED, NOT_KNOWN, CONFLICT, STALE, UNUSABLE = 404, 403, 401, 409, 412, 422


def attacking(stranger: Client, sender: Client, recipient: Client, board: Board, random_: random.Random) -> None:
    """Try one thing that has to be refused."""
    referral = random_.choice(board.hot).id
    match random_.randrange(7):
        case 0:
            stranger.read(referral, kind="attack-read", expects=[NOT_THERE])
        case 1:
            part = random_.choice(["/messages", "/amendments", "/timeline", "/attachments"])
            stranger.read(referral, kind="attack-read", part=part, expects=[NOT_THERE])
        case 2:
            _meddle(stranger, sender, referral)
        case 3:
            headers = {"If-Match": '"1"'}
            facts: dict[str, Any] = {"referral": referral, "writes": "referral.amend", "expects": [STALE]}
            said = {"sections": {"needs": {"codes": ["debt"]}}, "reason": "corrected"}
            sender.ask("attack-stale", "POST", f"referrals/{referral}/amendments", said, headers=headers, **facts)
        case 4 if board.keys:
            key, _ = random_.choice(board.keys)
            other = referral_body(board.recipient["id"], marked("mark"))
            facts = {"key": key, "writes": "referral.submit", "expects": [UNUSABLE]}
            headers = {"Idempotency-Key": key}
            sender.ask("attack-key", "POST", "referrals", other, headers=headers, **facts)
        case 5:
            purpose = {"Purpose": "investigation"}
            path = f"referrals/{referral}"
            facts = {"referral": referral, "expects": [NOT_ALLOWED]}
            recipient.ask("attack-purpose", "GET", path, headers=purpose, **facts)
        case _:
            other_staff = {"On-Behalf-Of": recipient.staff_id}
            facts = {"referral": referral, "expects": [NOT_KNOWN, NOT_ALLOWED, NOT_THERE]}
            stranger.ask("attack-staff", "GET", f"referrals/{referral}", headers=other_staff, **facts)


def _meddle(stranger: Client, sender: Client, referral: str) -> None:
    seen = sender.read(referral)
    if seen is None or not seen.ok:
        return
    consent = seen.body["basis"]["consent_id"]
    facts = {"consent": consent, "writes": "consent.withdraw", "expects": [NOT_THERE]}
    headers = {"If-Match": '"1"'}
    path = f"consents/{consent}/withdraw"
    stranger.ask("attack-withdraw", "POST", path, {"method": "oral"}, headers=headers, **facts)
