"""
What the ledger itself offers on the wire: hashes, proofs, signatures and keys. Who saw what, its owners serve.

Nothing here tells who did what, so nothing here is recorded; a leaf is asked for by its hash, which only those know who
were given it.
"""

import re
from base64 import b64encode

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api_schema import queries
from api_schema.problems import Malformed, NotFound
from api_schema.words import Words
from audit import checkpoints, contract
from audit.checkpoints import Signed
from audit.errors import LeafNotInLog, NoCheckpoint
from audit.merkle import TILE_HEIGHT, TILE_WIDTH
from audit.receipts import public_keys
from audit.tree import Tree

FOR_EVER = "private, max-age=31536000, immutable"
FOR_A_MOMENT = "private, max-age=1"
A_HASH = re.compile(r"^[0-9a-f]{64}$")
A_SIZE = re.compile(r"^[1-9][0-9]{0,17}$")
A_TILE = re.compile(r"^(?P<level>0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?$")
LEVEL_MAX = 63
LEAF = Words(
    "leaf skal være 64 hexadecimale tegn, fra kvitteringen.", "leaf must be 64 hexadecimal digits, from the receipt."
)
SIZE = Words("{name} skal være størrelsen på et checkpoint.", "{name} must be the size of a checkpoint.")
ORDER = Words("old_size skal være mindst 1 og højst new_size.", "old_size must be 1 at least and new_size at most.")

_tree = Tree()


class Checkpoint(APIView):
    """The newest signed head of the tree."""

    permission_classes = [IsAuthenticated]

    @contract.read_checkpoint
    def get(self, request: Request) -> HttpResponse:
        queries.only(request, ("final",))
        final = queries.one_of(request, "final", ("true", "false"), "false") == "true"
        found = _checkpoint(final=final)
        answer = HttpResponse(str(found.note), content_type="text/plain; charset=utf-8")
        answer["Cache-Control"] = FOR_A_MOMENT
        return answer


class Tile(APIView):
    """A tile of the tree: hashes only."""

    permission_classes = [IsAuthenticated]

    @contract.read_tile
    def get(self, request: Request, tile: str) -> HttpResponse:
        queries.only(request, ())
        asked = A_TILE.match(tile)
        if asked is None or int(asked["level"]) > LEVEL_MAX:
            raise NotFound
        level, width = int(asked["level"]), int(asked["width"] or TILE_WIDTH)
        index = int(asked["index"].replace("x", "").replace("/", ""))
        canonical = _path(index)
        reached = _checkpoint().size >> TILE_HEIGHT * level
        end = (index << TILE_HEIGHT) + width
        if canonical != asked["index"] or end > reached or (asked["width"] and width >= TILE_WIDTH):
            raise NotFound
        hashes = _tree.tile(level, index, width)
        if hashes is None:
            raise NotFound
        answer = HttpResponse(hashes, content_type="application/octet-stream")
        answer["Cache-Control"] = FOR_EVER
        return answer


class InclusionProof(APIView):
    """That a leaf is in the tree."""

    permission_classes = [IsAuthenticated]

    @contract.prove_inclusion
    def get(self, request: Request) -> Response:
        queries.only(request, ("leaf", "size"))
        leaf = queries.text(request, "leaf")
        if not A_HASH.match(leaf):
            raise Malformed(LEAF)
        head = _checkpoint(size=_size(request, "size"))
        place = _tree.place_of(bytes.fromhex(leaf))
        if place is None or place.index >= head.size:
            raise LeafNotInLog(headers={"Retry-After": "1"})
        path = _tree.inclusion(place.index, head.size)
        lines = [f"index {place.index}", *(b64encode(each).decode() for each in path)]
        proof = "".join(f"{line}\n" for line in ("c2sp.org/tlog-proof@v1", *lines, "")) + str(head.note)
        body = {
            "leaf": leaf,
            "index": place.index,
            "size": head.size,
            "path": [each.hex() for each in path],
            "checkpoint": str(head.note),
            "proof": proof,
        }
        return Response(body)


class ConsistencyProof(APIView):
    """That the tree extends what it was."""

    permission_classes = [IsAuthenticated]

    @contract.prove_consistency
    def get(self, request: Request) -> Response:
        queries.only(request, ("old_size", "new_size"))
        old, head = _size(request, "old_size"), _checkpoint(size=_size(request, "new_size"))
        if old is None or old > head.size:
            raise Malformed(ORDER)
        body = {
            "old_size": old,
            "new_size": head.size,
            "path": [each.hex() for each in _tree.consistency(old, head.size)],
            "checkpoint": str(head.note),
        }
        return Response(body)


class Keys(APIView):
    """The public keys of the log and of receipts; public, so that nobody has to trust a copy."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @contract.read_keys
    def get(self, request: Request) -> Response:
        queries.only(request, ())
        known = checkpoints.log_keys()
        keys = [{"vkey": key.vkey, "from_size": key.size, "handover": key.handover or None} for key in known.keys]
        body = {"origin": known.origin, "log": keys, "policy": known.policy, "receipts": public_keys()}
        return Response(body, headers={"Cache-Control": "public, max-age=60"})


def receipt_keys(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django's shape
    """Return the JWK set by which anyone can verify a receipt."""
    return JsonResponse(public_keys())


def _checkpoint(*, size: int | None = None, final: bool = False) -> Signed:
    found = checkpoints.newest(size=size, final=final)
    if found is None:
        raise NoCheckpoint
    return found


def _size(request: Request, name: str) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if not A_SIZE.match(value):
        raise Malformed(SIZE, name=name)
    return int(value)


def _path(index: int) -> str:
    """Return a tile's index as C2SP writes it: groups of three digits, all but the last with an x before them."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    return "/".join(reversed(groups))
