"""Why an act on a task or on broken glass is refused. Each is recorded, and each is a documented problem."""

from api_schema.problems import Conflict, Forbidden, NotFound
from api_schema.words import Words
from audit.facts import Refusal


class TaskNotFound(Refusal, NotFound):
    """Not there, or not theirs: the same answer to the byte (rule 13)."""

    code = "not-found"


class TaskNotOpen(Refusal, Conflict):
    code = "task-not-open"
    title = Words("Opgaven er ikke åben", "The task is not open")
    detail = Words(
        "Den er løst, eller den løses ved at gennemgå nødadgangen, som den peger på.",
        "It is done, or it is done by reviewing the broken glass that it points to.",
    )


class NotNotifiable(Refusal, Conflict):
    code = "not-notifiable"
    title = Words("Der kan ikke underrettes herfra", "No notification can be made from here")
    detail = Words(
        "Henvisningen er en kladde, oprettet ved en fejl eller slettet. Underret kommunen ad dens egen kanal.",
        "The referral is a draft, made in error or erased. Notify the municipality by its own channel.",
    )


class GlassNotFound(Refusal, NotFound):
    """Not there, or not theirs: the same answer to the byte (rule 13)."""

    code = "not-found"


class ReviewedByAnother(Refusal, Forbidden):
    code = "reviewed-by-another"
    title = Words("Nødadgangen gennemgås af en anden", "The broken glass is reviewed by another")
    detail = Words(
        "En koordinator i den myndighed, der havde ansvaret, eller en auditor; aldrig den, der brugte nødadgangen.",
        "A coordinator of the agency that was responsible, or an auditor; never whoever broke the glass.",
    )


class AlreadyReviewed(Refusal, Conflict):
    code = "already-reviewed"
    title = Words("Nødadgangen er gennemgået", "The broken glass is reviewed")
    detail = Words("En gennemgang står ved magt.", "A review stands as it is.")
