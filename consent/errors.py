"""Why an act on a consent is refused."""

from api_schema.problems import Conflict, Invalid, NotFound, Stale
from api_schema.words import Words
from audit.facts import Refusal


class Unsealable(Exception):  # noqa: N818 - names what the content is
    """Sealed content that this key does not open, or that belongs elsewhere: destroyed, moved or altered."""


class KeyDestroyed(Unsealable, Refusal, Conflict):
    """The person's key is gone, as after an erasure: what was sealed under it opens nowhere, and nothing is added."""

    code = "key-destroyed"
    title = Words("Personens nøgle er destrueret", "The person's key is destroyed")
    detail = Words(
        "Indholdet kan hverken læses eller føjes til. Opret personen på ny, hvis der er grundlag for en ny sag.",
        "The content can neither be read nor added to. Register the person anew if there are grounds for a new case.",
    )


class ConsentNotFound(Refusal, NotFound):
    code = "not-found"


class StaleConsent(Refusal, Stale):
    code = "stale-version"


class ConsentNotValid(Refusal, Invalid):
    code = "consent-not-valid"
    title = Words("Samtykket kan ikke registreres sådan", "The consent cannot be recorded like this")


class ConsentEnded(Refusal, Conflict):
    code = "consent-ended"
    title = Words("Samtykket er ophørt", "The consent has ended")
    detail = Words(
        "Et trukket eller afvist samtykke fornyes ikke. Registrér et nyt, hvis personen ønsker det.",
        "A withdrawn or refused consent is not renewed. Record a new one if the person wishes it.",
    )


class ConsentMoveNotAllowed(Refusal, Conflict):
    code = "consent-move-not-allowed"
    title = Words("Det kan ikke ske med samtykket nu", "This cannot happen to the consent now")
    detail = Words(
        "Et samtykke gives eller afvises én gang, når der er spurgt. Se allowed_actions.",
        "A consent is given or refused once, after it was asked for. See allowed_actions.",
    )


class KeyReused(Refusal, Invalid):
    code = "idempotency-key-reused"
    title = Words("Idempotency-Key er brugt til noget andet", "The Idempotency-Key was used for something else")
    detail = Words(
        "Samme nøgle med en anden krop. Brug en ny nøgle for hver ting, du opretter.",
        "The same key with another body. Use a new key for each thing you create.",
    )
