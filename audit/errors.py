"""What can be wrong with a question to the log, as it is told on the wire."""

from api_schema.problems import Problem
from api_schema.words import Words


class NoCheckpoint(Problem):
    status = 404
    code = "no-checkpoint"
    title = Words("Loggen har ikke det checkpoint", "The log has no such checkpoint")
    detail = Words(
        "Der er intet checkpoint af den størrelse, eller endnu intet, der er endeligt. Spørg igen om lidt.",
        "There is no checkpoint of that size, or none that is final yet. Ask again in a moment.",
    )


class LeafNotInLog(Problem):
    status = 404
    code = "leaf-not-in-log"
    title = Words("Bladet er ikke i loggen", "The leaf is not in the log")
    detail = Words(
        "Intet blad med den hash er i træet af den størrelse. En indførsel forsegles inden for et sekund eller to; "
        "spørg igen. Er den stadig væk, så gem kvitteringen: den beviser et brudt løfte.",
        "No leaf of that hash is in the tree of that size. An entry is sealed within a second or two; ask again. If it "
        "stays away, keep the receipt: it proves a broken promise.",
    )
