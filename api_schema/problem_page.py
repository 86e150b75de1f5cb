"""The pages that a problem's `type` leads to: each kind with cause, cure and an example, in both languages."""

import json

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from api_schema.problems import MEDIA_TYPE, REGISTER, TYPE_BASE, NotFound, Problem, example, plain_answer
from api_schema.remedies import REMEDIES

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Udvej: {}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1d2733}}
article{{border-top:1px solid #d5dbe3;padding:.6rem 0}}code,pre{{background:#eef1f5;padding:.1rem .35rem}}
pre{{padding:.6rem;overflow:auto}}h2{{font-size:1.05rem;margin:.2rem 0}}p{{margin:.2rem 0}}</style></head>
<body>{}</body></html>"""
INDEX = """<h1>Problems</h1><p>Every error is <code>application/problem+json</code> (RFC 9457). Its <code>code</code>
and <code>type</code> never change; its words follow <code>Accept-Language</code>. No error repeats a value that was
sent. Each leads to a page on why it arises and what to do.</p>{}"""
ROW = '<article id="{}"><h2>{} <a href="{}{}"><code>{}</code></a></h2><p>{}</p><p lang="da">{}</p></article>'
ONE = """<p><a href="{}">Problems</a></p><h1>{} <code>{}</code></h1>
<section><h2>{}</h2><p>{}</p><h2>Cause</h2><p>{}</p><h2>Cure</h2><p>{}</p></section>
<section lang="da"><h2>{}</h2><p>{}</p><h2>Årsag</h2><p>{}</p><h2>Løsning</h2><p>{}</p></section>
<section><h2>Example</h2><pre>HTTP/1.1 {}
Content-Type: {}

{}</pre></section>"""


def problem_page(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's shape
    """Return the list of all problems as HTML."""
    kinds = sorted(REGISTER.values(), key=lambda kind: (kind.status, kind.code))
    rows = ((kind.code, kind.status, TYPE_BASE, kind.code, kind.code, kind.title.en, kind.title.da) for kind in kinds)
    return _page("problems", format_html(mark_safe(INDEX), format_html_join("", ROW, rows)))  # noqa: S308 - a constant


def one_problem_page(request: HttpRequest, code: str) -> HttpResponse:  # noqa: ARG001 - Django's shape
    """Return one problem's page as HTML: cause, cure and an example; or the problem that there is no such page."""
    kind = REGISTER.get(code)
    if kind is None or code not in REMEDIES:
        return plain_answer(NotFound())
    return _page(code, _told(kind))


def _told(kind: type[Problem]) -> SafeString:
    remedy, answered = REMEDIES[kind.code], example(kind)
    return format_html(
        mark_safe(ONE),  # noqa: S308 - a constant of this file
        TYPE_BASE.rstrip("/"),
        *(kind.status, kind.code),
        *(kind.title.en, answered["detail"], remedy.cause.en, remedy.cure.en),
        *(kind.title.da, example(kind, danish=True)["detail"], remedy.cause.da, remedy.cure.da),
        *(kind.status, MEDIA_TYPE, json.dumps(answered, indent=2, ensure_ascii=False)),
    )


def _page(title: str, content: SafeString) -> HttpResponse:
    return HttpResponse(format_html(mark_safe(PAGE), title, content))  # noqa: S308 - a constant of this file
