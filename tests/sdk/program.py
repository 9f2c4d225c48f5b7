"""A program written with Bandwidth's SDK and nothing of ours: it knows a host, credentials and its application."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import bandwidth
from bandwidth.models import bxml
from bandwidth.models.create_call import CreateCall
from pydantic import BaseModel

from tests.sdk.application import Application
from workbench.local import Local

ACCOUNT = "9900000"
NUMBER = "+19195550100"
APPLICATION = "a0000000-0000-4000-8000-000000000001"

BASIC = {"username": "local", "password": "local"}
OAUTH2 = {"client_id": "local-client", "client_secret": "local-secret"}
PHONES = itertools.count(1)


class Program:
    """The SDK's clients of the voice and endpoint APIs, an application, and the phones that it calls."""

    def __init__(self, local: Local, application: Application, credentials: Mapping[str, str]) -> None:
        self.local, self.application = local, application
        voice, endpoints = (bandwidth.ApiClient(configuration(local.url, path, credentials)) for path in ("/api/v2", "/v2"))
        self.apis: dict[str, Any] = {
            "CallsApi": bandwidth.CallsApi(voice),
            "ConferencesApi": bandwidth.ConferencesApi(voice),
            "RecordingsApi": bandwidth.RecordingsApi(voice),
            "StatisticsApi": bandwidth.StatisticsApi(voice),
            "TranscriptionsApi": bandwidth.TranscriptionsApi(voice),
            "EndpointsApi": bandwidth.EndpointsApi(endpoints),
        }
        self.calls, self.conferences = self.apis["CallsApi"], self.apis["ConferencesApi"]
        self.recordings, self.statistics = self.apis["RecordingsApi"], self.apis["StatisticsApi"]
        self.transcriptions, self.endpoints = self.apis["TranscriptionsApi"], self.apis["EndpointsApi"]

    def phone(self, **script: Any) -> str:
        """The number of a phone that nobody called yet; it answers at once."""
        number = f"+1555{next(PHONES):07}"
        self.local.phone(number).set(ring_seconds=0, **script)
        return number

    def call(self, *verbs: bxml.Verb, **fields: Any) -> str:
        """The id of a call whose phone has answered and which runs a document."""
        request = {
            "to": self.phone(),
            "from": NUMBER,
            "applicationId": APPLICATION,
            "answerUrl": self.document(*verbs),
            "disconnectUrl": self.application.at(),
        }
        call_id: str = self.calls.create_call(ACCOUNT, CreateCall.from_dict(request | fields)).call_id
        self.application.wait("answer", callId=call_id)
        self.local.clock.advance(0)  # waits until the platform has got the answer
        return call_id

    def document(self, *verbs: bxml.Verb) -> str:
        """A URL that is answered with a document of these verbs."""
        return self.application.at(bxml.Response(list(verbs)).to_bxml())

    def parked(self, **fields: Any) -> str:
        """The id of a call that does nothing for a minute."""
        return self.call(bxml.Pause(60), **fields)

    def conference(self, **attributes: Any) -> tuple[str, str]:
        """The ids of a conference and of its one member."""
        name = f"room-{next(PHONES)}"
        call_id = self.call(bxml.Conference(name, conference_event_url=self.application.at(), **attributes))
        joined = self.application.wait("conferenceMemberJoin", callId=call_id)
        return joined["conferenceId"], call_id


def configuration(url: str, path: str, credentials: Mapping[str, str]) -> bandwidth.Configuration:
    """The documented way to another host."""
    return bandwidth.Configuration(
        host=url + path, ignore_operation_servers=True, access_token_url=f"{url}/api/v1/oauth2/token", **credentials
    )


def unknown(value: Any, where: str = "") -> list[str]:
    """The fields of an answer or webhook which the SDK's model does not have, anywhere in it."""
    if isinstance(value, list):
        return [name for item in value for name in unknown(item, where)]
    if not isinstance(value, BaseModel):
        return []
    own = [f"{where}{name}" for name in getattr(value, "additional_properties", {})]
    return own + [name for field in type(value).model_fields for name in unknown(getattr(value, field), f"{where}{field}.")]
