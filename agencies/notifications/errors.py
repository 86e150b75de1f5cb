"""Why something about webhook endpoints is refused. Each is recorded, and each is a documented problem."""

from api_schema.problems import Conflict, Invalid
from api_schema.words import Words
from audit.facts import Refusal

NOT_CALLABLE = {
    "not_a_url": Words(
        "Skriv en hel adresse uden brugernavn og fragment, højst 1000 tegn.",
        "Give a whole address without user name and fragment, 1000 characters at most.",
    ),
    "not_https": Words("Adressen skal begynde med https://.", "The address must begin with https://."),
    "not_a_name": Words("Brug et domænenavn, ikke en IP-adresse.", "Use a domain name, not an IP address."),
    "not_a_port": Words("Porten skal være 443 eller 8443.", "The port must be 443 or 8443."),
    "not_public": Words(
        "Navnet skal kunne slås op, og kun føre til offentlige adresser.",
        "The name must resolve, and lead to public addresses only.",
    ),
}


class EndpointNotValid(Refusal, Invalid):
    code = "endpoint-not-valid"
    title = Words("Adressen kan ikke bruges", "The address can't be used")
    detail = Words("Hvad der er i vejen, står i errors.", "What is wrong stands in errors.")


class TooManyEndpoints(Refusal, Conflict):
    code = "too-many-endpoints"
    title = Words("Der er for mange adresser", "There are too many endpoints")
    detail = Words(
        "En myndighed kan have ti ad gangen. Fjern en, før du opretter en ny.",
        "An agency has ten at a time. Remove one before you register another.",
    )


class EndpointIsDisabled(Refusal, Conflict):
    code = "endpoint-is-disabled"
    title = Words("Adressen kaldes ikke", "The endpoint is not called")
    detail = Words("Slå den til først: POST …/enable.", "Enable it first: POST …/enable.")


class NothingToReplay(Refusal, Conflict):
    code = "delivery-waits"
    title = Words("Leveringen venter stadig", "The delivery still waits")
    detail = Words(
        "Den bliver forsøgt igen af sig selv. Gentag den, når den er endt.",
        "It is tried again by itself. Replay it once it has ended.",
    )
