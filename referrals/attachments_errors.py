"""Why a file is not taken, or not served. Each is a documented problem; the refusals are recorded in the ledger."""

from typing import Any

from api_schema.problems import Conflict, Invalid, TooLarge, Unavailable
from api_schema.words import Words
from audit.facts import Refusal


class FileTooLarge(TooLarge):
    code = "file-too-large"
    title = Words("Filen er for stor", "The file is too large")
    detail = Words("Højst {limit} bytes, talt før base64.", "At most {limit} bytes, counted before base64.")


class CategoryNotYours(Refusal, Invalid):
    code = "category-not-yours"
    title = Words("Den kategori udfyldes af den anden part", "That category is for the other party to fill")
    detail = Words(
        "Afsenderen kan vedhæfte under alle kategorier undtagen outcome; modtageren under outcome.",
        "The sender may attach under any category but outcome; the recipient under outcome.",
    )


class AnonymousCase(Refusal, Invalid):
    """A file may name the person, and nobody here can tell (rule 11)."""

    code = "anonymous-case"
    title = Words("Sagen er anonym", "The case is anonymous")
    detail = Words(
        "En anonym sag kan ikke rumme filer: et billede eller et dokument kan pege på personen.",
        "An anonymous case can't hold files: a picture or a document may point to the person.",
    )


class TooManyFiles(Refusal, Invalid):
    code = "too-many-files"
    title = Words("Henvisningen har ikke plads til flere filer", "The referral has no room for more files")
    detail = Words("Højst {limit} filer fra hver side.", "At most {limit} files from each side.")


class InfectedFile(Refusal, Invalid):
    code = "infected"
    title = Words("Filen er inficeret", "The file is infected")
    detail = Words(
        "Virusscanneren genkendte skadelig kode. Intet er gemt. Undersøg den maskine, filen kommer fra.",
        "The virus scanner recognised malicious code. Nothing was stored. Examine the machine the file comes from.",
    )


class ScannerDown(Refusal, Unavailable):
    """There is a scanner, and it gave no verdict: what it might have found is not taken."""

    code = "scanner-unavailable"
    title = Words("Filen kan ikke scannes lige nu", "The file cannot be scanned right now")
    detail = Words(
        "Virusscanneren svarer ikke, så intet er gemt. Send den samme forespørgsel igen om lidt.",
        "The virus scanner does not answer, so nothing was stored. Send the same request again shortly.",
    )

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.headers["Retry-After"] = "30"


class NotScanned(Refusal, Conflict):
    code = "not-scanned"
    title = Words("Filen er ikke scannet", "The file has not been scanned")
    detail = Words(
        "Filen kom, mens ingen virusscanner var sat op, og udleveres ikke. Få den sendt igen, når der er en.",
        "The file came while no virus scanner was set up, and is not served. Have it sent again once there is one.",
    )
