"""
The one way to do a recorded thing: a transaction that cannot commit without its entry.

Only this file opens a transaction for an act; the log's own rooms open theirs. It writes entries and never reads them;
`trails` reads.
"""

import json
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID, uuid4

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from structlog.contextvars import get_contextvars

from audit import history
from audit.facts import Actor, LedgerUnavailable, Receipt, Refusal, Subject

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Act:
    """
    One act under way, and what its entry will say. The block that does the act fills in what it learns.

    `receipt` is there once the act has committed, and not before.
    """

    action: str
    by: Actor
    about: Subject
    purpose: str = ""
    basis: str = ""
    basis_version: int | None = None
    consent: UUID | None = None
    consent_version: int | None = None
    categories: tuple[str, ...] = ()
    result_ids: tuple[UUID, ...] = ()
    criterion: str = ""
    detail: dict[str, str] = field(default_factory=dict)
    correlation: UUID = field(default_factory=uuid4)
    receipt: Receipt | None = None

    @property
    def committed(self) -> Receipt:
        """The receipt of a committed act. Raises RuntimeError inside the block, where nothing is committed yet."""
        if self.receipt is None:
            raise RuntimeError("this act has not committed: nothing may be shown or promised on its strength")
        return self.receipt


def once_more(do: Callable[[], T], *, on: Collection[str]) -> T:
    """
    Do something, and once more if it broke one of these unique constraints: somebody else was first.

    The constraint waits for the other transaction, so the second try finds what the other has made. Raises whatever the
    second try raises.
    """
    try:
        return do()
    except IntegrityError as error:
        broken = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        if broken not in on:
            raise
    return do()


@contextmanager
def act(action: str, *, by: Actor, about: Subject, purpose: str = "", changes: bool = True) -> Iterator[Act]:
    """
    Do one recorded thing; leave the block and the entry commits together with the work.

    Raise `Refusal` inside and the work is undone, the refusal recorded, and the refusal raised on. Any other error
    undoes both. `changes=False` says that the act changes no object with a field history, and skips looking for one.
    Raises `LedgerUnavailable` where the entry can't be written; then nothing was done.
    """
    under_way = Act(action=action, by=by, about=about, purpose=purpose)
    bound = history.belonging_to(under_way.correlation, by=by) if changes else nullcontext()
    try:
        with transaction.atomic(durable=True):
            with bound:
                yield under_way
            digest = history.digest(under_way.correlation) if changes else ""
            receipt = _append(under_way, refusal="", changes=digest)
        under_way.receipt = receipt
    except Refusal as refusal:
        deny(action, by=by, about=under_way.about, purpose=under_way.purpose, refusal=refusal)
        raise


def deny(action: str, *, by: Actor, about: Subject, purpose: str = "", refusal: Refusal) -> None:
    """Record an attempt that was refused. Raises `LedgerUnavailable` where the entry can't be written."""
    denied = Act(action=action, by=by, about=about, purpose=purpose)
    with transaction.atomic(durable=True):
        _append(denied, refusal=refusal.code, changes="")


_answer: ContextVar[ExitStack | None] = ContextVar("answer", default=None)


def answering(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """
    Middleware, outside all that makes an answer: what `held` locks stays locked until the whole answer is ready.

    Where the locks were lost meanwhile, letting go of them raises, and the answer is not given: a withdrawal may have
    been acknowledged since.
    """

    def respond(request: HttpRequest) -> HttpResponse:
        with ExitStack() as answer:
            token = _answer.set(answer)
            try:
                return get_response(request)
            finally:
                _answer.reset(token)

    return respond


@contextmanager
def held() -> Iterator[None]:
    """
    Release something under locks that outlast the block: within a request, until its answer is ready.

    So whoever waits for such a lock, as a withdrawal does, is acknowledged after every answer that it did not stop. An
    error inside lets go at once.
    """
    answer = _answer.get()
    if answer is None or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    block = transaction.atomic()
    block.__enter__()
    try:
        yield
    except BaseException:
        block.__exit__(*sys.exc_info())
        raise
    answer.push(block)


INSERT = """
    INSERT INTO audit_entry (
        action, actor_agency, actor_client, actor_user, on_behalf_of, role, subject_kind, subject_id, purpose,
        basis, basis_version, consent, consent_version, categories, outcome, refusal, result_ids, criterion,
        correlation, request_id, changes, detail
    ) VALUES (
        %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s
    ) RETURNING id, at, leaf_hash
"""


def _append(done: Act, *, refusal: str, changes: str) -> Receipt:
    by = done.by
    columns = [
        *(done.action, by.agency, by.client, by.user, by.on_behalf_of, by.role),
        *(done.about.kind, str(done.about.id), done.purpose),
        *(done.basis, done.basis_version, done.consent, done.consent_version),
        *(list(done.categories), "refused" if refusal else "done", refusal, list(done.result_ids), done.criterion),
        *(done.correlation, str(get_contextvars().get("request_id", "")), changes, json.dumps(done.detail)),
    ]
    try:
        with connection.cursor() as cursor:
            cursor.execute(INSERT, columns)
            entry, at, leaf = cursor.fetchone()
    except DatabaseError as error:
        raise LedgerUnavailable("the ledger entry could not be written; nothing was done") from error
    return Receipt(entry=entry, at=at, leaf_hash=bytes(leaf))
