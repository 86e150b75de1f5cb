"""
The picture of a referral's life, drawn from `referrals.lifecycle.STEPS`: what the table says, and nothing else.

Where a status stands on the page is stated here; that there is an arrow is not. Write the committed picture anew with
`python -m config.docs.lifecycle_picture`.
"""

import sys
from collections import defaultdict
from html import escape
from textwrap import wrap

from config.docs.glossary import code_list
from config.env import BASE_DIR
from referrals.lifecycle import STEPS, TERMINAL, As, Move, Status, Step

FILE = BASE_DIR / "docs" / "lifecycle.svg"
WIDTH, BOX = 1180, (150, 56)
PLACES: dict[Status, tuple[int, int]] = {
    Status.DRAFT: (85, 75),
    Status.SUBMITTED: (285, 75),
    Status.RECEIVED: (485, 75),
    Status.ACCEPTED: (685, 75),
    Status.IN_PROGRESS: (885, 75),
    Status.COMPLETED: (1085, 75),
    Status.INFO_REQUESTED: (385, 235),
    Status.ON_HOLD: (885, 235),
}
"""The main road and its two lay-bys, by the middle of each box. Every other status is a card below."""

STYLE = """
    .page { fill: #ffffff; }
    .box { fill: #e6f0ff; stroke: #1f5fbf; stroke-width: 2; }
    .end { fill: #f3f6fa; stroke: #5b6b7f; stroke-width: 1.5; }
    .who { fill: #17212e; font-size: 16px; font-weight: 600; }
    .da { fill: #44546a; font-size: 13px; font-style: italic; }
    .say { fill: #17212e; font-size: 13px; }
    .line { fill: none; stroke: #17212e; stroke-width: 1.6; }
    .head { fill: #17212e; }
    @media (prefers-color-scheme: dark) {
      .page { fill: #10161e; }
      .box { fill: #14294a; stroke: #7fb0ff; }
      .end { fill: #1c2531; stroke: #8fa1b8; }
      .who, .say { fill: #eef3f9; }
      .da { fill: #b4c2d4; }
      .line { stroke: #eef3f9; }
      .head { fill: #eef3f9; }
    }
"""
FOR_ALL = (
    'role="img" aria-labelledby="title desc" '
    "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\""
)
TIP = (
    '<marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
    'orient="auto-start-reverse"><path class="head" d="M0 0 L10 5 L0 10 z"/></marker>'
)
CARD_WIDTH, CARD_GAP, LINE = 370, 20, 18
CARDS_FROM, WRAP_AT = 295, 54


def picture() -> str:
    """Return the SVG, with a title and a description for whoever does not see it."""
    parts, bottom = _cards()
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" {FOR_ALL}>',
            '  <title id="title">The life of a referral: its statuses, and the moves between them</title>',
            f'  <desc id="desc">{escape(_in_words())}</desc>',
            f"  <style>{STYLE}  </style>",
            f"  <defs>{TIP}</defs>",
            f'  <rect class="page" width="{WIDTH}" height="{bottom}"/>',
            *_arrows(),
            *(part for status in PLACES for part in _box(status)),
            *parts,
            "</svg>\n",
        ]
    )


def table() -> str:
    """Return the same as a Markdown table: each move, who may take it, from where, and where it leads."""
    lines = ["| move | whose | from | to |", "|---|---|---|---|"]
    for (move, side, to), sources in _moves().items():
        label = code_list("moves")[move]
        lines.append(
            f"| `{move}` {label['en'].lower()} (*{label['da'].lower()}*) | {side} | {_listed(sources)} | {_leads(to)} |"
        )
    return "\n".join(lines)


def _moves() -> dict[tuple[Move, str, Status | As], list[Status]]:
    found: dict[tuple[Move, str, Status | As], list[Status]] = defaultdict(list)
    for (status, move), step in STEPS.items():
        found[move, str(step.side), step.to].append(status)
    return found


def _leads(to: Status | As) -> str:
    if to is As.IS:
        return "the same status"
    if to is As.BEFORE:
        return "the status before"
    return f"`{to}`, for good" if to in TERMINAL else f"`{to}`"


def _listed(sources: list[Status], mark: str = "`") -> str:
    if len(sources) == len(Status) - 1:
        return "any other status"
    return ", ".join(f"{mark}{status}{mark}" for status in Status if status in sources)


def _in_words() -> str:
    return ". ".join(
        f"{move} by the {side}, from {_listed(sources, '')}: {_leads(to).replace('`', '')}"
        for (move, side, to), sources in _moves().items()
    )


def _box(status: Status) -> list[str]:
    (x, y), (width, height) = PLACES[status], BOX
    label = code_list("statuses")[status]
    kind = "end" if status in TERMINAL else "box"
    corner = f'x="{x - width // 2}" y="{y - height // 2}" width="{width}" height="{height}"'
    return [
        f'  <rect class="{kind}" {corner} rx="8"/>',
        _text("who", x, y - 2, status, "middle"),
        _text("da", x, y + 18, label["da"], "middle"),
    ]


