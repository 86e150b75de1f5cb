"""
The words of an access report, in Danish and English: what was done, why something is withheld, and what the person can
do about it. Words of code lists are not here; they are data.
"""

from agencies.models import Kind
from api_schema.words import Words

ACTIONS: dict[str, Words] = {
    "referral.create": Words("Oprettede en kladde til en henvisning", "Made a draft of a referral"),
    "referral.submit": Words("Sendte henvisningen", "Sent the referral"),
    "referral.replay": Words("Sendte den samme henvisning igen", "Sent the same referral again"),
    "referral.edit": Words("Rettede i kladden", "Edited the draft"),
    "referral.batch": Words("Sendte flere henvisninger på én gang", "Sent several referrals at once"),
    "referral.disclose": Words("Læste henvisningen", "Read the referral"),
    "referral.messages": Words("Læste spørgsmål og svar", "Read questions and answers"),
    "referral.amendments": Words("Læste, hvad der er rettet", "Read what was corrected"),
    "referral.attachments": Words("Så listen over filer", "Saw the list of files"),
    "referral.attach": Words("Lagde en fil ved henvisningen", "Added a file to the referral"),
    "referral.attachment": Words("Hentede en fil", "Fetched a file"),
    "referral.list": Words("Så henvisningen på en liste", "Saw the referral on a list"),
    "referral.search": Words("Fandt henvisningen ved en søgning", "Found the referral by a search"),
    "referral.timeline": Words("Så henvisningens forløb", "Saw the course of the referral"),
    "referral.disclosures": Words("Så, hvem der har set henvisningen", "Saw who had seen the referral"),
    "referral.receive": Words("Kvitterede for modtagelsen", "Acknowledged the referral"),
    "referral.request_info": Words("Bad om flere oplysninger", "Asked for more information"),
    "referral.answer_info": Words("Svarede på et spørgsmål", "Answered a question"),
    "referral.decline_info": Words("Afslog at give flere oplysninger", "Declined to give more information"),
    "referral.accept": Words("Tog imod henvisningen", "Accepted the referral"),
    "referral.reject": Words("Afviste henvisningen", "Rejected the referral"),
    "referral.redirect": Words("Henviste videre til en anden", "Redirected the referral to another"),
    "referral.screen": Words("Oplyste politiets afklaring", "Told the result of the police's screening"),
    "referral.amend": Words("Rettede en oplysning, med begrundelse", "Corrected something, with a reason"),
    "referral.assign": Words("Fordelte henvisningen til en medarbejder", "Assigned the referral to a member of staff"),
    "referral.start": Words("Begyndte arbejdet", "Began the work"),
    "referral.hold": Words("Satte arbejdet i bero", "Put the work on hold"),
    "referral.resume": Words("Genoptog arbejdet", "Resumed the work"),
    "referral.complete": Words("Afsluttede forløbet som gennemført", "Completed the work"),
    "referral.close": Words("Afsluttede forløbet", "Closed the work"),
    "referral.take_over": Words("Politiet overtog sagen", "The police took the case over"),
    "referral.withdraw": Words("Trak henvisningen tilbage", "Withdrew the referral"),
    "referral.mark_in_error": Words("Markerede henvisningen som en fejl", "Marked the referral as an error"),
    "referral.remind": Words("Mindede om en frist", "Reminded of a deadline"),
    "referral.stop_on_consent": Words(
        "Standsede henvisningen, fordi samtykket var udløbet", "Stopped the referral, as the consent had expired"
    ),
    "referral.escalate": Words("Gjorde opmærksom på, at en frist var overskredet", "Said that a deadline had passed"),
    "referral.expire": Words("Henvisningen udløb", "The referral expired"),
    "task.remind": Words("Mindede om en frist", "Reminded of a deadline"),
    "task.escalate": Words("Gjorde opmærksom på, at en frist var overskredet", "Said that a deadline had passed"),
    "consent.record": Words("Registrerede samtykket", "Recorded the consent"),
    "consent.replay": Words("Sendte det samme samtykke igen", "Sent the same consent again"),
    "consent.read": Words("Læste samtykket", "Read the consent"),
    "consent.list": Words("Så samtykket på en liste", "Saw the consent on a list"),
    "consent.receipt": Words("Hentede kvitteringen for samtykket", "Fetched the receipt of the consent"),
    "consent.withdraw": Words("Registrerede, at samtykket blev trukket", "Recorded that the consent was withdrawn"),
    "consent.renew": Words("Registrerede, at samtykket blev fornyet", "Recorded that the consent was renewed"),
    "subject.read": Words("Så, hvordan personen er registreret", "Saw how the person is registered"),
    "subject.access-report": Words("Lavede en indsigtsrapport", "Made an access report"),
    "audit.inspect": Words("Undersøgte loggen", "Inspected the log"),
}
"""Each action of the ledger that can be about a person, as it is told to them."""

OTHER_ACTIONS: dict[str, Words] = {
    "referral": Words("Behandlede henvisningen", "Handled the referral"),
    "consent": Words("Behandlede samtykket", "Handled the consent"),
    "task": Words("Behandlede en underretning", "Handled a notification"),
    "break-glass": Words("Brugte eller efterså nødadgang", "Used or reviewed emergency access"),
    "subject": Words("Behandlede registreringen af personen", "Handled how the person is registered"),
}
ANY_ACTION = Words("Behandlede oplysninger om personen", "Handled data about the person")

NOT_TOLD_NOW = Words("Oplyses ikke nu", "Not told now")
"""Stands where the report would name an agency that is withheld, or a status that would tell it."""
THE_EXCHANGE = Words("Udvej (automatisk)", "Udvej (automatic)")
"""Who acts where no agency does."""

