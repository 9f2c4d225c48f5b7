"""Connect, seen by the application: a call meets an endpoint, and its statuses come to the flow (bxml 8, brtc 4.2)."""

from __future__ import annotations

from typing import Any

import httpx

from tests.scenarios.joined import PLATFORM, World
from workbench import bxml
from workbench.modes import Flow
from workbench.records import Event


def endpoint(world: World) -> dict[str, Any]:
    """A new endpoint with its token."""
    assert world.joined is not None
    with httpx.Client(transport=world.joined.transport, base_url=PLATFORM, auth=("local", "local")) as client:
        answer = client.post("/v2/accounts/9900000/endpoints", json={"type": "WEBRTC", "direction": "BIDIRECTIONAL", "tag": "desk"})
    return dict(answer.json()["data"])


def test_a_call_meets_an_endpoint(world: World) -> None:
    made = endpoint(world)
    device = world.local.connect(made)

    @world.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> list[bxml.Verb]:
        return [
            bxml.Connect([bxml.Endpoint(made["endpointId"])], event_callback_url=flow.url("connectStatus")),
            bxml.SpeakSentence("They left."),
        ]

    world.wb.transfer.dial(world.phone())
    world.idle()
    heard = world.local.hears()
    names = {party["id"]: party["name"] for party in heard["parties"]}
    assert {names[one]: [names[other] for other in others] for one, others in heard["hears"].items() if others} == {
        "phone +19195550111": ["desk"],
        "desk": ["phone +19195550111"],
    }
    device.press("12")
    world.phone().say("What was that?")
    world.idle()
    assert [one.data["digit"] for one in world.local.happenings("keyHeard")] == ["1", "2"]
    assert [one.data["text"] for one in world.local.happenings("phoneSays")] == ["What was that?"]
    device.hangup()
    world.idle()
    assert world.rows() == [
        "-> createCall phone",
        "<- answer phone: Connect SpeakSentence",
        "<- connectStatus phone (INITIATED)",
        "<- connectStatus phone (COMPLETED)",
        "<- disconnect phone (hangup)",
    ]
    assert world.spoken() == ["They left."]
