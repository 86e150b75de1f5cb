"""Why an asker is refused before the matter itself is looked at. Each is recorded, and each is a documented problem."""

from api_schema.problems import Conflict, Forbidden, Invalid, Malformed, NotFound, Problem, Stale
from api_schema.words import Words
from audit.facts import Refusal


class NotThere(Refusal, NotFound):
    """Not there, or not theirs: the same refusal, and the same answer to the byte (rule 13)."""

    code = "not-found"


class ScopeMissing(Refusal, Forbidden):
    code = "scope-missing"
    title = Words("Tokenet har ikke det scope, der kræves", "The token lacks the scope that is needed")
    detail = Words("Handlingen kræver scope {scope}.", "The action needs the scope {scope}.")


class RoleMayNot(Refusal, Forbidden):
    code = "role-may-not"
    title = Words("Det må rollen ikke", "The role may not do this")
    detail = Words("Handlingen er for rollerne: {roles}.", "The action is for the roles: {roles}.")


class OnBehalfOfUnknown(Refusal, Forbidden):
    code = "on-behalf-of-unknown"
    title = Words("Personen kendes ikke i din myndighed", "The person is not known in your agency")
    detail = Words(
        "On-Behalf-Of skal være din egen myndigheds id på en aktiv medarbejder.",
        "On-Behalf-Of must be your own agency's id of an active member of staff.",
    )


class OnBehalfOfRequired(Refusal, Problem):
    status = 400
    code = "on-behalf-of-required"
    title = Words("On-Behalf-Of mangler", "On-Behalf-Of is missing")
    detail = Words(
        "Personoplysninger flyttes kun på vegne af en navngiven medarbejder: send On-Behalf-Of.",
        "Personal data moves only on behalf of a named member of staff: send On-Behalf-Of.",
    )


class PurposeForbidden(Refusal, Forbidden):
    code = "purpose-forbidden"
    title = Words("Formålet er ikke tilladt", "The purpose is not allowed")
    detail = Words(
        "Oplysninger herfra må ikke bruges til efterforskning (retsplejeloven § 115, stk. 2). Forsøget er registreret.",
        "Nothing here may be used for investigation (Administration of Justice Act § 115(2)). The attempt is recorded.",
    )


class PurposeNotAllowed(Refusal, Forbidden):
    code = "purpose-not-allowed"
    title = Words("Formålet er ikke dækket", "The purpose is not covered")
    detail = Words(
        "Hverken din rolle, hjemlen eller samtykket tillader dette formål. Forsøget er registreret.",
        "Neither your role, the legal basis nor the consent allows this purpose. The attempt is recorded.",
    )


class PurposeMissing(Malformed):
    code = "purpose-missing"
    title = Words("Formålet mangler eller kendes ikke", "The purpose is missing or not known")


class NotAnApprover(Refusal, Forbidden):
    code = "not-an-approver"
    title = Words("Andre skal godkende det", "It is for others to approve")
    detail = Words(
        "To administratorer i tilsynet godkender, og ingen af dem er den, der har oprettet dokumentationen. "
        "Forsøget er registreret.",
        "Two administrators of the oversight body approve, neither of them the one who made the claim. "
        "The attempt is recorded.",
    )


class ClaimStands(Refusal, Conflict):
    code = "claim-stands"
    title = Words("Der er allerede en dokumentation", "There is a claim already")
    detail = Words(
        "Myndigheden har én ad gangen. Træk den gamle tilbage, før en ny oprettes.",
        "An agency has one claim at a time. Withdraw the old one before you make another.",
    )


class ClaimWithdrawn(Refusal, Conflict):
    code = "claim-withdrawn"
    title = Words("Dokumentationen er trukket tilbage", "The claim is withdrawn")
    detail = Words(
        "Den godkendes ikke mere. Opret en ny, hvis der er grundlag for det.",
        "It is approved no more. Make another where there is ground for it.",
    )


class KeyReused(Refusal, Invalid):
    code = "idempotency-key-reused"
    title = Words("Idempotency-Key er brugt til noget andet", "The Idempotency-Key was used for something else")
    detail = Words(
        "Samme nøgle med en anden krop. Brug en ny nøgle for hver ting, du opretter.",
        "The same key with another body. Use a new key for each thing you create.",
    )


class ContactChanged(Refusal, Stale):
    code = "stale-version"


class PersonalMailbox(Refusal, Invalid):
    code = "invalid"