GROUNDS: dict[str, tuple[Words, str]] = {
    "dbl_22_1": (
        Words(
            "Din interesse i oplysningen viger for afgørende hensyn til private interesser, herunder til dig selv.",
            "Your interest in the information gives way to decisive private interests, your own included.",
        ),
        "Databeskyttelsesloven § 22, stk. 1",
    ),
    "dbl_22_2": (
        Words(
            "Din interesse i oplysningen viger for afgørende hensyn til offentlige interesser, "
            "for eksempel statens sikkerhed eller forebyggelse af forbrydelser.",
            "Your interest in the information gives way to decisive public interests, "
            "such as the security of the state or the prevention of crime.",
        ),
        "Databeskyttelsesloven § 22, stk. 2",
    ),
    "rhl_16": (
        Words(
            "Din interesse i oplysningen viger for hensynet til politiets opgaver eller til andres rettigheder.",
            "Your interest in the information gives way to the tasks of the police or to the rights of others.",
        ),
        "Retshåndhævelsesloven § 16",
    ),
}
"""Each ground on which something may be withheld: in words, and its statute."""

CONSENT_STATES: dict[str, Words] = {
    "requested": Words("Der er spurgt om samtykke", "Consent was asked for"),
    "given": Words("Givet", "Given"),
    "refused": Words("Afslået", "Refused"),
    "renewed": Words("Fornyet", "Renewed"),
    "withdrawn": Words("Trukket tilbage", "Withdrawn"),
    "revoked": Words("Tilbagekaldt af en anden", "Revoked by another"),
    "invalidated": Words("Ikke gyldigt", "Not valid"),
    "expired": Words("Udløbet", "Expired"),
}
SHOWN: dict[str, Words] = {
    "shown": Words("Indholdet er vist her.", "The content is shown here."),
    "erased": Words(
        "Indholdet er destrueret og kan ikke læses af nogen.", "The content was destroyed; nobody can read it."
    ),
    "entered_in_error": Words(
        "Henvisningen var en fejl. Indholdet er forseglet og vises ikke for nogen i Udvej.",
        "The referral was an error. Its content is sealed and shown to nobody in Udvej.",
    ),
    "taken_over_by_police": Words(
        "Politiet har overtaget sagen. Indholdet vises ikke længere for myndigheden her; spørg politiet.",
        "The police have taken the case over. This agency is shown the content no longer; ask the police.",
    ),
    "not_told_now": NOT_TOLD_NOW,
}
NOT_LISTED = Words(
    "Forsøg på at se oplysninger, som blev afvist, viste ingenting og er ikke med. De er registreret i loggen.",
    "Attempts to see data that were refused showed nothing and are not listed. They are recorded in the log.",
)
STAFF_MASKED = Words(
    "Medarbejderne er ikke nævnt. Bed om det, hvis du har brug for det for at bruge dine rettigheder.",
    "Members of staff are not named. Ask if you need that in order to use your rights.",
)
SOURCES = Words(
    "Oplysningerne i henvisningerne er skrevet af myndigheden selv, efter hvad du og andre har fortalt. "
    "Spørgsmål, svar og udfald kan være skrevet af den, henvisningen blev sendt til.",
    "The content of the referrals was written by the agency itself, from what you and others told it. "
    "Questions, answers and outcomes may be written by the agency the referral was sent to.",
)
RETENTION = Words(
    "Oplysninger, som en offentlig myndighed har, slettes kun efter en regel om kassation. Indhold destrueres ved at "
    "nøglen til det destrueres; loggen over, hvem der har set hvad, bliver stående uden indhold.",
    "What a public authority holds is deleted only under a disposal rule. Content is destroyed by destroying the key "
    "to it; the log of who saw what stays, without content.",
)
AUTOMATED = Words(
    "Der træffes ingen automatiske afgørelser om dig, og der laves ingen profil.",
    "No automated decisions are made about you, and no profile is made.",
)
RIGHTS: tuple[Words, ...] = (
    Words("Du kan bede om at få forkerte oplysninger rettet.", "You can ask to have wrong data corrected."),
    Words(
        "Du kan bede om at få oplysninger slettet eller behandlingen begrænset.",
        "You can ask to have data erased, or their use restricted.",
    ),
    Words("Du kan gøre indsigelse mod behandlingen.", "You can object to the use of your data."),
    Words(
        "Du kan altid trække et samtykke tilbage. Det ændrer ikke det, der allerede er sket.",
        "You can withdraw a consent at any time. That does not change what has already happened.",
    ),
)
COMPLAINT = Words(
    "Du kan klage til Datatilsynet (datatilsynet.dk), Carl Jacobsens Vej 35, 2500 Valby, telefon 33 19 32 00. "
    "Du kan også klage over, at noget er tilbageholdt.",
    "You can complain to Datatilsynet, the Danish data protection agency (datatilsynet.dk): Carl Jacobsens Vej 35, "
    "2500 Valby, telephone +45 33 19 32 00. You can also complain that something is withheld.",
)
LAW = Words(
    "Rapporten er lavet efter databeskyttelsesforordningen, artikel 15.",
    "This report is made under article 15 of the General Data Protection Regulation.",
)
LAW_OF_POLICE = Words(
    "Rapporten er lavet efter retshåndhævelsesloven, kapitel 4-5.",
    "This report is made under the Danish Law Enforcement Act, chapters 4-5.",
)


def action(code: str) -> Words:
    """Return what was done, as it is told to a person."""
    return ACTIONS.get(code) or OTHER_ACTIONS.get(code.partition(".")[0]) or ANY_ACTION


def law(kind: str) -> Words:
    """Return under which law an agency of this kind gives access."""
    return LAW_OF_POLICE if kind == Kind.POLICE_PREVENTION else LAW
