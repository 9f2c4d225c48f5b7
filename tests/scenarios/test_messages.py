"""Flows as messages between lanes: what each mode's ladder shows, and that the order in which it is told does not matter."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.bench.ladder import LEGS
from tests.bench.ladder import flow as long_flow
from tests.scenarios.joined import World
from workbench import bxml, messages
from workbench.errors import WorkbenchError
from workbench.messages import NOTEBOOK, VOICE, WEBRTC, Message, Reading
from workbench.modes import Flow


def inbound_transfer(world: World) -> Flow:
    world.wb.transfer.take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    world.phone().hangup()
    return world.wb.transfer.flow


def outbound_bridge(world: World) -> Flow:
    flow = world.wb.bridge.dial(world.phone(2))
    world.idle()
    world.wb.local.disconnect(world.browser)
    world.idle()
    world.phone(2).hangup()
    return flow


def conference(world: World) -> Flow:
    flow = world.wb.conference.dial(world.phone(3))
    world.idle()
    world.wb.conference.mute("phone 3")
    flow.close()
    return flow


def unanswered_transfer(world: World) -> Flow:
    world.local.interconnect(answer=False)
    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    return flow


def transfer_to_a_phone(world: World) -> Flow:
    courier, stranger = world.wb.phone(3, "courier"), "+15550100099"
    numbers = [bxml.PhoneNumber(courier.number), bxml.PhoneNumber(stranger)]
    world.wb.transfer.on("initiate")(lambda event, flow: bxml.Transfer(numbers))
    world.wb.local.phone(stranger).set(answer=False)
    flow = inbound_transfer(world)
    world.wb.transfer.reset()
    return flow


def announced(world: World) -> Flow:
    flow = world.wb.conference.dial(world.phone())
    world.idle()
    world.wb.conference.announce([bxml.SpeakSentence("Ten minutes left.")])
    world.idle()
    flow.close()
    return flow


STORIES: list[Callable[[World], Flow]] = [
    inbound_transfer,
    outbound_bridge,
    conference,
    unanswered_transfer,
    transfer_to_a_phone,
    announced,
]


def read(world: World, flow: Flow) -> tuple[dict[str, str], list[Any], list[Any], dict[str, str]]:
    world.idle()
    people = {world.browser.id: "browser"}
    return world.parts.board.numbers(flow), world.parts.log.events(flow=flow.id), world.local.happenings(), people


def lines(found: tuple[Message, ...]) -> list[str]:
    return [f"{one.source} > {one.target}: {one.label}" for one in found if one.kind != "answer"]


def test_a_call_to_us_is_read_from_top_to_bottom(world: World) -> None:
    flow = inbound_transfer(world)
    legs, events, happened, people = read(world, flow)
    lanes, found = messages.of(flow.id, legs, events, happened, str, people)
    assert [lane.name for lane in lanes] == ["phone", VOICE, NOTEBOOK, WEBRTC, "browser"]
    assert lines(found) == [
        f"phone > {VOICE}: calls",
        f"{VOICE} > {NOTEBOOK}: initiate phone",
        f"{NOTEBOOK} > {WEBRTC}: createParticipant webrtc",
        f"{NOTEBOOK} > {WEBRTC}: addParticipantToSession webrtc",
        f"{NOTEBOOK} > {VOICE}: Transfer",
        f"{VOICE} > {WEBRTC}: INVITE with token",
        f"{WEBRTC} > {VOICE}: rings",
        f"{WEBRTC} > {VOICE}: answers",
        f"{VOICE} > phone: answers",
        f"phone > {WEBRTC}: joined",
        f"phone > {VOICE}: ends · hangup",
        f"phone > {WEBRTC}: parted",
        f"{VOICE} > {WEBRTC}: ends · hangup",
        f"{VOICE} > {NOTEBOOK}: disconnect phone · hangup",
        f"{NOTEBOOK} > {WEBRTC}: deleteParticipant webrtc",
    ]
    answers = [one.label for one in found if one.kind == "answer"]
    assert answers[0].startswith("200 · ") and answers[0].endswith("with token")
    assert all(one.truth in ("documented", "observed", "assumed") for one in found if one.key[0] == "h")


def test_a_target_that_never_answers_is_seen_to_ring(world: World) -> None:
    flow = unanswered_transfer(world)
    found = lines(messages.of(flow.id, *read(world, flow)[:3])[1])
    at = found.index(f"{VOICE} > {WEBRTC}: INVITE with token")
    assert found[at + 1 : at + 3] == [f"{WEBRTC} > {VOICE}: rings", f"{VOICE} > {WEBRTC}: ends · timeout"]
    assert any(line.startswith(f"{VOICE} > phone: speaks") for line in found)


def test_targets_that_no_leg_stands_for_have_lanes_of_their_own(world: World) -> None:
    flow = transfer_to_a_phone(world)
    lanes, found = messages.of(flow.id, *read(world, flow)[:3], names=world.parts.board.names)
    assert [(lane.name, lane.note) for lane in lanes[:3]] == [
        ("phone", world.phone().number),
        ("courier", world.phone(3).number),
        ("+15550100099", ""),
    ]
    told = set(lines(found))
    assert told >= {f"{VOICE} > +15550100099: INVITE", f"courier > {VOICE}: answers", "phone > courier: joined"}
    assert f"{VOICE} > courier: ends · hangup" in told


def test_a_target_without_a_name_is_hidden_in_a_capsule(world: World, tmp_path: Path) -> None:
    flow = transfer_to_a_phone(world)
    assert "15550100099" in repr(world.wb.figure(flow))
    capsule = world.wb.capsule(tmp_path / "call.html", flow).read_text(encoding="utf-8")
    assert "courier" in capsule and "15550100099" not in capsule


def test_what_is_said_to_a_conference_is_seen(world: World) -> None:
    flow = announced(world)
    _, found = messages.of(flow.id, *read(world, flow)[:3])
    assert [line.split(" s: ")[1] for line in lines(found) if line.startswith(f"{VOICE} > {VOICE}: speaks")] == ["Ten minutes left."]


def test_a_browser_that_leaves_in_the_midst_is_seen(world: World) -> None:
    flow = outbound_bridge(world)
    _, found = messages.of(flow.id, *read(world, flow)[:3], people=read(world, flow)[3])
    assert f"browser > {WEBRTC}: leaves the session" in lines(found)
    assert [one.at for one in found if one.kind == "request"] == [None] * sum(one.kind == "request" for one in found)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_the_order_in_which_it_is_told_does_not_matter(world: World, story: Callable[[World], Flow]) -> None:
    flow = story(world)
    legs, events, happened, people = read(world, flow)
    whole = messages.of(flow.id, legs, events, happened, str, people, world.parts.board.names)
    for seed in range(20):
        told: list[tuple[str, Any]] = [("event", one) for one in events] + [("happening", one) for one in happened]
        told += [("learn", {name: number}) for name, number in legs.items()]
        random.Random(seed).shuffle(told)
        reading, shown = Reading(flow.id, str, people, world.parts.board.names), {}
        for what, one in told:
            shown.update({message.key: message for message in getattr(reading, what)(one)})
        assert reading.ordered() == whole[1]
        assert shown == reading.messages, "what is told piece by piece is all there is"


def test_what_a_handler_asked_for_stands_before_its_answer_also_without_numbers(world: World) -> None:
    flow = inbound_transfer(world)
    legs, events, _, _ = read(world, flow)
    from dataclasses import replace

    live = [replace(one, seq=None, id=at) for at, one in enumerate(sorted(events, key=lambda one: (one.time, one.id)))]
    _, found = messages.of(flow.id, legs, live)
    order = [one.label for one in found if one.kind != "answer"]
    assert order.index("Transfer") > order.index("addParticipantToSession webrtc") > order.index("initiate phone")
    assert all(one.at is not None for one in found)


def test_a_flow_of_an_earlier_run_is_drawn_from_what_was_asked_and_answered(world: World) -> None:
    flow = inbound_transfer(world)
    run = world.wb.runs()[0].run
    drawn = world.wb.figure(flow.id, run=run)
    assert drawn.columns[0] == messages.Lane("phone", world.phone().number)
    assert [row.label for row in drawn.rows][:2] == ["initiate phone", "createParticipant webrtc"]
    assert {row.kind for row in drawn.rows} == {"webhook", "request", "reply"}
    with pytest.raises(WorkbenchError, match="flow: there is none called 'bridge-9' in run"):
        world.wb.figure("bridge-9", run=run)


def test_a_long_flow_told_late_is_in_the_order_in_which_it_happened() -> None:
    events, happened = long_flow(1200)
    whole = messages.of("transfer-1", LEGS, events, happened)
    told: list[tuple[str, Any]] = [("event", one) for one in events] + [("happening", one) for one in happened]
    for order in (told[::-1], random.Random(1).sample(told, len(told))):
        reading = Reading("transfer-1")
        reading.learn(LEGS)
        for what, one in order:
            getattr(reading, what)(one)
        assert reading.ordered() == whole[1]


def test_a_browser_seen_in_two_flows_has_a_message_in_each(world: World) -> None:
    flows = [world.wb.bridge.dial(world.phone()), world.wb.conference.dial(world.phone(2))]
    world.idle()
    world.wb.local.disconnect(world.browser)
    world.idle()
    for flow in flows:
        flow.close()
    keys = []
    for flow in flows:
        legs, events, happened, people = read(world, flow)
        keys += [one.key for one in messages.of(flow.id, legs, events, happened, str, people)[1] if one.name == "onLeave"]
    assert len(set(keys)) == len(keys) == 2, "so that a page which holds both loses none"
