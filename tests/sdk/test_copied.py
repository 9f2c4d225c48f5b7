"""Every request that our clients make, copied as a call of Bandwidth's SDK, is the same request."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from bandwidth.rest import RESTClientObject

from workbench.clients import Voice
from workbench.copying import BANDWIDTH, Hosts, copies
from workbench.entries import of_exchange
from workbench.records import Event, Exchange
from workbench.settings import Settings

HOSTS = Hosts(BANDWIDTH, "https://api.webrtc.bandwidth.com/v1", "9900000")
IDS = {"call_id": "c-1", "conference_id": "conf-1", "recording_id": "r-1", "transcription_id": "t-1", "document": "<Bxml/>"}
BODIES: dict[str, dict[str, Any]] = {
    "create_call": {"to": "+19195550111", "from_": "+19195550100", "answer_url": "https://example.com/a", "tag": "mine"},
    "update_call": {"redirect_url": "https://example.com/r"},
    "list_calls": {"to": "+19195550111", "from_": "+19195550100", "page_size": 5},
    "list_conferences": {"name": "room", "page_size": 5},
    "update_conference": {"status": "completed"},
    "update_member": {"mute": True},
    "list_recordings": {"from_": "+19195550100"},
    "update_recording": {"state": "paused"},
    "transcribe": {"callback_url": "https://example.com/t", "tag": "mine"},
}
METHODS = [name for name, _ in inspect.getmembers(Voice, inspect.isfunction) if not name.startswith("_") and name != "close"]


class Sent(Exception):
    """What the SDK was about to send."""


def asked(method: str) -> tuple[Event, httpx.Request]:
    """What a method of our client asks, as the log has it and as it is sent."""
    exchanges: list[Exchange] = []
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=[] if method.startswith(("list", "recordings")) else {})

    settings = Settings(
        platform="live",
        account_id="9900000",
        username="u",
        password="p",
        application_id="a-1",
        number="+19195550100",
        client_id="",
        client_secret="",
    )
    voice = Voice(settings, exchanges.append, transport=httpx.MockTransport(answer))
    function = getattr(voice, method)
    wanted = inspect.signature(function).parameters
    result = function(*(IDS[name] for name in wanted if name in IDS), **BODIES.get(method, {}))
    if inspect.isgenerator(result):
        list(result)
    return of_exchange(exchanges[0], "run", 1), requests[0]


def sent(code: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str, Any, Any]:
    """Method, path, query and body of what the code sends."""

    def request(self: object, method: str, url: str, headers: Any = None, body: Any = None, **_: Any) -> None:
        raise Sent(method, url, body)

    monkeypatch.setattr(RESTClientObject, "request", request)
    for name, value in (("BW_USERNAME", "u"), ("BW_PASSWORD", "p"), ("BW_ACCOUNT_ID", "9900000")):
        monkeypatch.setenv(name, value)
    with pytest.raises(Sent) as found:
        exec(code, {})
    method, url, body = found.value.args
    return method, urlsplit(url).path, dict(parse_qsl(urlsplit(url).query)), body


@pytest.mark.parametrize("method", METHODS)
def test_the_sdk_sends_the_same(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    event, request = asked(method)
    got = sent(copies(event, HOSTS)["SDK"], monkeypatch)
    assert got[:2] == (request.method, request.url.path)
    if request.method == "GET":
        assert got[2] == dict(request.url.params)
    elif isinstance(event.data["request"], Mapping):
        expected = json.loads(request.content)
        assert {name: value for name, value in got[3].items() if name in expected} == expected
    elif event.data["request"] is not None:
        assert got[3] == request.content.decode()
