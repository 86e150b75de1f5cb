"""Shapes what a person is told into its wire form, as JSON, each code with its words beside it."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from agencies.models import Agency
from api_schema.words import Words
from consent.law import LATE_AFTER
from referrals import insight_words
from referrals.insight_told import ConsentTold, ReferralTold, Report, SubjectTold
from referrals.who_saw import BasisNamed, Group, Look, Withheld


def withholding_body(row: Any, *, today: date) -> dict[str, Any]:
    """Return a withholding as its wire form, to the coordinators who state them."""
    return {
        "id": str(row.id),
        "agency": str(row.agency_id),
        "ground": _ground(row.ground),
        "review_by": row.review_by,
        "stated_at": row.stated_at,
        "stated_by": row.staff_id,
        "lapsed": today > row.review_by,
    }


def subject_body(told: SubjectTold) -> dict[str, Any]:
    """Return a person, as their agency registered them, as the wire form."""
    return {
        **_person(told.subject),
        "referrals": [{"id": str(referral.id), "status": referral.status} for referral in told.referrals],
        "consents": [{"id": str(each.consent.id), "state": each.state} for each in told.consents],
    }


def access_report_body(report: Report) -> dict[str, Any]:
    """Return an access report as its wire form, with words in the request's language."""
    shape = _Shape(report)
    told = report.seen
    return {
        "made_at": report.made_at,
        "controller": shape.agency(report.controller.id),
        "basis": shape.basis(report.basis),
        "subject": _person(report.subject),
        "referrals": [shape.referral(each) for each in report.referrals],
        "consents": [shape.consent(each) for each in report.consents],
        "recipients": [{**shape.group(each), "basis": shape.basis(each.basis)} for each in told.recipients],
        "seen_by": {
            "by_agency_and_purpose": [shape.group(each) for each in told.by_agency],
            "entries": [shape.look(each) for each in told.looks],
            "notes": [words.now() for words in notes(report)],
        },
        "withheld": [_withheld(each) for each in told.withheld],
        "about": {
            "law": insight_words.law(report.controller.kind).now(),
            "rights": [words.now() for words in insight_words.RIGHTS],
            "complaint": insight_words.COMPLAINT.now(),
            "sources": insight_words.SOURCES.now(),
            "retention": insight_words.RETENTION.now(),
            "automated_decisions": insight_words.AUTOMATED.now(),
        },
    }


def notes(report: Report) -> list[Words]:
    """Return what a report says about its own list of who saw what."""
    masked = [] if report.own_staff else [insight_words.STAFF_MASKED]
    return [insight_words.NOT_LISTED, *masked]


