"""
Recording a consent, and reading one: as a record, and as the receipt that the person is owed. One act, one entry.

What happens to a consent afterwards is in `following`.
"""

from datetime import datetime
from uuid import UUID

from agencies.acting import acting
from agencies.principals import Principal
from api_schema.validation import refuse
from api_schema.words import Words
from audit import log
from audit.facts import Subject
from consent import records, telling, wordings
from consent.errors import ConsentNotValid, KeyReused
from consent.models import Consent
from consent.telling import Told
from consent.told import Wording

SCOPE = "consents"
MADE_ONCE = ("consent_consent_is_created_once_per_key",)
SUBJECT_UNKNOWN = Words(
    "Personen findes ikke hos dig. Brug subject.id fra din egen henvisning.",
    "There is no such person at your agency. Use subject.id of a referral of your own.",
)


def record_consent(
    given: records.Given, *, subject_id: UUID, by: Principal, purpose: str, key: str, body_hash: str
) -> Told:
    """
    Record what a person decided, or was asked; the same key and body return the record already made.

    Raises `ConsentNotValid`, `KeyReused`, and `KeyDestroyed` of an erased person; recorded.
    """
    return log.once_more(
        lambda: _record(given, subject_id=subject_id, by=by, purpose=purpose, key=key, body_hash=body_hash),
        on=MADE_ONCE,
    )


def _record(given: records.Given, *, subject_id: UUID, by: Principal, purpose: str, key: str, body_hash: str) -> Told:
    with acting("consent.record", by=by, about=Subject("consent"), purpose=purpose, scope=SCOPE) as act:
        consent = Consent.objects.filter(registered_by=by.agency, idempotency_key=key).first()
        replayed = consent is not None
        act.action = "consent.replay" if replayed else act.action
        if consent is None:
            subject = records.own_subject(subject_id, by=by)
            if subject is None:
                raise ConsentNotValid(errors=[refuse("/subject", "unknown_subject", SUBJECT_UNKNOWN)])
            records.check_not_erased(subject)
            consent = records.register_consent(given, subject=subject, by=by, key=key, body_hash=body_hash)
            act.detail = {"decision": given.decision}
        elif consent.body_hash != body_hash:
            raise KeyReused
        telling.describe(act, consent)
        record = telling.tell(consent, to=by)
    return Told(record=record, receipt=act.committed, replayed=replayed)


def read_consent(consent_id: UUID, *, by: Principal, purpose: str, at: datetime | None = None) -> Told:
    """
    Show a consent as it is, or as it was known at an instant, to the agency that recorded it or one it was shared with.

    Raises `ConsentNotFound`, recorded.
    """
    about = Subject("consent", consent_id)
    with acting("consent.read", by=by, about=about, purpose=purpose, scope=SCOPE, changes=False) as act:
        consent = telling.found(consent_id, by=by)
        telling.describe(act, consent)
        act.detail = {"as_of": at.isoformat()} if at else {}
        record = telling.tell(consent, to=by, at=at)
    return Told(record=record, receipt=act.committed)


def read_receipt(consent_id: UUID, *, by: Principal, purpose: str) -> tuple[Told, Wording]:
    """
    Show a consent in the words of a receipt for the person: a disclosure of its own, recorded as such.

    Raises `ConsentNotFound`, recorded.
    """
    about = Subject("consent", consent_id)
    with acting("consent.receipt", by=by, about=about, purpose=purpose, scope=SCOPE, changes=False) as act:
        consent = telling.found(consent_id, by=by)
        telling.describe(act, consent)
        record = telling.tell(consent, to=by)
        wording = wordings.of(record)
    return Told(record=record, receipt=act.committed), wording
