"""Endpoints, their devices, and calls connected with them (brtc)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.rig import BASE, NUMBER, PHONE, PHONE_2, Rig
from workbench import bxml, tokens
from workbench.simulator.effects import Refusal


def connect(endpoint_id: str, **attributes: Any) -> bxml.Connect:
    return bxml.Connect([bxml.Endpoint(endpoint_id)], event_callback_url="/status", **attributes)


def statuses(rig: Rig) -> list[str]:
    return [webhook.body["status"] for webhook in rig.webhooks if webhook.body.get("event") == "connectStatus"]


def told(rig: Rig) -> list[str]:
    """What the application was told, a status in place of its event's name."""
    events = [webhook.body for webhook in sorted(rig.webhooks, key=lambda webhook: webhook.seq)]
    return [str(body.get("status") or body.get("event") or body.get("eventType")) for body in events]


def device(rig: Rig) -> str:
    return next(iter(rig.engine.devices))


def on_a_call(**answers: Any) -> tuple[Rig, str, str]:
    """A rig, its endpoint, and the call that is connected with it."""
    rig = Rig(**answers)
    endpoint, _ = rig.endpoint()
    rig.answers["answer"] = [connect(endpoint), bxml.SpeakSentence("Next."), bxml.Pause(1000)]
    call = rig.call(PHONE, "A")
    rig.idle()
    assert rig.hears() == {PHONE: ["browser"], "browser": [PHONE]}
    return rig, endpoint, call


def test_an_endpoint_without_a_url_tells_nobody() -> None:
    rig = Rig()
    _, token = rig.engine.create_endpoint(rig.now, {"type": "WEBRTC", "direction": "INBOUND"})
    made = rig.engine.connect_device(rig.now, token)
    assert not rig.engine.request_outbound(rig.now, made.id, PHONE)
    rig.idle()
    assert rig.webhooks == []
    assert rig.kinds() == ["endpointConnected", "endpointEligible", "outboundConnectionRequest"]


def test_an_endpoints_event_is_that_of_the_guide() -> None:
    rig = Rig()
    endpoint, _ = rig.endpoint('{"seat": 1}')
    rig.idle()
    assert rig.webhooks[0].body == {
        "event": "endpointConnected",
        "timestamp": int(rig.now * 1000),
        "accountId": "9900000",
        "endpointId": endpoint,
        "deviceId": device(rig),
        "tags": '{"seat": 1}',
    }
    assert (rig.webhooks[0].method, rig.webhooks[0].username) == ("POST", None)


def test_events_go_to_the_fallback_when_they_are_refused() -> None:
    rig = Rig(endpointConnected=500)
    rig.endpoint(eventFallbackUrl=f"{BASE}/fallback")
    rig.idle()
    tried = [(webhook.url, webhook.body["event"]) for webhook in rig.webhooks]
    assert tried == [
        (f"{BASE}/endpoint", "endpointConnected"),
        (f"{BASE}/endpoint", "endpointEligible"),
        (f"{BASE}/fallback", "endpointConnected"),
    ]
    assert rig.webhooks[2].rule == "webhook.fallback" and rig.kinds()[-1] == "webhookLost"


def test_too_many_endpoints() -> None:
    rig = Rig()
    rig.engine.configure_limits(rig.now, {"endpoints": 1})
    first, _ = rig.endpoint(device=False)
    with pytest.raises(Refusal) as refused:
        rig.endpoint(device=False)
    assert (refused.value.status, refused.value.rule) == (429, "endpoint.limit")
    rig.engine.delete_endpoint(rig.now, first)
    rig.endpoint(device=False)
    rig.engine.configure_limits(rig.now, {"endpoints": None})
    rig.endpoint(device=False)


def test_an_endpoint_deleted_in_time_does_not_expire() -> None:
    rig = Rig()
    endpoint, _ = rig.endpoint()
    rig.engine.delete_endpoint(rig.now, endpoint)
    rig.advance(86400)
    assert told(rig) == ["endpointConnected", "endpointEligible", "endpointIneligible", "endpointDisconnected"]
    assert "endpointExpired" not in rig.kinds() and not rig.engine.endpoints and not rig.engine.devices


@pytest.mark.parametrize("publish", [True, False])
def test_publishing_again_is_nothing_new(publish: bool) -> None:
    rig = Rig()
    _, token = rig.endpoint(device=False)
    made = rig.engine.connect_device(rig.now, token, publishes=publish)
    rig.idle()
    before = told(rig)
    rig.engine.publish_audio(rig.now, made.id, publish)
    assert told(rig.idle()) == before


