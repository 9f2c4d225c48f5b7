"""A flow saved as a cassette, and put to handlers again."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import clean_environment
from tests.scenarios.joined import World
from tests.scenarios.test_modes_contract import MODES, inbound, outbound, story
from workbench import WorkbenchError, bxml
from workbench.cassette import LIMIT, Cassette, Told
from workbench.modes import Flow
from workbench.replay import replay

PLAYS = {"out": outbound, "in": inbound, "story": story}


def conference(world: World) -> Flow:
    """A room with two phones, controls and an end."""
    wb = world.wb
    room = wb.conference.dial(world.phone())
    world.idle()
    wb.conference.add(world.phone(2))
    world.idle()
    wb.conference.mute("phone")
    wb.conference.announce("A word to all.")
    wb.conference.remove("phone", [bxml.SpeakSentence("Bye.")])
    world.idle()
    wb.conference.complete()
    world.idle()
    return room


def joined_again(world: World) -> Flow:
    """A leg is taken out of its bridge and brought back, then the phone is swapped."""
    flow = world.wb.bridge.dial(world.phone())
    world.idle()
    world.wb.bridge.announce("phone", "A word.")
    world.idle()
    world.wb.bridge.join("phone", "webrtc")
    world.idle()
    world.wb.bridge.swap(world.phone(2))
    world.idle()
    return flow


def plan(name: str) -> Any:
    def played(world: World) -> Flow:
        flow = world.wb.bridge.dial(world.phone(), name)  # type: ignore[arg-type]
        world.idle()
        world.phone().hangup()
        world.idle()
        return flow

    return played


MORE = {"conference": conference, "joined again": joined_again, "sequential": plan("sequential"), "early": plan("early")}


def saved(world: World, flow: Flow, path: Path) -> Cassette:
    return Cassette.load(world.wb.save(path / "call.json", flow))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("play", PLAYS)
def test_a_flow_replays_the_same(world: World, tmp_path: Path, mode: str, play: str) -> None:
    cassette = saved(world, PLAYS[play](world, mode), tmp_path)
    assert [one.event_type for one in cassette.events if isinstance(one, Told)]
    found = replay(cassette)
    assert found.same, found.difference
    assert Cassette.read(cassette.text()) == cassette


@pytest.mark.parametrize("play", MORE)
def test_changes_in_the_call_replay_the_same(world: World, tmp_path: Path, play: str) -> None:
    cassette = saved(world, MORE[play](world), tmp_path)
    found = replay(cassette)
    assert found.same, found.difference
    assert Cassette.read(cassette.text()) == cassette


def test_nothing_secret_is_in_the_file(world: World, tmp_path: Path) -> None:
    flow = outbound(world, "bridge")
    text = world.wb.save(tmp_path / "call.json", flow).read_text()
    parts = world.parts
    held = (parts.gate.password, parts.gate.secret, parts.gate.dashboard[1])
    for secret in (*held, "eyJhbGci", *(str(one.token) for one in parts.side.participants)):
        assert secret not in text


def test_a_changed_handler_is_told(world: World, tmp_path: Path) -> None:
    path = world.wb.save(tmp_path / "call.json", outbound(world, "transfer"))
    assert world.wb.replay(path).same

    @world.wb.transfer.on("answer")
    def answer(event: Any, flow: Flow) -> Any:
        return [bxml.SpeakSentence("Something else."), bxml.Hangup()]

    found = world.wb.replay(path)
    assert not found.same
    assert "+ <Hangup" in found.difference and "- request" in found.difference
    assert [one.operation for one in found.missing] == ["createParticipant", "addParticipantToSession"]
    assert "differs" in found.frame()["same"].tolist()
    assert "&lt;Hangup" in found._repr_html_()


def test_a_handler_that_names_the_workbench_reaches_no_platform(world: World, tmp_path: Path) -> None:
    wb = world.wb

    @wb.bridge.on("initiate")
    def initiate(event: Any, flow: Flow) -> Any:
        wb.bridge.dial_phone(world.phone(2), flow, tag=event.call_id)
        wb.voice.statistics()
        return [bxml.SpeakSentence("Please hold."), bxml.Ring(30)]

    flow = inbound(world, "bridge")
    path = wb.save(tmp_path / "call.json", flow)
    before, calls = world.rows(flow), len(world.local.state()["calls"])
    found = wb.replay(path)
    assert [one.path for one in found.additional] == ["/statistics"]
    assert not found.missing and all(step.same or step.name == "initiate" for step in found.steps)
    assert world.rows(flow) == before and len(world.local.state()["calls"]) == calls


def pytest_in(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=folder, env=clean_environment(folder), capture_output=True, text=True, timeout=60)


def test_an_exported_test_passes_and_fails_when_a_handler_changes(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    folder.mkdir()
    cassette = saved(world, outbound(world, "bridge"), tmp_path)
    cassette.export_test(folder / "test_own.py")
    (folder / "mine.py").write_text("HANDLERS = {}\n")
    cassette.export_test(folder / "test_call.py", handlers="mine:HANDLERS")
    done = pytest_in(folder)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout
    (folder / "mine.py").write_text("HANDLERS = {'answer': lambda event, flow: '<Response><Hangup/></Response>'}\n")
    done = pytest_in(folder)
    assert done.returncode == 1 and "1 failed, 1 passed" in done.stdout and "+ <Hangup/>" in done.stdout, done.stdout
    with pytest.raises(WorkbenchError, match="there already"):
        cassette.export_test(folder / "test_call.py")
    with pytest.raises(WorkbenchError, match="test_"):
        cassette.export_test(folder / "call.py")
    with pytest.raises(WorkbenchError, match="module:name"):
        cassette.export_test(folder / "test_new.py", handlers="mine.HANDLERS()")


def test_a_replay_needs_no_jupyter_and_no_pandas(world: World, tmp_path: Path) -> None:
    path = world.wb.save(tmp_path / "call.json", outbound(world, "conference"))
    code = (
        "import sys; from workbench.replay import replay; found = replay(sys.argv[1]); assert found.same, found.difference; "
        "assert not {'pandas', 'anywidget', 'ipywidgets', 'IPython', 'flask'} & sys.modules.keys()"
    )
    # Nor any settings, and wrong ones do no harm.
    environment = clean_environment(tmp_path) | {"WORKBENCH_TUNNEL": "url", "WORKBENCH_PORT": "none"}
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True, timeout=60)


def raises(event: Any, flow: Flow) -> Any:
    raise ValueError("no idea")


STUCK = threading.Event()


def hangs(event: Any, flow: Flow) -> Any:
    STUCK.wait()


def dials(event: Any, flow: Flow) -> Any:
    flow.mode.call(flow, "+19195550150")
    return bxml.Hangup()


@pytest.mark.parametrize(
    ("handler", "word"),
    [
        (raises, "no idea"),
        (hangs, "did not end"),
        (lambda event, flow: 7, "a handler returns"),
        (dials, "+ request during event 2: POST /calls"),
    ],
)
def test_a_bad_handler_is_reported(world: World, tmp_path: Path, handler: Any, word: str) -> None:
    cassette = saved(world, outbound(world, "transfer"), tmp_path)
    STUCK.clear()
    found = replay(cassette, {"answer": handler}, patience=0.2)
    assert not found.same and word in found.difference
    STUCK.set()
    for thread in threading.enumerate():
        if thread.name == "workbench-replay":
            thread.join()


def damaged(text: str, change: Any) -> str:
    data = json.loads(text)
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda data: data.update(format="other"), "format"),
        (lambda data: data.update(version=2), "version 2"),
        (lambda data: data.pop("mode"), '"mode" is missing'),
        (lambda data: data.update(mode="relay"), "relay"),
        (lambda data: data["events"][0].pop("path"), 'event 1: the field "path" is missing'),
        (lambda data: data["events"][1].update(data="x"), 'event 2: "data" must be dict'),
        (lambda data: data["events"][1].update(kind="x"), 'event 2: "kind"'),
        (lambda data: data["events"][1].update(extra=1), 'event 2: there is no field "extra"'),
    ],
)
def test_a_wrong_file_is_refused_by_name(world: World, tmp_path: Path, change: Any, word: str) -> None:
    text = saved(world, outbound(world, "transfer"), tmp_path).text()
    with pytest.raises(WorkbenchError, match=word):
        Cassette.read(damaged(text, change))
    with pytest.raises(WorkbenchError, match="ends in the middle"):
        Cassette.read(text[: len(text) // 2])
    with pytest.raises(WorkbenchError, match="not JSON"):
        Cassette.read("hello")


def test_a_file_that_cannot_be_a_cassette_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    with pytest.raises(WorkbenchError, match="cannot be read"):
        Cassette.load(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(WorkbenchError, match="not text"):
        Cassette.load(path)
    with path.open("wb") as file:
        file.truncate(LIMIT + 1)
    with pytest.raises(WorkbenchError, match="too large"):
        Cassette.load(path)


def test_an_existing_file_stays(world: World, tmp_path: Path) -> None:
    path = tmp_path / "call.json"
    path.write_text("mine")
    flow = outbound(world, "transfer")
    with pytest.raises(WorkbenchError, match="there already"):
        world.wb.save(path, flow)
    assert path.read_text() == "mine"
    assert world.wb.save(path, flow, overwrite=True) == path
