"""
Tells duty contacts by e-mail that something waits, and where to sign in. Each mail reads the same, word for word.

Not whom or what it is about, nor how much waits or of which sort: a mail may be read on its way, and that there is a
referral at all is sensitive.

What is told was queued by the act that made it wait (`duty.queue`), so nothing is told that was undone, and a mail that
can't be sent undoes nothing: it is tried again, later each time. Whoever sends takes the notices first, and holds no
lock while the mail server thinks. A mailbox may be told twice where the exchange stopped between the server's yes and
its own commit; never not at all.
"""

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from agencies.duty_models import DutyContact, DutyNotice
from audit import log
from audit.facts import SYSTEM, Subject

LONGEST_PAUSE = timedelta(hours=1)
NOT_SENT, NO_CONTACT = "duty-mail-not-sent", "duty-contact-missing"
SUBJECT = "Udvej: noget venter / something waits"
TEXT = """\
Der er sket noget i Udvej, som venter på jer.
Log ind, og se hvad det er: {address}

Something in Udvej waits for you.
Sign in to see what it is: {address}

Denne mail kan ikke besvares. / This mail can't be answered.
"""

said = structlog.get_logger(__name__)


def tell_duty_contacts(*, at: datetime | None = None) -> Counter[str]:
    """
    Send each duty contact one mail on all that waits to be told by an instant: now, unless given.

    Returns how many mails were `sent`, and how many `failed` and are tried again. Raises OperationalError where the
    database is away. Two senders at once never take the same notice.
    """
    now = at or timezone.now()
    done: Counter[str] = Counter()
    due = _reachable().filter(next_try_at__lte=now).order_by("agency").values_list("agency", flat=True)
    for agency in list(due.distinct()):
        try:
            done["sent"] += _tell(agency, now)
        except Exception as error:
            if not connection.is_usable():
                raise
            said.warning("duty_mail_not_sent", kind=type(error).__name__)
            done["failed"] += 1
    return +done


def waiting() -> tuple[int, int]:
    """Return how many notices wait to be sent, and how many for an agency that has no duty contact."""
    untold = DutyNotice.objects.filter(told_at=None)
    reachable = _reachable().count()
    return reachable, untold.count() - reachable


def alarms() -> list[str]:
    """Return what has waited for longer than settings.DUTY_ALARM_SECONDS: a mail, or an agency without a contact."""
    long_ago = timezone.now() - timedelta(seconds=settings.DUTY_ALARM_SECONDS)
    late = DutyNotice.objects.filter(told_at=None, made_at__lt=long_ago)
    unsent, alone = late.filter(_has_contact()).exists(), late.filter(~_has_contact(), step="escalate").exists()
    return [*([NOT_SENT] if unsent else []), *([NO_CONTACT] if alone else [])]


def _tell(agency_id: UUID, now: datetime) -> bool:
    """Send an agency's mail and record it; say so, or not where another sender has it in hand."""
    taken = _take(agency_id, now)
    counted = Counter(taken.values_list("step", flat=True))
    if not counted:
        return False
    if not _mail(DutyContact.objects.values_list("email", flat=True).get(agency=agency_id)).send():
        return False  # the mailbox was taken away meanwhile: it waits for the next one
    with log.act("duty.tell", by=SYSTEM, about=Subject("agency", agency_id), changes=False) as act:
        act.detail = {step: str(number) for step, number in counted.items()}
        taken.update(told_at=Now())
    return True


def _take(agency_id: UUID, now: datetime) -> QuerySet[DutyNotice]:
    """
    Take what waits for an agency, for as long as the pause before it is tried again: a minute, and twice as long each
    time, up to an hour. One statement, so that of two senders one finds nothing left.
    """
    due = _reachable().filter(agency=agency_id, next_try_at__lte=now)
    tries = max(due.values_list("tries", flat=True), default=0)
    pause = min(timedelta(minutes=2 ** min(tries, 10)), LONGEST_PAUSE)
    mine = uuid4()
    due.update(taken_by=mine, tries=F("tries") + 1, next_try_at=now + pause)
    return DutyNotice.objects.filter(taken_by=mine, told_at=None)


def _mail(to: str) -> EmailMessage:
    text = TEXT.format(address=settings.DUTY_SIGN_IN)
    headers = {"Auto-Submitted": "auto-generated"}
    return EmailMessage(SUBJECT, text, settings.DEFAULT_FROM_EMAIL, [to], headers=headers)


def _reachable() -> QuerySet[DutyNotice]:
    return DutyNotice.objects.filter(_has_contact(), told_at=None)


def _has_contact() -> Q:
    return Q(Exists(DutyContact.objects.filter(agency=OuterRef("agency")).exclude(email="")))