class _Shape:
    """Shapes the parts of one report: it knows the names of its agencies and the words of its codes."""

    def __init__(self, report: Report) -> None:
        self.agencies, self.words, self.hidden = report.agencies, report.words, report.seen.hidden

    def agency(self, identifier: UUID | None) -> dict[str, Any]:
        if identifier is None:
            return {"id": None, "kind": None, "name": insight_words.THE_EXCHANGE.now()}
        if identifier in self.hidden:
            return {"id": None, "kind": None, "name": insight_words.NOT_TOLD_NOW.now()}
        agency: Agency = self.agencies[identifier]
        return {"id": str(agency.id), "kind": agency.kind, "name": Words(agency.name_da, agency.name_en).now()}

    def code(self, list_name: str, code: str) -> dict[str, Any] | None:
        words = self.words.get((list_name, code))
        return {"code": code, "words": words.now() if words else code} if code else None

    def codes(self, list_name: str, codes: Sequence[str]) -> list[dict[str, Any] | None]:
        return [self.code(list_name, code) for code in codes]

    def basis(self, basis: BasisNamed | None) -> dict[str, Any] | None:
        named = self.code("legal-bases", basis.code) if basis else None
        return {**named, "version": basis.version} if named and basis else None

    def referral(self, told: ReferralTold) -> dict[str, Any]:
        row, masked = told.referral, told.recipient_withheld
        not_told = {"code": None, "words": insight_words.NOT_TOLD_NOW.now()}
        return {
            "id": str(row.id),
            "status": self.code("statuses", told.status) if told.status else not_told,
            "sender": self.agency(row.sender_id),
            "recipient": self.agency(row.recipient_id) if row.recipient_id and not masked else None,
            "recipient_withheld": _withheld(masked) if masked else None,
            "responsible": self.agency(row.responsible_id),
            "purpose": self.code("purposes", row.purpose),
            "basis": self.basis(BasisNamed(row.basis.code, row.basis.version) if row.basis else None),
            "consent": str(row.consent_id) if row.consent_id else None,
            "channel": self.code("channels", row.channel),
            "urgency": self.code("urgencies", row.urgency),
            "reason": self.code("reasons", told.reason),
            "external_reference": row.external_reference,
            "created_at": row.created_at,
            "submitted_at": row.submitted_at,
            "updated_at": row.updated_at,
            "content": str(told.shown),
            "content_words": insight_words.SHOWN[told.shown].now(),
            "sections": told.content.sections,
            "amendments": told.content.amendments,
            "messages": [self.message(said) for said in told.content.messages],
            "files": [
                {
                    "id": str(file.id),
                    "category": self.code("categories", file.category),
                    "media_type": file.media_type,
                    "size": file.size,
                    "created_at": file.created_at,
                }
                for file in told.files
            ],
            "withheld": list(told.withheld),
        }

    def message(self, said: dict[str, Any]) -> dict[str, Any]:
        hidden = "from" in said and UUID(said["from"]) in self.hidden
        return {**said, "from": None} if hidden else said

    def consent(self, told: ConsentTold) -> dict[str, Any]:
        row = told.consent
        return {
            "id": str(row.id),
            "kind": self.code("consent-kinds", row.kind),
            "state": {"code": told.state, "words": insight_words.CONSENT_STATES[told.state].now()},
            "expires_at": told.expires_at,
            "recipients": [self.agency(recipient) for recipient in row.recipients],
            "purposes": self.codes("purposes", row.purposes),
            "categories": self.codes("categories", row.categories),
            "report_back": row.report_back,
            "given_by": row.given_by,
            "registered_by": self.agency(row.registered_by_id),
            "registered_at": row.registered_at,
            "events": [
                {
                    "number": event.number,
                    "kind": event.kind,
                    "at": event.at,
                    "registered_at": event.registered_at,
                    "registered_late": event.registered_at - event.at > LATE_AFTER,
                    "expires_at": event.expires_at,
                }
                for event in told.events
            ],
        }

    def group(self, group: Group) -> dict[str, Any]:
        return {
            "agency": self.agency(group.agency),
            "purpose": self.code("purposes", group.purpose),
            "times": group.times,
            "categories": self.codes("categories", group.categories),
            "first_at": group.first_at,
            "last_at": group.last_at,
        }

    def look(self, look: Look) -> dict[str, Any]:
        return {
            "at": look.at,
            "agency": self.agency(look.agency),
            "action": {"code": look.action, "words": insight_words.action(look.action).now()},
            "purpose": self.code("purposes", look.purpose),
            "categories": self.codes("categories", look.categories),
            "basis": self.basis(look.basis),
            "referrals": [str(referral) for referral in look.referrals],
            **({"staff": look.staff} if look.staff else {}),
        }


def _person(subject: Any) -> dict[str, Any]:
    return {
        "id": str(subject.id),
        "mode": subject.mode,
        "birth_year": subject.birth_year,
        "formerly": str(subject.formerly_id) if subject.formerly_id else None,
        "registered_at": subject.created_at,
        "erased_at": subject.erased_at,
    }


def _ground(code: str) -> dict[str, str]:
    words, statute = insight_words.GROUNDS[code]
    return {"code": code, "words": words.now(), "statute": statute}


def _withheld(told: Withheld) -> dict[str, Any]:
    return {"withheld": True, "ground": _ground(told.ground), "review_by": told.review_by}
