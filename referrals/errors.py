"""Why an act on a referral is refused. Each is recorded in the ledger, and each is a documented problem."""

from collections.abc import Collection

from api_schema.problems import Conflict, Forbidden, Invalid, NotFound, Problem, Stale
from api_schema.words import Words
from audit.errors import NoCheckpoint
from audit.facts import Refusal
from consent.records import AGE_WORDS


class ReferralNotFound(Refusal, NotFound):
    """Not there, or not theirs: the same refusal, and the same answer to the byte (rule 13)."""

    code = "not-found"


class SubjectNotFound(Refusal, NotFound):
    """No such person at this agency, whoever else may know them: the same refusal as for a referral."""

    code = "not-found"


class StaleVersion(Refusal, Stale):
    code = "stale-version"


class MoveNotAllowed(Refusal, Conflict):
    code = "move-not-allowed"
    title = Words("Det skridt er ikke muligt nu", "That step is not possible now")
    detail = Words(
        "Henvisningens tilstand eller din rolle tillader det ikke. allowed_actions nævner de skridt, du kan tage nu.",
        "The referral's state or your role does not allow it. allowed_actions names the steps you may take now.",
    )

    def __init__(self, allowed: Collection[str]) -> None:
        super().__init__(extra={"allowed_actions": list(allowed)})


class OnlyDraftsChange(Refusal, Conflict):
    code = "only-drafts-change"
    title = Words("Kun en kladde kan rettes", "Only a draft can be edited")
    detail = Words(
        "Efter afsendelsen er en rettelse en tilføjelse med gammelt, nyt og begrundelse.",
        "After submission a correction is an amendment with old, new and reason.",
    )

    def __init__(self, allowed: Collection[str]) -> None:
        super().__init__(extra={"allowed_actions": list(allowed)})


class NotCovered(Refusal, Invalid):
    code = "not-covered"
    title = Words("Hjemlen dækker ikke videregivelsen", "The legal basis does not cover the disclosure")
    detail = Words(
        "Se errors: hvad der mangler, eller hvad hjemlen eller samtykket ikke omfatter. Intet er afsendt.",
        "See errors: what is missing, or which sections the basis or consent does not reach. Nothing was sent.",
    )


class NotComplete(Refusal, Invalid):
    code = "not-complete"
    title = Words(
        "Henvisningen mangler noget, før den kan sendes", "The referral lacks something before it can be sent"
    )


class ReasonNotValid(Refusal, Invalid):
    code = "reason-not-valid"
    title = Words("Begrundelsen kan ikke bruges", "The reason cannot be used")


class UnknownHere(Refusal, Invalid):
    """Something the body refers to is not there for this agency; whether it exists for another is not said."""

    code = "unknown-reference"
    title = Words(
        "Forespørgslen peger på noget, der ikke findes for dig", "The request refers to something not there for you"
    )


class ReferenceTaken(Refusal, Conflict):
    code = "external-reference-taken"
    title = Words("Referencen er allerede brugt", "The reference is already in use")
    detail = Words(
        "En af dine egne henvisninger har samme external_reference. Søg den frem, eller vælg en anden.",
        "One of your own referrals has the same external_reference. Look it up, or choose another.",
    )


COVERAGE_WORDS: dict[str, Words] = {
    "no_basis": Words("Angiv en hjemmel i basis.code.", "Name a legal basis in basis.code."),
    "basis_not_for_this": Words(
        "Hjemlen bærer ikke en henvisning; ANON gør det kun for en anonym person.",
        "The basis does not carry a referral; ANON does so for an anonymous person alone.",
    ),
    "basis_not_valid_that_day": Words("Hjemlen gælder ikke i dag.", "The basis is not valid today."),
    "basis_not_for_sender": Words(
        "Hjemlen er ikke for din slags myndighed.", "The basis is not for your kind of agency."
    ),
    "basis_not_for_recipient": Words("Hjemlen rækker ikke til modtageren.", "The basis does not reach the recipient."),
    "basis_not_for_age": Words(
        "Hjemlen gælder ikke for personens alder, eller fødselsåret mangler.",
        "The basis does not hold for the person's age, or the birth year is missing.",
    ),
    "basis_not_for_purpose": Words("Hjemlen tillader ikke formålet.", "The basis does not allow the purpose."),
    "necessity_statement_missing": Words(
        "Hjemlen kræver en nødvendighedsvurdering i basis.necessity_statement.",
        "The basis needs a necessity statement in basis.necessity_statement.",
    ),
    "sender_not_self_governing": Words(
        "Afsenderen er ikke godkendt som selvejende institution (retsplejeloven § 115, stk. 3).",
        "The sender is not approved as a self-governing institution (Administration of Justice Act § 115(3)).",
    ),
    "recipient_not_self_governing": Words(
        "Modtageren er ikke godkendt som selvejende institution (retsplejeloven § 115, stk. 3).",
        "The recipient is not approved as a self-governing institution (Administration of Justice Act § 115(3)).",
    ),
    "consent_missing": Words("Hjemlen kræver et samtykke.", "The basis needs a consent."),
    "consent_of_wrong_kind": Words("Samtykket er af en anden slags.", "The consent is of another kind."),
    "consent_not_for_recipient": Words("Samtykket nævner ikke modtageren.", "The consent does not name the recipient."),
    "consent_not_for_purpose": Words("Samtykket nævner ikke formålet.", "The consent does not name the purpose."),
}
COVERAGE_WORDS |= {code: words for code, (_, words) in AGE_WORDS.items()}
CONSENT_DOES_NOT_STAND = Words("Samtykket gælder ikke nu.", "The consent does not stand now.")
SECTION_NOT_COVERED = Words(
    "Hjemlen eller samtykket omfatter ikke denne sektion.", "The basis or consent does not reach this section."
)


class ExportNotFound(Refusal, NotFound):
    """No such export of the auditor's own agency."""

    code = "not-found"


class CheckpointUnknown(Refusal, NoCheckpoint):
    """The log has no checkpoint yet, or none of the size that the auditor says to have kept."""

    code = "no-checkpoint"


class ExportTooLarge(Refusal, Problem):
    code = "export-too-large"
    status = 422
    title = Words("Udtrækket er for stort", "The export is too large")
    detail = Words(
        "Spørgsmålet finder mere end {most} indførsler. Del det op i tidsrum med since og until, eller bed driften om "
        "hele loggen.",
        "The question finds more than {most} entries. Ask in parts with since and until, or ask operations for the "
        "whole log.",
    )


class CaseNeeded(Refusal, Forbidden):
    code = "audit-case-needed"
    title = Words("Opslag i loggen kræver en sag", "Looking into the ledger needs a case")
    detail = Words(
        "Send Audit-Case med et sagsnummer, eller Audit-Reason med en af: {reasons}.",
        "Send Audit-Case with a case number, or Audit-Reason with one of: {reasons}.",
    )
