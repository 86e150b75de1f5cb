"""What stands in the way in the thing itself: a referral, a consent, a file, a task, the ledger, an endpoint."""

from api_schema.remedies.remedy import Remedy, said

OF_THINGS: dict[str, Remedy] = {
    # --- What a referral says and rests on
    "not-complete": said(
        "Henvisningen mangler noget, som en afsendt henvisning skal have.",
        "The referral lacks something that a submitted one must have.",
        "errors nævner hvert sted. Ret kladden, og afsend den igen.",
        "errors names each place. Edit the draft, and submit it again.",
    ),
    "not-covered": said(
        "Hjemlen eller samtykket bærer ikke det, der skulle videregives, til den modtager og det formål.",
        "The legal basis or the consent does not carry what was to be disclosed to that recipient for that purpose.",
        "errors siger hvad. Tag sektionerne ud, angiv en anden hjemmel, eller få et samtykke, der omfatter dem.",
        "errors says what. Take the sections out, name another basis, or obtain a consent that covers them.",
    ),
    "reason-not-valid": said(
        "Begrundelsens kode hører ikke til dette skridt, eller den kræver en kommentar.",
        "The reason's code does not belong to this step, or it needs a comment.",
        "Se /api/v1/code-lists/reasons: scope er skridtet, og comment_required siger, om der skal ord med.",
        "See /api/v1/code-lists/reasons: scope is the step, and comment_required says whether words are needed.",
    ),
    "unknown-reference": said(
        "Kroppen peger på en person, en myndighed, et samtykke eller en medarbejder, der ikke findes for dig.",
        "The body points to a person, an agency, a consent or a member of staff that is not there for you.",
        "errors siger hvor. Brug id'er fra dine egne svar og fra /api/v1/agencies.",
        "errors says where. Use ids from your own answers and from /api/v1/agencies.",
    ),
    "key-destroyed": said(
        "Personen er slettet: nøglen til alt om personen er destrueret.",
        "The person was erased: the key to everything about them is destroyed.",
        "Intet kan føjes til. Opret personen på ny, hvis der er grundlag for en ny sag.",
        "Nothing can be added. Register the person anew if there are grounds for a new case.",
    ),
    # --- Consents
    "consent-not-valid": said(
        "Samtykket kan ikke registreres, som det er fortalt: tiden, slagsen, medarbejderen eller teksten passer ikke.",
        "The consent can't be recorded as it is told: its time, kind, member of staff or text does not fit.",
        "errors siger hvor, og hvad der ville være rigtigt.",
        "errors says where, and what would be right.",
    ),
    "consent-ended": said(
        "Samtykket er trukket, afvist eller erklæret ugyldigt.",
        "The consent was withdrawn, refused or invalidated.",
        "Registrér et nyt samtykke, hvis personen ønsker det.",
        "Record a new consent if the person wishes it.",
    ),
    "consent-move-not-allowed": said(
        "Det, der fortælles, kan ikke ske med et samtykke i den tilstand.",
        "What is told can't happen to a consent in that state.",
        "Se allowed_actions: et samtykke gives eller afvises én gang, når der er spurgt.",
        "See allowed_actions: a consent is given or refused once, after it was asked for.",
    ),
    # --- Files
    "file-too-large": said(
        "Filen fylder mere end 5 MiB før base64.",
        "The file is larger than 5 MiB before base64.",
        "Gem den mindre, eller del den.",
        "Save it smaller, or split it.",
    ),
    "too-many-files": said(
        "Henvisningen har det antal filer fra din side, som den kan have.",
        "The referral has as many files from your side as it can have.",
        "Saml flere dokumenter i én PDF.",
        "Put several documents into one PDF.",
    ),
    "category-not-yours": said(
        "Filen er lagt under en kategori, som den anden part udfylder.",
        "The file is put under a category that the other party fills.",
        "En afsender bruger alle kategorier undtagen outcome; en modtager bruger outcome.",
        "A sender uses any category but outcome; a recipient uses outcome.",
    ),
    "anonymous-case": said(
        "En anonym sag kan ikke rumme filer, for en fil kan pege på personen.",
        "An anonymous case can't hold files, for a file may point to the person.",
        "Skriv det nødvendige i en sektion, uden det, der peger på personen.",
        "Write what is needed into a section, without what points to the person.",
    ),
    "infected": said(
        "Virusscanneren genkendte skadelig kode.",
        "The virus scanner recognised malicious code.",
        "Intet er gemt. Undersøg den maskine, filen kommer fra.",
        "Nothing was stored. Examine the machine that the file comes from.",
    ),
    "not-scanned": said(
        "Filen kom, mens ingen virusscanner var sat op, og udleveres derfor ikke.",
        "The file came while no virus scanner was set up, and so is not served.",
        "Bed afsenderen sende den igen, når driften har sat en scanner op.",
        "Ask the sender to send it again once operations have set up a scanner.",
    ),
    "scanner-unavailable": said(
        "Virusscanneren svarer ikke, og en uscannet fil tages ikke ind.",
        "The virus scanner does not answer, and an unscanned file is not taken.",
        "Send den samme forespørgsel igen efter Retry-After, med samme Idempotency-Key.",
        "Send the same request again after Retry-After, with the same Idempotency-Key.",
    ),
    # --- Tasks, broken glass, claims
    "task-not-open": said(
        "Opgaven er løst, eller den løses et andet sted.",
        "The task is done, or it is done elsewhere.",
        "Læs opgaven igen: done_reason siger, hvad der kom ud af den; break_glass peger på det, der skal gennemgås.",
        "Read the task again: done_reason says what came of it; break_glass points to what is to be reviewed.",
    ),
    "not-notifiable": said(
        "Der kan ikke underrettes fra en kladde, en henvisning oprettet ved en fejl, eller en slettet.",
        "No notification can be made from a draft, from a referral made in error, or from an erased one.",
        "Underret kommunen ad dens egen kanal: pligten venter ikke på systemet.",
        "Notify the municipality by its own channel: the duty does not wait for the system.",
    ),
    "already-reviewed": said(
        "En anden har gennemgået nødadgangen.",
        "Somebody else has reviewed the broken glass.",
        "Intet. En gennemgang står ved magt.",
        "Nothing. A review stands as it is.",
    ),
    "reviewed-by-another": said(
        "Den, der brugte nødadgangen, gennemgår den ikke selv; det gør kun den ansvarlige myndighed eller en auditor.",
        "Whoever broke the glass does not review it; the responsible agency or an auditor does.",
        "Lad en koordinator i den myndighed, der havde ansvaret, gøre det.",
        "Let a coordinator of the agency that was responsible do it.",
    ),
    "claim-stands": said(
        "Myndigheden har allerede en dokumentation, der venter eller er godkendt.",
        "The agency already has a claim that waits or is approved.",
        "Træk den tilbage, før du opretter en ny.",
        "Withdraw it before you make another.",
    ),
    "claim-withdrawn": said(
        "Dokumentationen er trukket tilbage og godkendes ikke mere.",
        "The claim is withdrawn, and is approved no more.",
        "Opret en ny, hvis der er grundlag for det.",
        "Make another where there is ground for it.",
    ),
    "not-an-approver": said(
        "Den, der har oprettet dokumentationen, eller en uden for tilsynet, godkender den ikke.",
        "Whoever made the claim, or is outside the oversight body, does not approve it.",
        "To andre administratorer i tilsynet gør det.",
        "Two other administrators of the oversight body do.",
    ),
    # --- The ledger
    "leaf-not-in-log": said(
        "Bladet er ikke i træet af den størrelse: det er nyt, eller et løfte er brudt.",
        "The leaf is not in the tree of that size: it is new, or a promise was broken.",
        "Spørg igen om et sekund. Er det stadig væk, så gem kvitteringen, og gå til tilsynet.",
        "Ask again in a second. If it stays away, keep the receipt and go to the oversight body.",
    ),
    "no-checkpoint": said(
        "Loggen har intet checkpoint af den størrelse, eller endnu intet, der er endeligt.",
        "The log has no checkpoint of that size, or none that is final yet.",
        "Spørg om det nyeste, eller igen om et øjeblik. Har du selv et checkpoint af størrelsen, så gå til tilsynet.",
        "Ask for the newest, or again in a moment. If you keep a checkpoint of that size, go to the oversight body.",
    ),
    "export-too-large": said(
        "Spørgsmålet finder flere indførsler, end et udtræk kan rumme.",
        "The question finds more entries than an export can hold.",
        "Del det op i tidsrum med since og until.",
        "Ask in parts, with since and until.",
    ),
    # --- Webhook endpoints
    "endpoint-not-valid": said(
        "Adressen må ikke kaldes: den er ikke https, ikke et domænenavn, har en anden port end 443 og 8443, eller "
        "navnet fører et andet sted hen end til offentlige adresser.",
        "The address may not be called: it is not https, not a domain name, has another port than 443 and 8443, or "
        "the name leads elsewhere than to public addresses.",
        "errors siger hvad. Et navn, der kun kendes indenfor, kan ikke kaldes; følg i stedet GET /events.",
        "errors says what. A name that is known inside only can't be called; follow GET /events instead.",
    ),
    "too-many-endpoints": said(
        "Myndigheden har allerede ti adresser, der kaldes eller er slået fra.",
        "The agency already has ten endpoints that are called or disabled.",
        "Fjern en, der ikke bruges: DELETE /notifications/endpoints/<id>. Eller lad én adresse fordele til flere.",
        "Remove one that is not used: DELETE /notifications/endpoints/<id>. Or let one address pass on to several.",
    ),
    "endpoint-is-disabled": said(
        "Adressen er slået fra, fordi den svarede 410 eller fejlede for længe.",
        "The endpoint is disabled, because it answered 410 or failed for too long.",
        "Ret det, der fejler, slå den til med POST …/enable, og bed så om det igen.",
        "Mend what fails, enable it with POST …/enable, and then ask again.",
    ),
    "delivery-waits": said(
        "Leveringen er endnu ikke endt: den står i kø, eller bliver forsøgt igen om lidt.",
        "The delivery has not ended yet: it stands in line, or is tried again before long.",
        "Vent; next_attempt_at siger hvornår. Kun det, der er endt, kan gentages.",
        "Wait; next_attempt_at says when. Only what has ended can be replayed.",
    ),
}
