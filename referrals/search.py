"""
Search: by reference, external reference or identifier, inside what one may see at this instant.

It answers as a list does, and finding nothing is an answer and an entry like any other. A number finds only what the
reader may read that number in now; that another agency knows the person can't be learnt here (rule 13). What was
searched for goes to the ledger as a keyed hash, and nowhere else (rule 12).
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from uuid import UUID

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from agencies import directory
from agencies.acting import acting
from agencies.principals import Principal
from api_schema import pagination
from api_schema.problems import Unavailable
from audit import log
from audit.facts import Subject
from audit.hashing import keyed
from audit.log import Act
from consent.categories import Category
from consent.coverage import NOTHING
from consent.models import Identifier
from referrals import listing, persons, policy
from referrals.coverage import coverage_of
from referrals.listing import Page
from referrals.models import Access

TRIES = 3
"""How often a search is done anew because something changed between its entry and its answer."""


class By(StrEnum):
    """What is searched by."""

    REFERENCE = "reference"
    EXTERNAL_REFERENCE = "external_reference"
    IDENTIFIER = "identifier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is searched for: a referral's id, the sender's own reference, or a CPR number of ten digits."""

    kind: By
    value: str
    size: int = pagination.SIZE
    cursor: str = ""

    @property
    def criterion(self) -> str:
        """The keyed hash by which equal searches are seen to be equal."""
        return keyed("search-criterion", self.value.encode())

    def bound_to(self, reader: Principal) -> str:
        """Return what a cursor of this search is bound to."""
        return f"search:{reader.agency}:{reader.membership}:{self.kind}:{self.criterion}"


class ChangedMeanwhile(Exception):  # noqa: N818 - says what happened
    """What was found is not what may be shown any more."""


def search_referrals(sought: Sought, *, to: Principal, purpose: str) -> Page:
    """
    Show a page of the referrals that are found, newest first.

    Raises `Malformed` for a cursor of another search or reader, and the refusals of `agencies.acting`, recorded.
    """
    for _ in range(TRIES):
        page = _recorded(sought, to=to, purpose=purpose)
        with suppress(ChangedMeanwhile):
            _hold(page, sought, to=to, purpose=purpose)
            return page
    raise Unavailable


def _recorded(sought: Sought, *, to: Principal, purpose: str) -> Page:
    with acting("referral.search", by=to, about=Subject("search", sought.kind), purpose=purpose, changes=False) as act:
        act.criterion = sought.criterion
        found = _found(sought, to, purpose)
        access, cursor = pagination.page(
            found, size=sought.size, position=listing.position, bound_to=sought.bound_to(to)
        )
        rows = tuple(listing.row_of(row, to) for row in access)
        act.result_ids = tuple(row.referral.id for row in rows)
        act.detail = {"kind": str(sought.kind)}
        if sought.kind is By.IDENTIFIER and rows:
            act.categories = (Category.IDENTITY,)
            _name_the_ground(act, rows)
    return Page(rows=rows, next=cursor, receipt=act.committed)


def _hold(page: Page, sought: Sought, *, to: Principal, purpose: str) -> None:
    """
    Hold what a number was found on until the answer is ready, so that a withdrawal waits for it or stops it.

    Raises `ChangedMeanwhile` where something is not found any more.
    """
    received = [row.referral for row in page.rows if not row.own]
    if sought.kind is not By.IDENTIFIER or not received:
        return
    with log.held(), connection.cursor() as cursor:
        consents = [referral.consent_id for referral in received if referral.consent_id]
        cursor.execute("SELECT 1 FROM consent_consent WHERE id = ANY(%s) ORDER BY id FOR SHARE", [consents])
        ids = [referral.id for referral in received]
        cursor.execute("SELECT 1 FROM referrals_referral WHERE id = ANY(%s) ORDER BY id FOR SHARE", [ids])
        again = {row.referral_id: row.referral.version for row in _found(sought, to, purpose)}
        if any(again.get(row.referral.id) != row.referral.version for row in page.rows):
            raise ChangedMeanwhile


def _found(sought: Sought, reader: Principal, purpose: str) -> Sequence[Access]:
    """Return the rows of a page and one more, if there is one."""
    rows = listing.going_on(listing.listed_for(reader), sought.cursor, bound_to=sought.bound_to(reader))
    match sought.kind:
        case By.REFERENCE:
            return list(rows.filter(referral=UUID(sought.value))[: sought.size + 1])
        case By.EXTERNAL_REFERENCE:
            own = rows.filter(side=listing.SIDES["sent"], referral__external_reference=sought.value)
            return list(own[: sought.size + 1])
        case By.IDENTIFIER:
            now = timezone.now()
            known = _telling(sought.value, rows, reader)
            return list(islice((row for row in known if _knows(row, reader, purpose, now)), sought.size + 1))


def _telling(number: str, rows: QuerySet[Access], reader: Principal) -> QuerySet[Access]:
    """
    Return the rows of persons whom the reader's agency knows by a number, and those that a sender told it in.

    The number is hashed under the key of every agency, whoever has sent anything: the work says nothing either.
    """
    digests = [persons.number_digest(number, agency=agency) for agency in directory.agency_ids()]
    told = Identifier.objects.filter(digest__in=digests, kind=persons.CPR)
    sent = Q(side=listing.SIDES["sent"], referral__subject__in=told.filter(agency=reader.agency).values("subject"))
    received = Q(side=listing.SIDES["received"], referral__in=told.values("told_in"))
    return rows.filter(sent | received)


def _knows(row: Access, reader: Principal, purpose: str, at: datetime) -> bool:
    """Say whether the reader may read now whom the referral is about."""
    referral = listing.told_of(row)
    own = reader.agency == referral.sender_id
    coverage = NOTHING if own else coverage_of(referral, purpose=purpose, at=at)
    return Category.IDENTITY in policy.readable(reader, referral.facts(), coverage)


def _name_the_ground(act: Act, rows: Sequence[listing.Row]) -> None:
    """Write into the act on which ground the number was found, where it is one: an entry has room for one."""
    grounds = {(row.referral.basis, row.referral.consent_id) for row in rows if not row.own}
    if len(grounds) == 1:
        ((basis, act.consent),) = grounds
        act.basis, act.basis_version = (basis.code, basis.version) if basis else ("", None)