def _arrows() -> list[str]:
    """Draw one line for each two boxes that a move connects, with the moves of each direction beside it."""
    said: dict[tuple[Status, Status], list[str]] = defaultdict(list)
    for (status, move), step in STEPS.items():
        for to in _destinations(status, step):
            if status in PLACES and to in PLACES and status != to and not _fans_out(move):
                said[status, to].append(str(move))
    parts = []
    for (source, to), moves in said.items():
        back = said.get((to, source), [])
        if back and (to, source) in list(said)[: list(said).index((source, to))]:
            continue  # drawn with the other direction
        parts += _arrow(PLACES[source], PLACES[to], moves, back)
    return parts


def _destinations(status: Status, step: Step) -> list[Status]:
    """Return where a step leads: a status; or, back from an interruption, each that it can have been before."""
    if step.to is As.IS:
        return []
    if step.to is As.BEFORE:
        return [source for (source, _), into in STEPS.items() if into.to == status]
    return [Status(step.to)]


def _fans_out(move: Move) -> bool:
    """Say whether a move leads to a card, where it is told in words: an arrow from everywhere tells nothing."""
    return any(step.to not in PLACES and step.to not in tuple(As) for (_, each), step in STEPS.items() if each == move)


def _arrow(source: tuple[int, int], to: tuple[int, int], there: list[str], back: list[str]) -> list[str]:
    (x1, y1), (x2, y2) = source, to
    width, height = BOX
    start = ' marker-start="url(#tip)"' if back else ""
    if y1 == y2:
        line = f"M{x1 + width // 2} {y1} H{x2 - width // 2 - 2}"
        middle, above = (x1 + x2) // 2, y1 - 36
        label = [_text("say", middle, above - 15 * place, words, "middle") for place, words in _both(there, back)]
    else:
        gap = 12 if x1 == x2 else (40 if x1 < x2 else -40)
        x3 = x2 - gap if x1 != x2 else x2
        line = f"M{x1 + (0 if x1 == x2 else gap // 2)} {y1 + height // 2} L{x3} {y2 - height // 2 - 2}"
        side = (x1 + x3) // 2 + (14 if x1 >= x2 else -14)
        label = [
            _text("say", side, (y1 + y2) // 2 + 15 * place, words, "start" if x1 >= x2 else "end")
            for place, words in _both(there, back)
        ]
    return [f'  <path class="line" d="{line}" marker-end="url(#tip)"{start}/>', *label]


def _both(there: list[str], back: list[str]) -> list[tuple[int, str]]:
    told = [", ".join(there), *([f"back: {', '.join(back)}"] if back else [])]
    return list(enumerate(told))


def _cards() -> tuple[list[str], int]:
    """Return a card for each status that has no place on the road, and one for what changes no status; and the end."""
    cards: dict[str, list[str]] = {str(status): [] for status in Status if status not in PLACES}
    staying = "no change of status"
    cards[staying] = []
    for (move, side, to), sources in _moves().items():
        words = f"{move} ({side}), from {_listed(sources, '')}"
        if to is As.IS:
            cards[staying] += _wrapped(words)
        elif to is As.BEFORE:
            for status in sources:
                if status not in PLACES:
                    cards[str(status)] += _wrapped(f"{move} ({side}): back to the status before")
        elif to not in PLACES:
            cards[str(to)] = _wrapped(words) + cards[str(to)]
    parts: list[str] = []
    top = CARDS_FROM
    names = list(cards)
    for first in range(0, len(names), 3):
        row = names[first : first + 3]
        height = 62 + LINE * max(len(cards[name]) for name in row)
        for column, name in enumerate(row):
            parts += _card(15 + column * (CARD_WIDTH + CARD_GAP), top, height, name, cards[name])
        top += height + CARD_GAP
    return parts, top


def _wrapped(words: str) -> list[str]:
    return wrap(words, WRAP_AT)


def _card(x: int, y: int, height: int, name: str, lines: list[str]) -> list[str]:
    label = code_list("statuses").get(name, {"da": "status er den samme"})
    kind = "end" if name in TERMINAL or name not in tuple(Status) else "box"
    return [
        f'  <rect class="{kind}" x="{x}" y="{y}" width="{CARD_WIDTH}" height="{height}" rx="8"/>',
        _text("who", x + 14, y + 25, name),
        _text("da", x + 14, y + 44, label["da"]),
        *(_text("say", x + 14, y + 66 + LINE * number, line) for number, line in enumerate(lines)),
    ]


def _text(kind: str, x: int, y: int, words: str, anchor: str = "start") -> str:
    return f'  <text class="{kind}" x="{x}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
    sys.stdout.write(f"{FILE} written.\n")
