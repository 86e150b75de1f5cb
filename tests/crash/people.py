"""
`python -m tests.crash.people NUMBER`: enrols agencies with staff and clients, and prints them as JSON.

A process of its own, because its Django speaks to the run's database and the tests' does not. Enrolment is no part of
the API, so it is done by the product's own functions, as for every other test.
"""

import json
import sys
from typing import Any

import django


def party(enrolled: Any) -> dict[str, Any]:
    """Return an enrolled agency as plain JSON."""
    return {
        "id": enrolled.id,
        "client_id": enrolled.client_id,
        "client_secret": enrolled.client_secret,
        "staff": enrolled.staff,
    }


def main(number: int) -> None:
    """Enrol this many exchanges that know nothing of each other: a sender, a recipient and a stranger each."""
    django.setup()
    from tests.exchange import Exchange

    casts = []
    for _ in range(number):
        exchange = Exchange()
        parties = {"sender": exchange.municipality, "recipient": exchange.centre, "stranger": exchange.stranger}
        casts.append({name: party(enrolled) for name, enrolled in parties.items()})
    json.dump(casts, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
