"""What the ledger itself offers on the wire: keys, and later hashes and proofs. Who saw what, its owners serve."""

from django.http import HttpRequest, JsonResponse

from audit.receipts import public_keys


def receipt_keys(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's shape
    """Return the JWK set by which anyone can verify a receipt."""
    return JsonResponse(public_keys())