def test_a_participants_device_that_stops_publishing_is_not_heard() -> None:
    rig = Rig()
    session, _ = rig.browser()
    other, token = rig.engine.create_participant(rig.now, {"tag": "other"})
    rig.engine.add_participant(rig.now, session, other.id, {"sessionId": session})
    made = rig.engine.connect_device(rig.now, token)
    assert rig.hears() == {"browser": ["other"], "other": ["browser"]}
    rig.engine.publish_audio(rig.now, made.id, False)
    assert rig.hears() == {"browser": [], "other": ["browser"]}
    rig.engine.lose_device(rig.now, made.id)
    assert rig.hears() == {"browser": []}


def test_a_connection_from_both_ends() -> None:
    rig, endpoint, call = on_a_call()
    assert rig.engine.state()["connections"] == [{"sessionId": "connection-1", "callId": call, "endpointId": endpoint, "joined": True}]
    shown = rig.engine.state()["endpoints"][0]
    assert (shown["callId"], shown["eligible"], shown["connected"], shown["deviceId"]) == (call, False, True, device(rig))
    assert rig.engine.state()["devices"][0]["endpointId"] == endpoint
    rig.engine.hang_up_device(rig.now, device(rig))
    rig.idle()
    assert told(rig)[2:] == ["answer", "INITIATED", "endpointIneligible", "COMPLETED", "endpointEligible"]
    assert rig.kinds()[-4:] == ["endpointEligible", "next", "speak", "pause"]
    assert rig.hears() == {PHONE: [], "browser": []} and rig.engine.state()["connections"] == []


def test_a_connect_without_a_url_is_told_to_nobody() -> None:
    rig = Rig()
    endpoint, _ = rig.endpoint()
    rig.answers["answer"] = bxml.Connect([bxml.Endpoint(endpoint)])
    rig.call(PHONE, "A")
    rig.idle()
    rig.engine.phone_hangup(rig.now, PHONE)
    rig.idle()
    assert statuses(rig) == [] and [h.data["status"] for h in rig.happenings if h.kind == "connectStatus"] == ["INITIATED", "COMPLETED"]


def test_hundreds_of_connects_that_fail_run_one_after_the_other() -> None:
    rig = Rig(answer=[connect("e-unknown")] * 800)
    rig.call(PHONE, "A")
    rig.idle()
    assert statuses(rig) == ["INITIATED", "FAILED"] * 800


def test_a_call_to_a_number_of_the_account_carries_an_endpoint() -> None:
    """The other half of such a call hears the endpoint, wherever it is."""
    rig = Rig()
    endpoint, _ = rig.endpoint()
    rig.answers |= {"initiate": connect(endpoint), "answer": bxml.Conference("room")}
    rig.call(PHONE, "A")
    rig.call(NUMBER, "wire")
    rig.idle()
    assert rig.hears() == {PHONE: ["browser"], "browser": [PHONE]}
    wire = next(call for call in rig.engine.calls.values() if call.to == NUMBER and call.direction == "outbound")
    rig.engine.update_call(rig.now, wire.call_id, {"state": "completed"})
    rig.idle()
    assert rig.hears() == {PHONE: [], "browser": []} and statuses(rig) == ["INITIATED", "COMPLETED"]


def test_a_call_bridged_away_leaves_its_endpoint() -> None:
    rig, _, call = on_a_call()
    rig.answers["answer"] = bxml.Bridge(call)
    rig.call(PHONE_2, "B")
    rig.idle()
    assert rig.hears() == {PHONE: [PHONE_2], PHONE_2: [PHONE], "browser": []}
    assert statuses(rig) == ["INITIATED", "COMPLETED"] and told(rig)[-1] == "endpointEligible"


def test_the_interconnect_takes_no_endpoints_token() -> None:
    rig = Rig(answer=bxml.Pause(60))
    _, token = rig.endpoint(device=False)
    rig.call(tokens.INTERCONNECT, "L", uui=f"{token};encoding=jwt")
    rig.idle()
    assert rig.events() == ["disconnect L rejected"] and "inviteRefused" in rig.kinds()


def test_no_token_in_what_happens() -> None:
    rig, _, _ = on_a_call()
    _, token = rig.endpoint("second")
    rig.idle()
    assert token not in repr((rig.happenings, rig.webhooks, rig.engine.state()))
