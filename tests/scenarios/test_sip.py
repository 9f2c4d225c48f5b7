"""Calls from SIP addresses, seen by the application: what comes with them, and where they are sent (bxml 8)."""

from __future__ import annotations

from tests.scenarios.joined import World
from workbench import bxml
from workbench.modes import Flow
from workbench.records import Event


def test_a_refer_that_fails_asks_its_flow(either_world: World) -> None:
    world = either_world
    alice, told = world.wb.phone("sip:alice@example.com", "alice").set(refer_answer=405), []
    world.wb.transfer.take_inbound()

    @world.wb.transfer.on("initiate")
    def initiate(event: Event, flow: Flow) -> bxml.Refer:
        return bxml.Refer(bxml.SipUri("sip:bob@example.com"), refer_complete_url=flow.url("referComplete"))

    @world.wb.transfer.on("referComplete")
    def complete(event: Event, flow: Flow) -> bxml.SpeakSentence:
        told.append((event.leg, event.data["referCallStatus"], event.data["referSipResponseCode"]))
        return bxml.SpeakSentence("That did not work.")

    alice.dial(world.wb.number)
    world.idle()
    assert world.rows() == [
        "<- initiate alice: Refer",
        "<- referComplete alice: SpeakSentence",
        "<- disconnect alice (hangup)",
    ]
    assert told == [("alice", "failure", 405)]
    assert "key=•" in world.parts.log.events(flow=world.wb.transfer.flow.id)[0].reply


def test_a_sip_phone_brings_its_headers_and_is_forwarded(world: World) -> None:
    alice, told = world.wb.phone("sip:alice@example.com", "alice"), {}
    world.wb.transfer.take_inbound()

    @world.wb.transfer.on("initiate")
    def initiate(event: Event, flow: Flow) -> bxml.Forward:
        told.update(event.data)
        return bxml.Forward(world.phone().number)

    alice.dial(world.wb.number, headers={"X-Ticket": "7"}, diversion={"origTo": "+19195550177"})
    world.idle()
    assert (told["sipHeaders"], told["diversion"]["origTo"]) == ({"x-ticket": "7"}, "+19195550177")
    assert world.rows() == ["<- initiate alice: Forward"]
    assert world.hears()["alice"] == ["phone"]
    world.phone().hangup()
    world.idle()
    assert world.rows()[1:] == ["<- disconnect alice (hangup)"]
