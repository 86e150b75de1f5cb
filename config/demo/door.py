"""
`/sandbox/…`: asks the other side of the demo exchange to play its part. With the local settings alone (config.checks).

Deny by default: whoever asks needs a token of a demo agency, and finds only what that token finds through the API; the
other side has to be a demo agency too. The door itself reads no referral, and takes no step.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from agencies.errors import NotThere
from agencies.models import Kind
from agencies.permissions import IsPrincipal
from agencies.principals import Principal, principal_of
from api_schema import queries
from api_schema.needed_scopes import ANY_TOKEN
from api_schema.problems import Unavailable
from api_schema.validation import CodeField, StrictSerializer
from api_schema.words import Words
from config.demo.client import Answer, Client, ClientError
from config.demo.plays import SENDS, Play, Plays
from config.demo.scripts import RECIPIENT, SCRIPTS, SENDER

LONGEST_WAIT = 3600.0
PASSED_ON = ("On-Behalf-Of", "Purpose", "Accept-Language")
NOT_ITS_PART = Words(
    "Det kan den anden part ikke spille her: {scripts}.", "The other side can't play that here; it can: {scripts}."
)
NOT_THEIRS = Words(
    "Skal være koden for en kommune i demoen, fx 0101.", "Must be the code of a demo municipality, such as 0101."
)


class AskForAnswer(StrictSerializer):
    """The body of `POST /sandbox/answers`."""

    referral = serializers.UUIDField()
    script = CodeField(choices=list(SCRIPTS))
    after_seconds = serializers.FloatField(min_value=0, max_value=LONGEST_WAIT, default=2.0)


class AskForReferral(StrictSerializer):
    """The body of `POST /sandbox/referrals`."""

    sender = serializers.CharField(max_length=32, default="0101")
    urgency = CodeField(choices=["routine", "soon", "acute"], default="soon")
    after_seconds = serializers.FloatField(min_value=0, max_value=LONGEST_WAIT, default=0.0)


def any_token(method: Any) -> Any:
    """Return a door's method, open to every token of a demo agency: what it finds, the API decides by that token."""
    method.needed_scopes = ANY_TOKEN
    return method


class Door(APIView):
    """What every address of the sandbox has in common: who may ask, and that the contract does not know it."""

    permission_classes = [IsPrincipal]
    schema = None

    def asker(self, request: Request) -> tuple[Principal, dict[str, Any]]:
        """Return who asks, and who the demo's agencies are, by id. To whom is not one of them, nothing is here."""
        queries.only(request, ())
        by = principal_of(request)
        demo = json.loads(Path(_sandbox()["demo_file"]).read_text(encoding="utf-8"))
        agencies = {agency["agency_id"]: agency for agency in demo["agencies"]}
        if str(by.agency) not in agencies or by.kind == Kind.POLICE:
            raise NotThere
        return by, agencies

    @property
    def plays(self) -> Plays:
        return Plays(Path(_sandbox()["plays"]))


class Answers(Door):
    """Ask the other side of one referral to play a script."""

    @any_token
    def post(self, request: Request) -> Response:
        by, agencies = self.asker(request)
        body = AskForAnswer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted, script = body.validated_data, SCRIPTS[body.validated_data["script"]]
        found = _found(request, wanted["referral"])
        if found.status != HTTPStatus.OK:
            return Response(found.json, status=found.status, content_type=found.headers.get("Content-Type"))
        rows = found.json["results"]
        sides: dict[str, str | None] = {
            side: (row[side] or {}).get("id") for row in rows for side in (SENDER, RECIPIENT)
        }
        part = RECIPIENT if sides.get(SENDER) == str(by.agency) else SENDER
        other = sides.get(part)
        if str(by.agency) not in sides.values() or other is None or other not in agencies:
            raise NotThere
        if script.side != part:
            fitting = ", ".join(name for name, each in SCRIPTS.items() if each.side == part)
            raise serializers.ValidationError(
                {"script": [ErrorDetail(NOT_ITS_PART.now(scripts=fitting), code="not_its_part")]}
            )
        play = Play(
            asked_by=str(by.agency),
            played_by=other,
            script=wanted["script"],
            referral=str(wanted["referral"]),
            after_seconds=wanted["after_seconds"],
        )
        return _taken_up(self.plays.put(play))


class Referrals(Door):
    """Ask a demo municipality to send you a referral."""

    @any_token
    def post(self, request: Request) -> Response:
        by, agencies = self.asker(request)
        body = AskForReferral(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        senders = {each["code"]: key for key, each in agencies.items() if each["kind"] == Kind.MUNICIPALITY}
        if senders.get(wanted["sender"], str(by.agency)) == str(by.agency):
            raise serializers.ValidationError({"sender": [ErrorDetail(NOT_THEIRS.now(), code="not_a_sender")]})
        play = Play(
            asked_by=str(by.agency),
            played_by=senders[wanted["sender"]],
            script=SENDS,
            urgency=wanted["urgency"],
            after_seconds=wanted["after_seconds"],
        )
        return _taken_up(self.plays.put(play))


class OnePlay(Door):
    """How far something is that your agency asked for."""

    @any_token
    def get(self, request: Request, play_id: UUID) -> Response:
        by, _ = self.asker(request)
        play = self.plays.get(play_id)
        if play is None or play.asked_by != str(by.agency):
            raise NotThere
        return Response(_body(play))


def _sandbox() -> Mapping[str, Any]:
    """Return where the sandbox is. Raises `NotThere` with settings that have none."""
    sandbox: Mapping[str, Any] | None = getattr(settings, "SANDBOX", None)
    if sandbox is None:
        raise NotThere
    return sandbox


def _found(request: Request, referral: UUID) -> Answer:
    """
    Return what the API answers whoever asks, with their own token, when they search for the referral.

    It is their act, recorded as theirs. Raises `Unavailable` where the API does not answer.
    """
    sent = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
    token = request.headers["Authorization"].partition(" ")[2]
    try:
        return Client.bearing(str(_sandbox()["base_url"]), token=token).post(
            "/api/v1/referrals/search", {"reference": str(referral)}, headers=sent
        )
    except ClientError as error:
        raise Unavailable from error


def _taken_up(play: Play) -> Response:
    headers = {"Location": f"/sandbox/plays/{play.id}"}
    return Response(_body(play), status=HTTPStatus.ACCEPTED, headers=headers)


def _body(play: Play) -> dict[str, Any]:
    told = asdict(play)
    shown = ("id", "script", "state", "after_seconds", "steps")
    return {**{name: told[name] for name in shown}, "referral": play.referral or None}
