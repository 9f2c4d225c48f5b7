"""Machine detection, seen by the application: in the answer, or as an event of its own (voice-api 3.1)."""

from __future__ import annotations

from tests.scenarios.joined import World
from workbench import bxml
from workbench.modes import Flow
from workbench.records import Event


def test_the_result_comes_as_an_event_of_the_flow(either_world: World) -> None:
    world, found = either_world, []
    world.wb.transfer.on("answer")(lambda event, flow: bxml.Pause(3600))

    @world.wb.transfer.on("machineDetectionComplete")
    def complete(event: Event, flow: Flow) -> None:
        found.append((flow.id, event.leg, event.data["machineDetectionResult"]["value"]))

    world.phone().set(answered_by="answering-machine")
    flow = world.wb.transfer.dial(world.phone(), machine_detection={"detectionTimeout": 20})
    world.idle()
    assert world.rows() == ["-> createCall phone", "<- answer phone: Pause", "<- machineDetectionComplete phone"]
    assert found == [(flow.id, "phone", "answering-machine")]


def test_the_answer_waits_for_the_result(world: World) -> None:
    results = []

    @world.wb.transfer.on("answer")
    def answer(event: Event, flow: Flow) -> bxml.Verb:
        results.append(event.data["machineDetectionResult"])
        return bxml.Hangup()

    world.wb.transfer.dial(world.phone(), machine_detection={"mode": "sync"})
    world.idle()
    assert world.rows() == ["-> createCall phone", "<- answer phone: Hangup", "<- disconnect phone (hangup)"]
    assert results == [{"value": "human", "duration": "PT6S"}]


def test_somebody_else_is_told_when_the_request_says_so(world: World) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: bxml.Pause(3600))
    world.wb.transfer.dial(world.phone(), machine_detection={"callbackUrl": "http://127.0.0.1:9/elsewhere"})
    world.idle()
    assert world.rows() == ["-> createCall phone", "<- answer phone: Pause"]
