"""Stories played under the three verbs, both sides joined: what survives, who hears whom, and that nothing is left."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.scenarios.joined import NOTHING, World
from workbench.errors import WorkbenchError
from workbench.story import READY


def heard(picture: Any) -> set[str]:
    """Who hears whom, as `listener<voice`."""
    names = picture.parties
    return {f"{one}<{two}" for one, row in zip(names, picture.hears, strict=True) for two, hears in zip(names, row, strict=True) if hears}


BOTH = {"phone<browser", "browser<phone"}


def test_a_change_breaks_a_transfer_and_nothing_else(world: World) -> None:
    played = world.wb.compare(story="support call")
    told = list(played.survived.index)
    assert dict(played.survived.loc[told[0]]) == {
        "transfer": "webrtc ends, phone stays",
        "bridge": "phone and webrtc stay",
        "conference": "phone and webrtc stay",
    }
    assert dict(played.survived.loc[told[1]]) == {
        "transfer": "webrtc comes, phone stays",
        "bridge": "phone and webrtc stay",
        "conference": "phone and webrtc stay",
    }
    assert played.survived.loc[told[2], "transfer"].startswith("cannot: a Transfer is a single call")
    assert set(played.survived.loc[told[2], ["bridge", "conference"]]) == {"phone ends, phone 2 comes, webrtc stays"}
    assert [scene.broken for scene in played.played["bridge"].scenes] == [(), (), ()]


@pytest.mark.parametrize("mode", ["transfer", "bridge", "conference"])
def test_who_hears_whom_before_and_after_each_change(world: World, mode: str) -> None:
    scenes = world.wb.compare(mode, story="support call").played[mode].scenes
    assert [(heard(scene.before), heard(scene.after)) for scene in scenes[:2]] == [(BOTH, set()), (set(), BOTH)]
    swapped = BOTH if mode == "transfer" else {"phone 2<browser", "browser<phone 2"}
    assert heard(scenes[2].after) == swapped


def test_only_a_conference_takes_a_third_and_mutes(world: World) -> None:
    played = world.wb.compare(story={"moments": ["join phone 2", "mute", "unmute", "leave phone 2"]})
    for mode in ("transfer", "bridge"):
        outcomes = [scene.outcome.split(":")[0] for scene in played.played[mode].scenes]
        assert outcomes == ["cannot", "cannot", "cannot", "phone 2 is not there"]
    joined, muted, unmuted, left = played.played["conference"].scenes
    everyone = BOTH | {"phone 2<phone", "phone<phone 2", "phone 2<browser", "browser<phone 2"}
    assert heard(joined.after) == heard(unmuted.after) == everyone
    assert heard(muted.after) == everyone - {"phone 2<phone", "browser<phone"}
    assert heard(left.after) == BOTH


@pytest.mark.parametrize(
    ("who", "ends"),
    [
        ("webrtc", {"transfer": "phone and webrtc", "bridge": "webrtc", "conference": "webrtc"}),
        ("phone", {"transfer": "phone and webrtc", "bridge": "phone", "conference": "phone"}),
    ],
)
def test_who_leaves_takes_a_transfer_along(world: World, who: str, ends: dict[str, str]) -> None:
    played = world.wb.compare(story={"moments": [f"leave {who}"]}).played
    assert {mode: " and ".join(one.scenes[0].lost) for mode, one in played.items()} == ends


@pytest.mark.parametrize("story", READY)
def test_the_same_browser_is_there_throughout_and_nothing_is_left(world: World, story: str) -> None:
    device = world.local.state()["devices"][0]["deviceId"]
    played = world.wb.compare(story=story).played
    assert {one for mode in played.values() for one in mode.devices} == {device}
    assert world.left() == NOTHING
    assert [one["deviceId"] for one in world.local.state()["devices"]] == [device]
    assert world.local.state()["interconnect"] == {"answer": True, "answer_seconds": 0.2}
    assert all(one["answer"] and one["ring_seconds"] == 1.0 for one in world.local.state()["phones"])


def test_without_a_browser_one_comes_for_the_story_and_goes(world: World) -> None:
    world.local.disconnect(world.browser)
    world.idle()
    before = [one["id"] for one in world.local.state()["participants"]]
    played = world.wb.compare("bridge").played["bridge"]
    assert heard(played.first) == BOTH
    world.idle()
    assert world.local.state()["devices"] == []
    assert [one["id"] for one in world.local.state()["participants"]] == before


@pytest.mark.parametrize("story", ["basic", "inbound call", "call an expert in"])
def test_the_readers_own_calls_stay_as_they_are(world: World, story: str) -> None:
    room = world.wb.conference.dial(world.phone())
    waiting = world.wb.bridge.open()
    world.wb.bridge.dial_webrtc(waiting)
    world.wb.bridge.take_inbound()
    world.idle()
    calls, current, inbound = world.left()["calls"], world.parts.board.current, world.parts.board.inbound
    played = world.wb.compare(story=story)
    assert [heard(one.first) for one in played.played.values()] == [BOTH] * 3
    assert world.left()["calls"] == calls
    assert set(world.wb.conference.members()["leg"]) == {"webrtc", "phone"}
    assert (world.wb.conference.flow, world.wb.bridge.flow) == (room, waiting)
    assert (world.parts.board.current, world.parts.board.inbound) == (current, inbound)
    assert world.local.clock.paused


def test_a_story_is_none_of_the_readers_flows(world: World) -> None:
    played = world.wb.compare("bridge").played["bridge"].flow
    assert world.wb.bridge.flows == []
    assert world.wb.bridge.open().id == "bridge-2"
    assert "bridge-1" in repr(world.wb.figure(played.id))


def test_a_story_that_calls_in_opens_a_flow_of_its_own(world: World) -> None:
    played = world.wb.compare(story="inbound call")
    assert [one.flow.id for one in played.played.values()] == ["transfer-1", "bridge-1", "conference-1"]
    assert played.timing.frame().set_index(["flow", "leg"]).loc[("transfer-1", "phone"), "ring"] == 0


def test_who_never_answers_is_never_heard(world: World) -> None:
    played = world.wb.compare(story={"rings": {"webrtc": None}})
    assert [heard(one.first) for one in played.played.values()] == [set()] * 3
    assert played["set-up s"].isna().all()


def test_how_long_it_rings_is_seen_in_the_set_up(world: World) -> None:
    played = world.wb.compare("transfer", "bridge", story={"rings": {"phone": 4, "webrtc": 3}})
    assert dict(played["set-up s"]) == {"transfer": 7.0, "bridge": 4.0}
    assert [flow.set_up for flow in played.timing.flows] == [7.0, 4.0]


def test_a_handler_that_keeps_a_call_out_of_the_room_is_told(world: World) -> None:
    world.wb.conference.on("answer")(lambda event, flow: world.wb.bridge.wait())
    scene = world.wb.compare("conference", story="listen only").played["conference"].scenes[0]
    assert scene.outcome.startswith("failed: the conference does not exist yet")
    assert world.left() == NOTHING


def test_a_fault_waits_for_the_readers_own_call(world: World) -> None:
    world.wb.fault("500", "answer")
    assert heard(world.wb.compare("bridge").played["bridge"].first) == BOTH
    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    assert "<- answer phone !500" in world.rows(flow)


def test_a_bad_story_changes_nothing(world: World) -> None:
    with pytest.raises(WorkbenchError, match=r"story, moments\[0\].change"):
        world.wb.compare(story={"moments": ["dance"]})
    assert world.wb.transfer.flows == []


def test_it_is_shown_side_by_side(world: World) -> None:
    played = world.wb.compare(story="support call")
    text, drawn = repr(played), played._repr_html_()
    assert "1. the phone hears an announcement alone\n  transfer: webrtc ends, phone stays" in text
    assert drawn.count("role='region'") == 3 and drawn.count("hears →") == 11
    assert "cannot: a Transfer is a single call" in drawn
    assert list(played.matrices) == list(played.ladders) == ["transfer", "bridge", "conference"]
    assert repr(played.matrices["transfer"]).startswith("before\n")
    assert not re.search(r"eyJ[\w-]{8,}", drawn)


def test_progress_is_told_for_each_moment(world: World) -> None:
    from workbench import playing
    from workbench.story import Story

    parts, said = world.parts, []
    phones = {name: world.wb.phone(number, name) for name, number in playing.NUMBERS.items()}
    stage = playing.Stage(world.local, parts.board, phones, world.browser, parts.settle, parts.settings.number)
    stage.play(Story.of("webrtc leaves"), world.wb.bridge, said.append)
    assert said == ["bridge: our application calls the phone", "bridge, 1 of 1: the WebRTC leg leaves"]
