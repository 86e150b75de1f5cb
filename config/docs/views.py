"""
`/docs/…`: what stands in docs/, for people. Offline: everything on a page comes from here, and no script stands in it.

It asks nobody who they are, reads no row, and shows the same to everyone.
"""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from api_schema.problems import unknown_address
from api_schema.words import Words
from config.docs.pages import ADDRESSES, address, page, picture

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PICTURES_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True, slots=True)
class Group:
    """A heading of the menu, and what stands under it: where, and its words."""

    words: Words
    links: tuple[tuple[str, Words], ...]


MENU = (
    Group(
        Words("Kom i gang", "Quick start"),
        (
            (address("README.md"), Words("Forside", "Home")),
            (address("start/integrators.md"), Words("For integratorer", "For integrators")),
            (address("start/exit-staff.md"), Words("For rådgivere", "For exit staff")),
            (address("start/auditors.md"), Words("For tilsyn", "For auditors")),
        ),
    ),
    Group(
        Words("Forstå", "Understand"),
        (
            (address("lifecycle.md"), Words("Henvisningens liv", "The lifecycle")),
            (address("consent.md"), Words("Samtykket", "The consent")),
            (address("glossary.md"), Words("Ordliste", "Glossary")),
        ),
    ),
    Group(
        Words("Prøv", "Try"),
        (
            (address("recipes/README.md"), Words("Opskrifter", "Recipes")),
            (address("sandbox.md"), Words("Sandkassen", "The sandbox")),
        ),
    ),
    Group(
        Words("I dybden", "In depth"),
        (
            (address("users/caseworkers.md"), Words("Kommuner og leverandører", "Municipalities and vendors")),
            (address("users/exit-staff.md"), Words("Exitcenteret", "The exit centre")),
            (address("users/auditors.md"), Words("Tilsyn", "Auditors")),
            (address("ledger.md"), Words("Loggen", "The ledger")),
            (address("verify.md"), Words("Efterprøv et bevis", "Check a bundle")),
            (address("decisions/README.md"), Words("Beslutninger", "Decisions")),
        ),
    ),
    Group(
        Words("I drift", "In production"),
        (
            (address("sign-in.md"), Words("Log ind og få tokens", "Signing in")),
            (address("events.md"), Words("Hændelser og webhooks", "Events and webhooks")),
            (address("api-policy.md"), Words("Sådan ændrer API'et sig", "How the API changes")),
            (address("configuration.md"), Words("Opsætning", "Configuration")),
            (address("operations.md"), Words("Daglig drift", "Operations")),
            (address("backup.md"), Words("Kopier og genskabelse", "Backup and restore")),
        ),
    ),
    Group(
        Words("Kontrakten", "The contract"),
        (
            ("/api/docs", Words("API'et, side for side", "The API, page by page")),
            ("/api/schema", Words("OpenAPI-filen", "The OpenAPI file")),
            ("/api/docs/problems", Words("Alle fejl", "Every error")),
            ("/admin/", Words("Log ind", "Sign in")),
        ),
    ),
)
CHROME = {
    "skip": Words("Gå til indholdet", "Skip to the content"),
    "menu": Words("Indhold", "Contents"),
    "here": Words("På denne side", "On this page"),
    "copy": Words("Kopiér", "Copy"),
    "copied": Words("Kopieret", "Copied"),
    "offline": Words(
        "Alle personer i eksemplerne er opdigtede. Siden virker uden net.",
        "Every person in the examples is invented. This page works offline.",
    ),
}


def docs(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Return the page or picture of that address below /docs/, or the same 404 as for any unknown address."""
    name = ADDRESSES.get(rest)
    if name is None:
        return unknown_address(request)
    if name.endswith(".svg"):
        return HttpResponse(
            picture(name), content_type="image/svg+xml", headers={"Content-Security-Policy": PICTURES_POLICY}
        )
    shown = page(name)
    told = {
        "page": shown,
        "here": request.path,
        "menu": [(group.words.now(), [(link, words.now()) for link, words in group.links]) for group in MENU],
        "chrome": {key: words.now() for key, words in CHROME.items()},
    }
    answer = render(request, "docs/page.html", told)
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def to_docs(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's shape
    """Lead whoever left out the last stroke to the docs page."""
    return HttpResponseRedirect("/docs/")
