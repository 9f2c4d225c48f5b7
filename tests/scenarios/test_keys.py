"""Keys, seen by the application: events of their flow whose answer counts for nothing (bxml 7)."""

from __future__ import annotations

from tests.scenarios.joined import World
from workbench import bxml
from workbench.modes import Flow
from workbench.records import Event

P2 = ["-> createParticipant webrtc", "-> addParticipantToSession webrtc"]


def test_keys_are_events_of_their_flow_while_the_call_is_connected(either_world: World) -> None:
    world, keys = either_world, []

    @world.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> list[bxml.Verb]:
        return [bxml.StartGather(flow.url("dtmf")), flow.connect_verb(flow.participant())]

    @world.wb.transfer.on("dtmf")
    def dtmf(event: Event, flow: Flow) -> None:
        keys.append((flow.id, event.leg, event.data["digit"]))

    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    for key in "4#":
        world.phone().press(key)
        world.idle()
    assert world.rows() == ["-> createCall phone", "<- answer phone: StartGather Transfer", *P2, "<- dtmf phone", "<- dtmf phone"]
    assert keys == [(flow.id, "phone", "4"), (flow.id, "phone", "#")]
    assert world.hears()["phone"] == ["browser"]
