"""The page that a problem's `type` leads to: every kind of problem, in both languages, made from their register."""

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe

from api_schema.problems import REGISTER, unfilled

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Udvej: problems</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem;color:#1d2733}}
article{{border-top:1px solid #d5dbe3;padding:.6rem 0}}code{{background:#eef1f5;padding:.1rem .35rem}}
h2{{font-size:1.05rem;margin:.2rem 0}}p{{margin:.2rem 0}}</style></head><body>
<h1>Problems</h1><p>Every error is <code>application/problem+json</code> (RFC 9457). Its <code>code</code> never
changes; its words follow <code>Accept-Language</code>. No error repeats a value that was sent.</p>{}</body></html>"""


def problem_page(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's shape
    """Return the page as HTML."""
    articles = format_html_join(
        "",
        '<article id="{}"><h2>{} <code>{}</code></h2><p><b>{}</b> {}</p><p lang="da"><b>{}</b> {}</p></article>',
        (
            (
                *(kind.code, kind.status, kind.code),
                *(kind.title.en, unfilled(kind.detail.en), kind.title.da, unfilled(kind.detail.da)),
            )
            for kind in sorted(REGISTER.values(), key=lambda kind: (kind.status, kind.code))
        ),
    )
    return HttpResponse(format_html(mark_safe(PAGE), articles))  # noqa: S308 - a constant of this file
