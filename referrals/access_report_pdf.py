"""
Sets an access report as a PDF that anybody can read: tagged, in Danish, after PDF/UA-1 (ISO 14289-1).

The template lays out plain text and is given nothing but text, as data: what somebody wrote about a person is never
read as markup. Only fonts of the compiler itself are used, and nothing is fetched.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import typst

from referrals import danish, insight_words
from referrals.insight_told import ConsentTold, ReferralTold, Report
from referrals.who_saw import BasisNamed, Group, Look, Withheld

TEMPLATE = Path(__file__).parent / "templates" / "access_report.typ"
NONE = "–"
LISTED_ONLY = "Kun at den findes"


def pdf(report: Report) -> bytes:
    """Return the report as a PDF/UA-1 document in Danish. The same report gives the same bytes."""
    made: bytes = typst.compile(
        str(TEMPLATE),
        root=str(TEMPLATE.parent),
        format="pdf",
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
        sys_inputs={"report": json.dumps(laid_out(report), ensure_ascii=False)},
        timestamp=int(report.made_at.timestamp()),
    )
    return made


def laid_out(report: Report) -> dict[str, Any]:
    """Return all the text of the report, in the order in which it is read."""
    text = _Text(report)
    told = report.seen
    return {
        "controller": text.agency(report.controller.id),
        "made": danish.day(report.made_at),
        "law": insight_words.law(report.controller.kind).da,
        "person": text.person(),
        "referrals": [text.referral(each) for each in report.referrals],
        "consents": [text.consent(each) for each in report.consents],
        "recipients": [text.recipient(each) for each in told.recipients],
        "summary": [text.group(each) for each in told.by_agency],
        "looks": [text.look(each) for each in told.looks],
        "staff": report.own_staff,
        "notes": [
            insight_words.NOT_LISTED.da,
            *([] if report.own_staff else [insight_words.STAFF_MASKED.da]),
        ],
        "withheld": [
            {
                "ground": insight_words.GROUNDS[each.ground][0].da,
                "statute": insight_words.GROUNDS[each.ground][1],
                "review": danish.day(each.review_by),
            }
            for each in told.withheld
        ],
        "rights": [right.da for right in insight_words.RIGHTS],
        "complaint": insight_words.COMPLAINT.da,
        "about": [
            ["Hvor oplysningerne kommer fra", insight_words.SOURCES.da],
            ["Hvor længe de bliver gemt", insight_words.RETENTION.da],
            ["Automatiske afgørelser", insight_words.AUTOMATED.da],
        ],
    }


class _Text:
    """Says the parts of one report in Danish."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def agency(self, identifier: UUID | None) -> str:
        if identifier in self.report.seen.hidden:
            return insight_words.NOT_TOLD_NOW.da
        return self.report.agencies[identifier].name_da if identifier else insight_words.THE_EXCHANGE.da

    def code(self, list_name: str, code: str) -> str:
        if list_name == "moves":
            return insight_words.action(f"referral.{code}").da
        words = self.report.words.get((list_name, code))
        return words.da if words else code or NONE

    def codes(self, list_name: str, codes: Sequence[str]) -> str:
        return ", ".join(self.code(list_name, code) for code in codes)

    def basis(self, basis: BasisNamed | None) -> str:
        return self.code("legal-bases", basis.code) if basis else NONE

    def person(self) -> list[list[str]]:
        subject = self.report.subject
        return _pairs(
            ("Registreret hos", self.agency(self.report.controller.id)),
            ("Registreret den", danish.day(subject.created_at)),
            ("Registreret", danish.MODES[subject.mode]),
            ("Fødselsår", subject.birth_year),
            ("Nummer i Udvej", subject.id),
            ("Tidligere anonym sag", subject.formerly_id),
            ("Indholdet destrueret", subject.erased_at and danish.moment(subject.erased_at)),
        )

    def referral(self, told: ReferralTold) -> dict[str, Any]:
        row, masked = told.referral, told.recipient_withheld
        basis = BasisNamed(row.basis.code, row.basis.version) if row.basis else None
        facts = _pairs(
            ("Nummer", row.id),
            ("Status", self.code("statuses", told.status) if told.status else insight_words.NOT_TOLD_NOW.da),
            ("Begrundelse", told.reason and self.code("reasons", told.reason)),
            ("Fra", self.agency(row.sender_id)),
            ("Til", _not_told(masked) if masked else row.recipient_id and self.agency(row.recipient_id)),
            ("Ansvarlig nu", self.agency(row.responsible_id)),
            ("Formål", row.purpose and self.code("purposes", row.purpose)),
            ("Hjemmel", basis and f"{self.basis(basis)} ({basis.code})"),
            ("Hvordan det begyndte", self.code("channels", row.channel)),
            ("Hvor hurtigt", self.code("urgencies", row.urgency)),
            ("Myndighedens sagsnummer", row.external_reference),
            ("Oprettet", danish.moment(row.created_at)),
            ("Sendt", row.submitted_at and danish.moment(row.submitted_at)),
            ("Senest ændret", danish.moment(row.updated_at)),
            ("Ikke vist her", self.codes("categories", told.withheld)),
        )
        begun = row.submitted_at or row.created_at
        to = f"Henvisning til {self.agency(row.recipient_id)}" if row.recipient_id else "Kladde til en henvisning"
        to = "Henvisning" if masked else to
        return {
            "title": f"{to}, {danish.day(begun)}",
            "facts": facts,
            "shown": insight_words.SHOWN[told.shown].da,
            "sections": [
                {"title": self.code("categories", name), "fields": self.fields(content)}
                for name, content in told.content.sections.items()
            ],
            "said": [self.message(said) for said in told.content.messages],
            "amended": [self.amendment(each) for each in told.content.amendments],
            "files": [
                [self.code("categories", file.category), file.media_type, danish.moment(file.created_at)]
                for file in told.files
            ],
        }

    def fields(self, content: Any) -> list[list[Any]]:
        told = danish.fields(content, self.code)
        home = content.get("municipality_of_residence") if isinstance(content, dict) else None
        named = self.report.municipalities.get(home) if home else None
        label = danish.FIELDS["municipality_of_residence"]
        return [[name, named if name == label and named else text] for name, text in told]

    def message(self, said: dict[str, Any]) -> dict[str, str]:
        by = self.agency(UUID(said["from"])) if "from" in said else NONE
        return {
            "head": f"{danish.MESSAGES.get(said['kind'], said['kind'])} fra {by}, {_moment(said['at'])}",
            "about": self.code("categories", said["category"]),
            "text": said.get("text") or self.code("reasons", said.get("reason", "")),
        }

    def amendment(self, each: dict[str, Any]) -> dict[str, Any]:
        return {
            "head": f"{self.code('categories', each['category'])}, rettet {_moment(each['at'])}",
            "why": " ".join(filter(None, [f"{self.code('reasons', each['reason'])}.", each.get("comment")])),
            "old": self.fields(each["old"]) if each["old"] is not None else [],
            "new": self.fields(each["new"]),
        }

    def consent(self, told: ConsentTold) -> dict[str, Any]:
        row = told.consent
        return {
            "title": f"{self.code('consent-kinds', row.kind)}, {danish.day(row.registered_at)}",
            "facts": _pairs(
                ("Nummer", row.id),
                ("Gælder nu", insight_words.CONSENT_STATES[told.state].da),
                ("Udløber", told.expires_at and danish.moment(told.expires_at)),
                ("Givet af", danish.GIVEN_BY.get(row.given_by, row.given_by)),
                ("Må gives til", ", ".join(self.agency(recipient) for recipient in row.recipients)),
                ("Formål", self.codes("purposes", row.purposes)),
                ("Oplysninger", self.codes("categories", row.categories)),
                ("Udfaldet må fortælles tilbage", danish.YES if row.report_back else danish.NO),
                ("Registreret af", self.agency(row.registered_by_id)),
            ),
            "events": [
                [
                    insight_words.CONSENT_STATES[event.kind].da,
                    danish.moment(event.at),
                    danish.moment(event.registered_at),
                ]
                for event in told.events
            ],
        }

    def recipient(self, group: Group) -> list[str]:
        return [
            self.agency(group.agency),
            self.code("purposes", group.purpose),
            self.basis(group.basis),
            self.codes("categories", group.categories),
            _period(group),
        ]

    def group(self, group: Group) -> list[str]:
        return [
            self.agency(group.agency),
            self.code("purposes", group.purpose),
            self.codes("categories", group.categories) or LISTED_ONLY,
            str(group.times),
            _period(group),
        ]

    def look(self, look: Look) -> list[str]:
        return [
            danish.moment(look.at),
            self.agency(look.agency),
            insight_words.action(look.action).da,
            self.code("purposes", look.purpose),
            self.codes("categories", look.categories) or NONE,
            self.basis(look.basis),
            *([look.staff or NONE] if self.report.own_staff else []),
        ]


def _pairs(*pairs: tuple[str, object]) -> list[list[str]]:
    """Return what there is to say: a name without a text is left out."""
    return [[name, str(text)] for name, text in pairs if text]


def _not_told(withheld: Withheld) -> str:
    statute = insight_words.GROUNDS[withheld.ground][1]
    return f"{insight_words.NOT_TOLD_NOW.da} ({statute}; vurderes igen senest {danish.day(withheld.review_by)})"


def _moment(text: str) -> str:
    return danish.moment(datetime.fromisoformat(text))


def _period(group: Group) -> str:
    days: Iterable[str] = dict.fromkeys([danish.day(group.first_at), danish.day(group.last_at)])
    return " – ".join(days)
