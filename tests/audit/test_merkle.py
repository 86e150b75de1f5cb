"""The tree's arithmetic: against published vectors, RFC 6962's own definitions, and forged proofs."""

import json
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import merkle, verification
from audit.merkle import Edge, ProofError

pytestmark = pytest.mark.no_database

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors"
CHECKERS = pytest.mark.parametrize("checker", [merkle, verification], ids=["exchange", "verifier"])
"""The exchange's own arithmetic, and that of the verifier which stands alone."""


def vectors(name: str) -> list[dict[str, Any]]:
    """Return published vectors (transparency-dev/merkle), or skip where they are not at hand."""
    file = VECTORS / name
    if not file.exists():
        pytest.skip("the published vectors are not here (../shared/vectors)")
    return [json.loads(line) for line in file.read_text().splitlines()]


def decoded(vector: dict[str, Any], *names: str) -> Iterator[bytes]:
    for name in names:
        yield b64decode(vector[name] or "")


def accepted(check: Any, *given: Any, **named: Any) -> bool:
    try:
        check(*given, **named)
    except ValueError:
        return False
    return True


@CHECKERS
def test_every_published_inclusion_vector_is_judged_as_published(checker: Any) -> None:
    judged = vectors("merkle_inclusion.jsonl")
    wrong = []
    for vector in judged:
        leaf, root = decoded(vector, "leafHash", "root")
        place = {"index": vector["leafIdx"], "size": vector["treeSize"]}
        path = [b64decode(each) for each in vector["proof"] or []]
        if accepted(checker.check_inclusion, leaf, **place, path=path, root=root) == vector["wantErr"]:
            wrong.append(vector["name"])
    assert wrong == []
    assert {vector["wantErr"] for vector in judged} == {True, False}


@CHECKERS
def test_every_published_consistency_vector_is_judged_as_published(checker: Any) -> None:
    judged = vectors("merkle_consistency.jsonl")
    wrong = []
    for vector in judged:
        old_root, new_root = decoded(vector, "root1", "root2")
        path = [b64decode(each) for each in vector["proof"] or []]
        sizes = {"old": vector["size1"], "new": vector["size2"]}
        roots = {"old_root": old_root, "new_root": new_root}
        if accepted(checker.check_consistency, **sizes, path=path, **roots) == vector["wantErr"]:
            wrong.append(vector["name"])
    assert wrong == []
    assert {vector["wantErr"] for vector in judged} == {True, False}


# --- RFC 6962's recursive definitions, written down once more as they stand there -----------------------------------
LEAVES = tuple(sha256(b"\x00" + str(number).encode()).digest() for number in range(700))


@cache
def mth(start: int, end: int) -> bytes:
    """MTH(D[start:end]) of section 2.1."""
    if start == end:
        return sha256(b"").digest()
    if end - start == 1:
        return LEAVES[start]
    k = start + _k(end - start)
    return sha256(b"\x01" + mth(start, k) + mth(k, end)).digest()


def path_of(m: int, start: int, end: int) -> list[bytes]:
    """PATH(m, D[start:end]) of section 2.1.1."""
    if end - start == 1:
        return []
    k = _k(end - start)
    if m < k:
        return [*path_of(m, start, start + k), mth(start + k, end)]
    return [*path_of(m - k, start + k, end), mth(start, start + k)]


def subproof(m: int, start: int, end: int, whole: bool) -> list[bytes]:
    """SUBPROOF(m, D[start:end], b) of section 2.1.2."""
    if m == end - start:
        return [] if whole else [mth(start, end)]
    k = _k(end - start)
    if m <= k:
        return [*subproof(m, start, start + k, whole), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, False), mth(start, start + k)]


def _k(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def subtree(height: int, position: int) -> bytes:
    return mth(position << height, position + 1 << height)


SIZES = st.integers(1, len(LEAVES))


@given(SIZES)
def test_the_growing_edge_has_the_root_that_the_rfc_defines(size: int) -> None:
    edge = Edge()
    tiles = edge.append(LEAVES[:size])
    assert (edge.size, edge.root()) == (size, mth(0, size))
    assert [(tile.level, tile.index) for tile in tiles] == [(0, index) for index in range(size // 256)]
    for tile in tiles:
        assert tile.hashes == b"".join(LEAVES[tile.index * 256 : tile.index * 256 + 256])
        assert tile.root == mth(tile.index * 256, tile.index * 256 + 256)


def test_a_tree_grown_in_any_steps_is_the_same_tree() -> None:
    at_once, by_steps = Edge(), Edge()
    filled = at_once.append(LEAVES)
    steps = [tile for start in range(0, len(LEAVES), 37) for tile in by_steps.append(LEAVES[start : start + 37])]
    assert (by_steps.root(), by_steps.partial, steps) == (at_once.root(), at_once.partial, filled)


def test_the_tile_above_holds_the_roots_of_256_full_tiles() -> None:
    edge = Edge()
    tiles = edge.append(sha256(number.to_bytes(4, "big")).digest() for number in range(256 * 256 + 3))
    assert [(tile.level, tile.index) for tile in tiles] == [*((0, index) for index in range(256)), (1, 0)]
    assert tiles[-1].hashes == b"".join(tile.root for tile in tiles[:256])
    assert [len(hashes) for hashes in edge.partial] == [3, 0, 1]


def test_the_empty_tree_has_the_root_of_nothing() -> None:
    assert Edge().root() == sha256(b"").digest()


@given(SIZES, st.data())
def test_an_audit_path_is_the_rfcs_and_shows_its_leaf_and_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(index, size, subtree)
    assert path == path_of(index, 0, size)
    for checker in (merkle, verification):
        checker.check_inclusion(LEAVES[index], index=index, size=size, path=path, root=mth(0, size))
        other = data.draw(st.integers(0, len(LEAVES) - 1).filter(lambda each: each != index))
        with pytest.raises(ValueError, match="root"):
            checker.check_inclusion(LEAVES[other], index=index, size=size, path=path, root=mth(0, size))


@given(SIZES, st.data())
def test_a_consistency_proof_is_the_rfcs_and_shows_no_other_past(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    path = merkle.consistency_path(old, size, subtree)
    assert path == subproof(old, 0, size, True)
    for checker in (merkle, verification):
        checker.check_consistency(old=old, new=size, path=path, old_root=mth(0, old), new_root=mth(0, size))
        with pytest.raises(ValueError, match="root"):
            checker.check_consistency(
                old=old, new=size, path=path, old_root=sha256(b"another past").digest(), new_root=mth(0, size)
            )


@given(SIZES, st.data())
def test_a_proof_with_a_hash_too_many_too_few_or_changed_shows_nothing(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = path_of(index, 0, size)
    forged = [[*path, LEAVES[0]], *([path[:-1], [*path[:-1], sha256(path[-1]).digest()]] if path else [])]
    for each in forged:
        for checker in (merkle, verification):
            with pytest.raises(ValueError, match="proof"):
                checker.check_inclusion(LEAVES[index], index=index, size=size, path=each, root=mth(0, size))


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_no_path_is_made_of_a_leaf_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="leaves"):
        merkle.inclusion_path(index, size, subtree)


@pytest.mark.parametrize(("old", "new"), [(6, 5), (-1, 5)])
def test_no_proof_is_made_of_a_tree_that_shrinks(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="extend"):
        merkle.consistency_path(old, new, subtree)


def test_a_hash_of_another_length_is_refused() -> None:
    with pytest.raises(ProofError, match="32 bytes"):
        merkle.check_inclusion(b"", index=0, size=1, path=[], root=b"")
