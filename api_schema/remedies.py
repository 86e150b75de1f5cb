"""
Why each problem arises, and what to do about it: the words of its docs page (`problem_page`).

A problem says at once what is wrong and what would be right; here stands what a developer wants to know who meets it
for the first time. A problem without words here fails a test.
"""

from dataclasses import dataclass

from api_schema.words import Words


@dataclass(frozen=True, slots=True)
class Remedy:
    """Why a problem arises, and what to do about it."""

    cause: Words
    cure: Words


def _said(cause_da: str, cause_en: str, cure_da: str, cure_en: str) -> Remedy:
    return Remedy(Words(cause_da, cause_en), Words(cure_da, cure_en))


REMEDIES: dict[str, Remedy] = {
    # --- The request as such
    "malformed": _said(
        "Forespørgslen kan ikke læses: kroppen er ikke JSON, en header har en anden form end den skal, eller en "
        "forespørgselsparameter er ukendt, tom eller forkert.",
        "The request can't be read: the body is not JSON, a header has another form than it should, or a query "
        "parameter is unknown, empty or wrong.",
        "detail siger hvad. Ret koden; den samme forespørgsel bliver aldrig rigtig. En cursor hører til netop den "
        "liste og den myndighed, den blev givet til.",
        "detail says what. Change the code; the same request never becomes right. A cursor belongs to just the list "
        "and the agency that it was given to.",
    ),
    "method-not-allowed": _said(
        "Adressen findes, men ikke med den metode.",
        "The address is there, but not with that method.",
        "Se headeren Allow, og kontrakten på /api/docs.",
        "See the Allow header, and the contract at /api/docs.",
    ),
    "not-acceptable": _said(
        "Accept nævner kun medietyper, som adressen ikke svarer med.",
        "Accept names only media types that the address does not answer with.",
        "Send Accept: application/json, eller udelad headeren.",
        "Send Accept: application/json, or leave the header out.",
    ),
    "too-large": _said(
        "Kroppen fylder mere end 8 MiB.",
        "The body is larger than 8 MiB.",
        "Del en batch i flere; hver får sin egen Idempotency-Key.",
        "Split a batch into several; each gets an Idempotency-Key of its own.",
    ),
    "unsupported-media-type": _said(
        "Kroppen er ikke JSON i UTF-8, eller den er komprimeret.",
        "The body is not JSON in UTF-8, or it is compressed.",
        "Send Content-Type: application/json uden Content-Encoding.",
        "Send Content-Type: application/json without Content-Encoding.",
    ),
    "invalid": _said(
        "Kroppen er JSON, men et eller flere felter er forkerte, mangler eller kendes ikke.",
        "The body is JSON, but one or more members are wrong, missing or not known.",
        "errors nævner hvert felt ved sin JSON-pointer, med en kode og en sætning om, hvad der ville være rigtigt.",
        "errors names each member by its JSON pointer, with a code and a sentence on what would be right.",
    ),
    # --- Who asks
    "unauthenticated": _said(
        "Der er intet token, eller det er udløbet, ukendt, spærret eller udstedt til et andet API.",
        "There is no token, or it has expired, is unknown, was barred, or was issued for another API.",
        "Hent et nyt på POST /oauth/token; det lever ti minutter. Bliver det ved, er klienten spærret: spørg driften.",
        "Get another at POST /oauth/token; it lives ten minutes. If it goes on, the client is barred: ask operations.",
    ),
    "forbidden": _said(
        "Rollen eller scopet rækker ikke.",
        "The role or the scope does not reach that far.",
        "Lad en kollega med rollen gøre det. At prøve igen hjælper ikke.",
        "Let a colleague with the role do it. Trying again does not help.",
    ),
    "scope-missing": _said(
        "Tokenet blev udstedt uden det scope, som handlingen kræver.",
        "The token was issued without the scope that the action needs.",
        "Bed om et token med scopet; har klienten det ikke, så bed driften om det.",
        "Ask for a token with the scope; where the client does not have it, ask operations.",
    ),
    "role-may-not": _said(
        "Personen i On-Behalf-Of har en rolle, der ikke må det her.",
        "The person in On-Behalf-Of has a role that may not do this.",
        "detail nævner de roller, der må. Gør det på vegne af en, der har en af dem.",
        "detail names the roles that may. Do it on behalf of somebody who has one of them.",
    ),
    "on-behalf-of-required": _said(
        "Personoplysninger flyttes, og forespørgslen siger ikke på hvis vegne.",
        "Personal data moves, and the request does not say on whose behalf.",
        "Send On-Behalf-Of med din myndigheds eget id på medarbejderen.",
        "Send On-Behalf-Of with your agency's own id of the member of staff.",
    ),
    "on-behalf-of-unknown": _said(
        "On-Behalf-Of nævner ingen aktiv medarbejder i tokenets egen myndighed.",
        "On-Behalf-Of names no active member of staff of the token's own agency.",
        "Ret id'et, eller få medarbejderen oprettet eller genåbnet af myndighedens administrator.",
        "Correct the id, or have the member created or reopened by the agency's administrator.",
    ),
    "purpose-missing": _said(
        "Rollen har flere formål, og headeren Purpose mangler, eller dens kode kendes ikke.",
        "The role has several purposes, and the Purpose header is missing or its code is not known.",
        "Send Purpose med en kode fra /api/v1/code-lists/purposes.",
        "Send Purpose with a code of /api/v1/code-lists/purposes.",
    ),
    "purpose-forbidden": _said(
        "Purpose er investigation. Intet herfra må bruges til efterforskning (retsplejeloven § 115, stk. 2).",
        "Purpose is investigation. Nothing here may be used for it (Administration of Justice Act § 115(2)).",
        "Der er ingen vej udenom. Forsøget er registreret.",
        "There is no way around. The attempt is recorded.",
    ),
    "purpose-not-allowed": _said(
        "Rollen, hjemlen eller samtykket tillader ikke formålet.",
        "The role, the legal basis or the consent does not allow the purpose.",
        "Brug et formål, som alle tre tillader, eller få et samtykke, der nævner det.",
        "Use a purpose that all three allow, or obtain a consent that names it.",
    ),
    "audit-case-needed": _said(
        "Et opslag i loggen siger ikke, hvilken sag det hører til.",
        "A look into the ledger does not say which case it belongs to.",
        "Send Audit-Case med sagens nummer, eller Audit-Reason med en af de koder, som detail nævner.",
        "Send Audit-Case with the case's number, or Audit-Reason with one of the codes that detail names.",
    ),
    "not-found": _said(
        "Ressourcen findes ikke, eller den er ikke for dig. Svaret er det samme, så ingen kan lære, hvad der findes.",
        "The resource is not there, or not for you. The answer is the same, so that nobody can learn what there is.",
        "Se efter, at id'et er rigtigt, og at din myndighed er part. En kladde ser kun dens afsender.",
        "Check that the id is right and that your agency is a party. A draft is seen by its sender alone.",
    ),
    # --- Versions and states
    "if-match-required": _said(
        "En ændring siger ikke, hvilken version den ændrer.",
        "A change does not say which version it changes.",
        "Læs ressourcen, og send dens ETag i If-Match.",
        "Read the resource, and send its ETag in If-Match.",
    ),
    "stale-version": _said(
        "En anden har ændret ressourcen, siden du læste den.",
        "Somebody else changed the resource since you read it.",
        "Hent ressourcen igen, se hvad der er ændret, og send ændringen med den nye ETag, hvis den stadig er rigtig.",
        "Read the resource again, see what changed, and send the change with the new ETag if it is still right.",
    ),
    "conflict": _said(
        "Ressourcens tilstand tillader det ikke.",
        "The resource's state does not allow it.",
        "Hent ressourcen igen, og se, hvad der er muligt nu.",
        "Read the resource again, and see what is possible now.",
    ),
    "move-not-allowed": _said(
        "Skridtet findes ikke i henvisningens tilstand, eller det er den anden parts at tage.",
        "The step does not exist in the referral's state, or it is the other party's to take.",
        "Tag et af de skridt, som allowed_actions nævner.",
        "Take one of the steps that allowed_actions names.",
    ),
    "only-drafts-change": _said(
        "Henvisningen er afsendt, så den rettes ikke med PATCH.",
        "The referral is submitted, so it is not edited with PATCH.",
        "Send en tilføjelse til /amendments med nyt indhold og begrundelse.",
        "Send an amendment to /amendments with new content and a reason.",
    ),
    "idempotency-key-reused": _said(
        "Nøglen er brugt før, med en anden krop.",
        "The key was used before, with another body.",
        "Brug en ny nøgle for hver ny ting. Gem nøglen sammen med kroppen, hvis du kan komme til at sende igen.",
        "Use a new key for each new thing. Keep the key with its body where you may have to send it again.",
    ),
    "external-reference-taken": _said(
        "En anden af dine egne henvisninger har samme external_reference.",
        "Another of your own referrals has the same external_reference.",
        "Søg den frem med /referrals/search, eller vælg en anden reference.",
        "Look it up with /referrals/search, or choose another reference.",
    ),
    # --- What a referral says and rests on
    "not-complete": _said(
        "Henvisningen mangler noget, som en afsendt henvisning skal have.",
        "The referral lacks something that a submitted one must have.",
        "errors nævner hvert sted. Ret kladden, og afsend den igen.",
        "errors names each place. Edit the draft, and submit it again.",
    ),
    "not-covered": _said(
        "Hjemlen eller samtykket bærer ikke det, der skulle videregives, til den modtager og det formål.",
        "The legal basis or the consent does not carry what was to be disclosed to that recipient for that purpose.",
        "errors siger hvad. Tag sektionerne ud, angiv en anden hjemmel, eller få et samtykke, der omfatter dem.",
        "errors says what. Take the sections out, name another basis, or obtain a consent that covers them.",
    ),
    "reason-not-valid": _said(
        "Begrundelsens kode hører ikke til dette skridt, eller den kræver en kommentar.",
        "The reason's code does not belong to this step, or it needs a comment.",
        "Se /api/v1/code-lists/reasons: scope er skridtet, og comment_required siger, om der skal ord med.",
        "See /api/v1/code-lists/reasons: scope is the step, and comment_required says whether words are needed.",
    ),
    "unknown-reference": _said(
        "Kroppen peger på en person, en myndighed, et samtykke eller en medarbejder, der ikke findes for dig.",
        "The body points to a person, an agency, a consent or a member of staff that is not there for you.",
        "errors siger hvor. Brug id'er fra dine egne svar og fra /api/v1/agencies.",
        "errors says where. Use ids from your own answers and from /api/v1/agencies.",
    ),
    "key-destroyed": _said(
        "Personen er slettet: nøglen til alt om personen er destrueret.",
        "The person was erased: the key to everything about them is destroyed.",
        "Intet kan føjes til. Opret personen på ny, hvis der er grundlag for en ny sag.",
        "Nothing can be added. Register the person anew if there are grounds for a new case.",
    ),
    # --- Consents
    "consent-not-valid": _said(
        "Samtykket kan ikke registreres, som det er fortalt: tiden, slagsen, medarbejderen eller teksten passer ikke.",
        "The consent can't be recorded as it is told: its time, kind, member of staff or text does not fit.",
        "errors siger hvor, og hvad der ville være rigtigt.",
        "errors says where, and what would be right.",
    ),
    "consent-ended": _said(
        "Samtykket er trukket, afvist eller erklæret ugyldigt.",
        "The consent was withdrawn, refused or invalidated.",
        "Registrér et nyt samtykke, hvis personen ønsker det.",
        "Record a new consent if the person wishes it.",
    ),
    "consent-move-not-allowed": _said(
        "Det, der fortælles, kan ikke ske med et samtykke i den tilstand.",
        "What is told can't happen to a consent in that state.",
        "Se allowed_actions: et samtykke gives eller afvises én gang, når der er spurgt.",
        "See allowed_actions: a consent is given or refused once, after it was asked for.",
    ),
    # --- Files
    "file-too-large": _said(
        "Filen fylder mere end 5 MiB før base64.",
        "The file is larger than 5 MiB before base64.",
        "Gem den mindre, eller del den.",
        "Save it smaller, or split it.",
    ),
    "too-many-files": _said(
        "Henvisningen har det antal filer fra din side, som den kan have.",
        "The referral has as many files from your side as it can have.",
        "Saml flere dokumenter i én PDF.",
        "Put several documents into one PDF.",
    ),
    "category-not-yours": _said(
        "Filen er lagt under en kategori, som den anden part udfylder.",
        "The file is put under a category that the other party fills.",
        "En afsender bruger alle kategorier undtagen outcome; en modtager bruger outcome.",
        "A sender uses any category but outcome; a recipient uses outcome.",
    ),
    "anonymous-case": _said(
        "En anonym sag kan ikke rumme filer, for en fil kan pege på personen.",
        "An anonymous case can't hold files, for a file may point to the person.",
        "Skriv det nødvendige i en sektion, uden det, der peger på personen.",
        "Write what is needed into a section, without what points to the person.",
    ),
    "infected": _said(
        "Virusscanneren genkendte skadelig kode.",
        "The virus scanner recognised malicious code.",
        "Intet er gemt. Undersøg den maskine, filen kommer fra.",
        "Nothing was stored. Examine the machine that the file comes from.",
    ),
    "not-scanned": _said(
        "Filen kom, mens ingen virusscanner var sat op, og udleveres derfor ikke.",
        "The file came while no virus scanner was set up, and so is not served.",
        "Bed afsenderen sende den igen, når driften har sat en scanner op.",
        "Ask the sender to send it again once operations have set up a scanner.",
    ),
    "scanner-unavailable": _said(
        "Virusscanneren svarer ikke, og en uscannet fil tages ikke ind.",
        "The virus scanner does not answer, and an unscanned file is not taken.",
        "Send den samme forespørgsel igen efter Retry-After, med samme Idempotency-Key.",
        "Send the same request again after Retry-After, with the same Idempotency-Key.",
    ),
    # --- Tasks, broken glass, claims
    "task-not-open": _said(
        "Opgaven er løst, eller den løses et andet sted.",
        "The task is done, or it is done elsewhere.",
        "Læs opgaven igen: done_reason siger, hvad der kom ud af den; break_glass peger på det, der skal gennemgås.",
        "Read the task again: done_reason says what came of it; break_glass points to what is to be reviewed.",
    ),
    "not-notifiable": _said(
        "Der kan ikke underrettes fra en kladde, en henvisning oprettet ved en fejl, eller en slettet.",
        "No notification can be made from a draft, from a referral made in error, or from an erased one.",
        "Underret kommunen ad dens egen kanal: pligten venter ikke på systemet.",
        "Notify the municipality by its own channel: the duty does not wait for the system.",
    ),
    "already-reviewed": _said(
        "En anden har gennemgået nødadgangen.",
        "Somebody else has reviewed the broken glass.",
        "Intet. En gennemgang står ved magt.",
        "Nothing. A review stands as it is.",
    ),
    "reviewed-by-another": _said(
        "Den, der brugte nødadgangen, gennemgår den ikke selv; det gør kun den ansvarlige myndighed eller en auditor.",
        "Whoever broke the glass does not review it; the responsible agency or an auditor does.",
        "Lad en koordinator i den myndighed, der havde ansvaret, gøre det.",
        "Let a coordinator of the agency that was responsible do it.",
    ),
    "claim-stands": _said(
        "Myndigheden har allerede en dokumentation, der venter eller er godkendt.",
        "The agency already has a claim that waits or is approved.",
        "Træk den tilbage, før du opretter en ny.",
        "Withdraw it before you make another.",
    ),
    "claim-withdrawn": _said(
        "Dokumentationen er trukket tilbage og godkendes ikke mere.",
        "The claim is withdrawn, and is approved no more.",
        "Opret en ny, hvis der er grundlag for det.",
        "Make another where there is ground for it.",
    ),
    "not-an-approver": _said(
        "Den, der har oprettet dokumentationen, eller en uden for tilsynet, godkender den ikke.",
        "Whoever made the claim, or is outside the oversight body, does not approve it.",
        "To andre administratorer i tilsynet gør det.",
        "Two other administrators of the oversight body do.",
    ),
    # --- The ledger
    "leaf-not-in-log": _said(
        "Bladet er ikke i træet af den størrelse: det er nyt, eller et løfte er brudt.",
        "The leaf is not in the tree of that size: it is new, or a promise was broken.",
        "Spørg igen om et sekund. Er det stadig væk, så gem kvitteringen, og gå til tilsynet.",
        "Ask again in a second. If it stays away, keep the receipt and go to the oversight body.",
    ),
    "no-checkpoint": _said(
        "Loggen har intet checkpoint af den størrelse, eller endnu intet, der er endeligt.",
        "The log has no checkpoint of that size, or none that is final yet.",
        "Spørg om det nyeste, eller igen om et øjeblik. Har du selv et checkpoint af størrelsen, så gå til tilsynet.",
        "Ask for the newest, or again in a moment. If you keep a checkpoint of that size, go to the oversight body.",
    ),
    "export-too-large": _said(
        "Spørgsmålet finder flere indførsler, end et udtræk kan rumme.",
        "The question finds more entries than an export can hold.",
        "Del det op i tidsrum med since og until.",
        "Ask in parts, with since and until.",
    ),
    # --- At our end
    "too-many-requests": _said(
        "Klienten har brugt sine forespørgsler i dette minut.",
        "The client has used its requests of this minute.",
        "Vent det antal sekunder, som Retry-After siger. Headeren RateLimit siger undervejs, hvad der er tilbage.",
        "Wait the number of seconds in Retry-After. The RateLimit header says along the way what is left.",
    ),
    "unavailable": _said(
        "Databasen eller loggen kan ikke skrives til lige nu, og intet vises, uden at det er registreret.",
        "The database or the ledger can't be written to right now, and nothing is shown without being recorded.",
        "Send det samme igen efter Retry-After; en ny ting med samme Idempotency-Key, så den ikke bliver til to.",
        "Send the same again after Retry-After; a new thing with the same Idempotency-Key, so that it is made once.",
    ),
    "internal": _said(
        "Noget gik galt hos os.",
        "Something failed at our end.",
        "Læs efter, om handlingen blev gjort, før du prøver igen. Oplys Request-Id til driften.",
        "Read whether the act was done before you try again. Give operations the Request-Id.",
    ),
    # --- Webhook endpoints
    "endpoint-not-valid": _said(
        "Adressen må ikke kaldes: den er ikke https, ikke et domænenavn, har en anden port end 443 og 8443, eller "
        "navnet fører et andet sted hen end til offentlige adresser.",
        "The address may not be called: it is not https, not a domain name, has another port than 443 and 8443, or "
        "the name leads elsewhere than to public addresses.",
        "errors siger hvad. Et navn, der kun kendes indenfor, kan ikke kaldes; følg i stedet GET /events.",
        "errors says what. A name that is known inside only can't be called; follow GET /events instead.",
    ),
    "too-many-endpoints": _said(
        "Myndigheden har allerede ti adresser, der kaldes eller er slået fra.",
        "The agency already has ten endpoints that are called or disabled.",
        "Fjern en, der ikke bruges: DELETE /notifications/endpoints/<id>. Eller lad én adresse fordele til flere.",
        "Remove one that is not used: DELETE /notifications/endpoints/<id>. Or let one address pass on to several.",
    ),
    "endpoint-is-disabled": _said(
        "Adressen er slået fra, fordi den svarede 410 eller fejlede for længe.",
        "The endpoint is disabled, because it answered 410 or failed for too long.",
        "Ret det, der fejler, slå den til med POST …/enable, og bed så om det igen.",
        "Mend what fails, enable it with POST …/enable, and then ask again.",
    ),
    "delivery-waits": _said(
        "Leveringen er endnu ikke endt: den står i kø, eller bliver forsøgt igen om lidt.",
        "The delivery has not ended yet: it stands in line, or is tried again before long.",
        "Vent; next_attempt_at siger hvornår. Kun det, der er endt, kan gentages.",
        "Wait; next_attempt_at says when. Only what has ended can be replayed.",
    ),
}
