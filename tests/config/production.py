"""What production asks for, where tests run it: a witnesses' policy, and a database without the demo's clients."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import Value
from django.db.models.functions import Concat, Substr

from agencies.models import Client
from audit.notes import COSIGNATURE, VerifierKey


def witnesses_policy() -> str:
    """Return a policy by which one witness is a quorum."""
    return f"witness w {VerifierKey('witness.example.dk/w', COSIGNATURE, b'k' * 32)}\nquorum w\n"


@contextmanager
def without_demo_clients() -> Iterator[None]:
    """Other tests load the demo's clients into the same database: they go by another name in the block."""
    Client.objects.filter(client_id__startswith="demo-").update(client_id=Concat(Value("was-"), "client_id"))
    try:
        yield
    finally:
        Client.objects.filter(client_id__startswith="was-demo-").update(client_id=Substr("client_id", len("was-") + 1))
