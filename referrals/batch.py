"""
Many referrals in one request, each accepted or refused on its own, with a result of its own.

Each item is an act with its own entry and transaction; a request cut off half-way is completed by sending it again
with the same key, since every item carries the batch's key and its place in it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import ValidationError

from agencies.acting import acting
from agencies.principals import Principal
from api_schema.problems import Invalid, Problem, problem_of
from audit import log
from audit.facts import Receipt, Subject
from referrals import actions, drafts
from referrals.statements import Draft

SIZE_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One referral of a batch, read and validated, or the problem with reading it."""

    draft: Draft | None
    submit: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one item: the referral, or why it was refused."""

    created: actions.Created | None = None
    problem: Problem | None = None


def create_many(
    items: Sequence[Item], *, by: Principal, purpose: str, key: str, body_hash: str
) -> tuple[list[Result], Receipt]:
    """
    Create each of the items that can be, in order; return a result for every item, and the receipt of the batch.

    Raises `KeyReused`, and the refusals of `agencies.acting`, before any item is looked at; recorded.
    """
    receipt = log.once_more(
        lambda: _begin(len(items), by=by, purpose=purpose, key=key, body_hash=body_hash),
        on=["referrals_batchkey_is_used_once"],
    )
    return list(_created(items, by=by, purpose=purpose)), receipt


def _begin(count: int, *, by: Principal, purpose: str, key: str, body_hash: str) -> Receipt:
    with acting("referral.batch", by=by, about=Subject("batch"), purpose=purpose, changes=False) as act:
        drafts.claim_batch_key(key, body_hash, by=by)
        act.detail = {"items": str(count)}
    return act.committed


def _created(items: Sequence[Item], *, by: Principal, purpose: str) -> Iterator[Result]:
    for item in items:
        if item.draft is None:
            yield Result(problem=item.problem)
            continue
        try:
            yield Result(created=actions.create(item.draft, submit=item.submit, by=by, purpose=purpose))
        except Problem as problem:
            yield Result(problem=problem)


def unread(error: ValidationError) -> Item:
    """Return the item that stands for a referral whose body is wrong."""
    problem = problem_of(error)
    return Item(draft=None, problem=problem if isinstance(problem, Invalid) else Invalid())


def result_body(index: int, result: Result) -> dict[str, Any]:
    """Return one result as its wire form."""
    if result.created is not None:
        made = result.created
        status = 200 if made.replayed else 201
        return {
            "index": index,
            "status": status,
            "referral": {"id": str(made.id), "status": str(made.status), "version": made.version},
        }
    problem = result.problem or Problem()
    return {"index": index, "status": problem.status, "problem": problem.body()}
