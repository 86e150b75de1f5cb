"""What is wrong with a request itself: its form, who asks, which version was seen, or something at our end."""

from api_schema.remedies.remedy import Remedy, said

OF_REQUESTS: dict[str, Remedy] = {
    # --- The request as such
    "malformed": said(
        "Forespørgslen kan ikke læses: kroppen er ikke JSON, en header har en anden form end den skal, eller en "
        "forespørgselsparameter er ukendt, tom eller forkert.",
        "The request can't be read: the body is not JSON, a header has another form than it should, or a query "
        "parameter is unknown, empty or wrong.",
        "detail siger hvad. Ret koden; den samme forespørgsel bliver aldrig rigtig. En cursor hører til netop den "
        "liste og den myndighed, den blev givet til.",
        "detail says what. Change the code; the same request never becomes right. A cursor belongs to just the list "
        "and the agency that it was given to.",
    ),
    "method-not-allowed": said(
        "Adressen findes, men ikke med den metode.",
        "The address is there, but not with that method.",
        "Se headeren Allow, og kontrakten på /api/docs.",
        "See the Allow header, and the contract at /api/docs.",
    ),
    "not-acceptable": said(
        "Accept nævner kun medietyper, som adressen ikke svarer med.",
        "Accept names only media types that the address does not answer with.",
        "Send Accept: application/json, eller udelad headeren.",
        "Send Accept: application/json, or leave the header out.",
    ),
    "too-large": said(
        "Kroppen fylder mere end 8 MiB.",
        "The body is larger than 8 MiB.",
        "Del en batch i flere; hver får sin egen Idempotency-Key.",
        "Split a batch into several; each gets an Idempotency-Key of its own.",
    ),
    "unsupported-media-type": said(
        "Kroppen er ikke JSON i UTF-8, eller den er komprimeret.",
        "The body is not JSON in UTF-8, or it is compressed.",
        "Send Content-Type: application/json uden Content-Encoding.",
        "Send Content-Type: application/json without Content-Encoding.",
    ),
    "invalid": said(
        "Kroppen er JSON, men et eller flere felter er forkerte, mangler eller kendes ikke.",
        "The body is JSON, but one or more members are wrong, missing or not known.",
        "errors nævner hvert felt ved sin JSON-pointer, med en kode og en sætning om, hvad der ville være rigtigt.",
        "errors names each member by its JSON pointer, with a code and a sentence on what would be right.",
    ),
    # --- Who asks
    "unauthenticated": said(
        "Der er intet token, eller det er udløbet, ukendt, spærret eller udstedt til et andet API.",
        "There is no token, or it has expired, is unknown, was barred, or was issued for another API.",
        "Hent et nyt på POST /oauth/token; det lever ti minutter. Bliver det ved, er klienten spærret: spørg driften.",
        "Get another at POST /oauth/token; it lives ten minutes. If it goes on, the client is barred: ask operations.",
    ),
    "forbidden": said(
        "Rollen eller scopet rækker ikke.",
        "The role or the scope does not reach that far.",
        "Lad en kollega med rollen gøre det. At prøve igen hjælper ikke.",
        "Let a colleague with the role do it. Trying again does not help.",
    ),
    "scope-missing": said(
        "Tokenet blev udstedt uden det scope, som handlingen kræver.",
        "The token was issued without the scope that the action needs.",
        "Bed om et token med scopet; har klienten det ikke, så bed driften om det.",
        "Ask for a token with the scope; where the client does not have it, ask operations.",
    ),
    "role-may-not": said(
        "Personen i On-Behalf-Of har en rolle, der ikke må det her.",
        "The person in On-Behalf-Of has a role that may not do this.",
        "detail nævner de roller, der må. Gør det på vegne af en, der har en af dem.",
        "detail names the roles that may. Do it on behalf of somebody who has one of them.",
    ),
    "on-behalf-of-required": said(
        "Personoplysninger flyttes, og forespørgslen siger ikke på hvis vegne.",
        "Personal data moves, and the request does not say on whose behalf.",
        "Send On-Behalf-Of med din myndigheds eget id på medarbejderen.",
        "Send On-Behalf-Of with your agency's own id of the member of staff.",
    ),
    "on-behalf-of-unknown": said(
        "On-Behalf-Of nævner ingen aktiv medarbejder i tokenets egen myndighed.",
        "On-Behalf-Of names no active member of staff of the token's own agency.",
        "Ret id'et, eller få medarbejderen oprettet eller genåbnet af myndighedens administrator.",
        "Correct the id, or have the member created or reopened by the agency's administrator.",
    ),
    "purpose-missing": said(
        "Rollen har flere formål, og headeren Purpose mangler, eller dens kode kendes ikke.",
        "The role has several purposes, and the Purpose header is missing or its code is not known.",
        "Send Purpose med en kode fra /api/v1/code-lists/purposes.",
        "Send Purpose with a code of /api/v1/code-lists/purposes.",
    ),
    "purpose-forbidden": said(
        "Purpose er investigation. Intet herfra må bruges til efterforskning (retsplejeloven § 115, stk. 2).",
        "Purpose is investigation. Nothing here may be used for it (Administration of Justice Act § 115(2)).",
        "Der er ingen vej udenom. Forsøget er registreret.",
        "There is no way around. The attempt is recorded.",
    ),
    "purpose-not-allowed": said(
        "Rollen, hjemlen eller samtykket tillader ikke formålet.",
        "The role, the legal basis or the consent does not allow the purpose.",
        "Brug et formål, som alle tre tillader, eller få et samtykke, der nævner det.",
        "Use a purpose that all three allow, or obtain a consent that names it.",
    ),
    "audit-case-needed": said(
        "Et opslag i loggen siger ikke, hvilken sag det hører til.",
        "A look into the ledger does not say which case it belongs to.",
        "Send Audit-Case med sagens nummer, eller Audit-Reason med en af de koder, som detail nævner.",
        "Send Audit-Case with the case's number, or Audit-Reason with one of the codes that detail names.",
    ),
    "not-found": said(
        "Ressourcen findes ikke, eller den er ikke for dig. Svaret er det samme, så ingen kan lære, hvad der findes.",
        "The resource is not there, or not for you. The answer is the same, so that nobody can learn what there is.",
        "Se efter, at id'et er rigtigt, og at din myndighed er part. En kladde ser kun dens afsender.",
        "Check that the id is right and that your agency is a party. A draft is seen by its sender alone.",
    ),
    # --- Versions and states
    "if-match-required": said(
        "En ændring siger ikke, hvilken version den ændrer.",
        "A change does not say which version it changes.",
        "Læs ressourcen, og send dens ETag i If-Match.",
        "Read the resource, and send its ETag in If-Match.",
    ),
    "stale-version": said(
        "En anden har ændret ressourcen, siden du læste den.",
        "Somebody else changed the resource since you read it.",
        "Hent ressourcen igen, se hvad der er ændret, og send ændringen med den nye ETag, hvis den stadig er rigtig.",
        "Read the resource again, see what changed, and send the change with the new ETag if it is still right.",
    ),
    "conflict": said(
        "Ressourcens tilstand tillader det ikke.",
        "The resource's state does not allow it.",
        "Hent ressourcen igen, og se, hvad der er muligt nu.",
        "Read the resource again, and see what is possible now.",
    ),
    "move-not-allowed": said(
        "Skridtet findes ikke i henvisningens tilstand, eller det er den anden parts at tage.",
        "The step does not exist in the referral's state, or it is the other party's to take.",
        "Tag et af de skridt, som allowed_actions nævner.",
        "Take one of the steps that allowed_actions names.",
    ),
    "only-drafts-change": said(
        "Henvisningen er afsendt, så den rettes ikke med PATCH.",
        "The referral is submitted, so it is not edited with PATCH.",
        "Send en tilføjelse til /amendments med nyt indhold og begrundelse.",
        "Send an amendment to /amendments with new content and a reason.",
    ),
    "idempotency-key-reused": said(
        "Nøglen er brugt før, med en anden krop.",
        "The key was used before, with another body.",
        "Brug en ny nøgle for hver ny ting. Gem nøglen sammen med kroppen, hvis du kan komme til at sende igen.",
        "Use a new key for each new thing. Keep the key with its body where you may have to send it again.",
    ),
    "external-reference-taken": said(
        "En anden af dine egne henvisninger har samme external_reference.",
        "Another of your own referrals has the same external_reference.",
        "Søg den frem med /referrals/search, eller vælg en anden reference.",
        "Look it up with /referrals/search, or choose another reference.",
    ),
    # --- At our end
    "too-many-requests": said(
        "Klienten har brugt sine forespørgsler i dette minut.",
        "The client has used its requests of this minute.",
        "Vent det antal sekunder, som Retry-After siger. Headeren RateLimit siger undervejs, hvad der er tilbage.",
        "Wait the number of seconds in Retry-After. The RateLimit header says along the way what is left.",
    ),
    "unavailable": said(
        "Databasen eller loggen kan ikke skrives til lige nu, og intet vises, uden at det er registreret.",
        "The database or the ledger can't be written to right now, and nothing is shown without being recorded.",
        "Send det samme igen efter Retry-After; en ny ting med samme Idempotency-Key, så den ikke bliver til to.",
        "Send the same again after Retry-After; a new thing with the same Idempotency-Key, so that it is made once.",
    ),
    "internal": said(
        "Noget gik galt hos os.",
        "Something failed at our end.",
        "Læs efter, om handlingen blev gjort, før du prøver igen. Oplys Request-Id til driften.",
        "Read whether the act was done before you try again. Give operations the Request-Id.",
    ),
}
