"""A flow in a file: complete, small, without a token or a number, and true about who hears whom."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.joined import World
from workbench import WorkbenchError, bxml, messages
from workbench.hearing import pictures
from workbench.modes import Flow
from workbench.records import Event


def inside(file: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="capsule">(.*?)</script>', file.read_text("utf-8"), re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


def call_us(world: World) -> Flow:
    world.wb.transfer.take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    return world.wb.transfer.flow


def test_a_capsule_holds_the_flow_and_no_secret(world: World, tmp_path: Path) -> None:
    world.wb.transfer.on("answer")(lambda event, flow: [bxml.SpeakSentence("Ring 919-555-0123 </script> & +19195550123"), bxml.Pause(1)])
    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    file = world.wb.capsule(tmp_path / "call.html", title="A <call>")
    told, text = inside(file), file.read_text("utf-8")
    assert told["title"] == "A <call>" and "<title>A &lt;call&gt;</title>" in text
    assert next(lane["name"] for lane in told["lanes"]) == "phone"
    shown = [one["label"] for one in told["messages"] if one["kind"] == "reply"]
    assert shown == ["SpeakSentence, Pause"]
    answered = next(one for one in told["details"].values() if one["title"].startswith("answer"))
    assert [part["kind"] for part in answered["parts"]] == ["json", "bxml", "explained"]
    assert "<SpeakSentence" in answered["parts"][1]["text"]
    # once for the page's script, once for what it reads
    assert text.count("</script>") == 2
    assert not re.search(r"\+1\d{10}|\d{10}|919.555.\d{4}|eyJ[\w-]{10}", json.dumps(told["details"]) + json.dumps(told["lanes"]))
    assert world.parts.settings.account_id not in text and world.parts.gate.password not in text
    assert (
        len(text) < 300_000
        and "sha256-" in text
        and "http://" not in re.sub(r"http://www.w3.org/2000/svg", "", text.split('id="capsule"')[0])
    )
    assert flow.id in json.dumps(told["messages"])


def test_tokens_are_hidden_in_every_part(world: World, tmp_path: Path) -> None:
    call_us(world)
    text = world.wb.capsule(tmp_path / "call.html").read_text("utf-8")
    assert not re.search(r"eyJ[\w-]{10,}", text)
    assert not re.search(r"\+1\d{10}", text)
    assert world.browser.token not in text


def test_an_existing_file_stays_unless_asked(world: World, tmp_path: Path) -> None:
    call_us(world)
    file = tmp_path / "call.html"
    file.write_text("mine")
    with pytest.raises(WorkbenchError, match="overwrite=True"):
        world.wb.capsule(file)
    assert file.read_text() == "mine"
    assert world.wb.capsule(file, overwrite=True) == file and inside(file)["messages"]
    with pytest.raises(WorkbenchError, match="is a folder"):
        world.wb.capsule(tmp_path, overwrite=True)
    with pytest.raises(WorkbenchError, match="cannot be written"):
        world.wb.capsule(tmp_path / "nowhere" / "call.html")
    assert [one.name for one in tmp_path.iterdir() if "call" in one.name] == ["call.html"]


def test_a_capsule_without_a_call_says_so(world: World, tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="no call"):
        world.wb.capsule(tmp_path / "call.html")


def test_a_recording_is_part_of_it(world: World, tmp_path: Path) -> None:
    @world.wb.transfer.on("answer")
    def record(event: Event, flow: Flow) -> list[bxml.Verb]:
        return [bxml.StartRecording(recording_available_url=flow.url("recordingAvailable")), bxml.Pause(3)]

    world.wb.transfer.dial(world.phone())
    world.advance(10).idle()
    (sound,) = inside(world.wb.capsule(tmp_path / "call.html"))["sounds"]
    assert sound["name"] == "Recording of phone" and sound["seconds"] == 3 and sound["src"].startswith("data:audio/wav;base64,UklGR")


def heard(world: World, flow: Flow) -> tuple[list[str], list[list[bool]]]:
    """The last picture, read from messages."""
    people = {world.browser.id: "browser"}
    lanes, found = messages.of(
        flow.id, world.parts.board.numbers(flow), world.parts.log.events(flow=flow.id), world.local.happenings(), str, people
    )
    last = pictures(lanes, found)[-1]
    return last["parties"], last["hears"]


def same(world: World, flow: Flow) -> None:
    world.idle()
    names, hears = heard(world, flow)
    matrix = world.wb.hears()
    for one, row in zip(names, hears, strict=True):
        for other, told in zip(names, row, strict=True):
            there = one in matrix.index and other in matrix.columns and one != other
            assert told == bool(there and matrix.loc[one, other]), f"{one} hears {other}"


def test_pictures_are_what_the_platform_computes(world: World) -> None:
    flow = call_us(world)
    same(world, flow)
    assert heard(world, flow)[1] == [[False, True], [True, False]]
    world.phone().hangup()
    same(world, flow)
    assert heard(world, flow)[1] == [[False, False], [False, False]]
    bridge = world.wb.bridge.dial(world.phone())
    same(world, bridge)
    world.wb.bridge.announce("phone", "Alone for a while.")
    same(world, bridge)
    world.wb.bridge.swap(world.phone(2))
    same(world, bridge)
    bridge.close()
    room = world.wb.conference.start()
    for phone in world.wb.phones(3):
        world.wb.conference.dial(phone)
        same(world, room)
    world.wb.conference.mute("phone 2")
    same(world, room)
    world.wb.conference.hold("phone 3")
    same(world, room)
    world.wb.conference.hold("phone 3", False)
    same(world, room)
    world.phone(2).hangup()
    same(world, room)
