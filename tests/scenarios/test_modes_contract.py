"""One contract, three subjects: what every mode does, whichever way it joins a phone and WebRTC."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.scenarios.joined import NOTHING, Loop, World, start
from workbench import Workbench, bxml
from workbench.modes import Flow, Mode
from workbench.process import LocalProcess
from workbench.records import Event

MODES = ("transfer", "bridge", "conference")
TOGETHER = {"phone": ["browser"], "browser": ["phone"]}
# The verbs that answer the phone, when we call it and when it calls us.
OUT = {"transfer": "SpeakSentence Transfer", "bridge": "Bridge", "conference": "SpeakSentence Conference"}
IN = {"transfer": "Transfer", "bridge": "SpeakSentence Pause", "conference": "SpeakSentence Conference"}


@pytest.fixture(params=MODES)
def name(request: pytest.FixtureRequest) -> str:
    """Each mode in turn."""
    return str(request.param)


def mode_of(world: World, name: str) -> Mode:
    """The mode of this name."""
    mode: Mode = getattr(world.wb, name)
    return mode


def outbound(world: World, name: str, which: int = 1) -> Flow:
    """A phone is called and joined with the browser."""
    flow = mode_of(world, name).begin(world.phone(which))
    world.idle()
    return flow


def inbound(world: World, name: str) -> Flow:
    """A phone calls us and is joined with the browser."""
    mode_of(world, name).take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    return mode_of(world, name).flow


def story(world: World, name: str) -> Flow:
    """A call out, a redirect while it is up, a hang-up, and everything closed."""
    flow = outbound(world, name)
    flow.leg("phone").redirect([bxml.SpeakSentence("A word in private."), bxml.Pause(3600)])
    world.idle()
    world.phone().hangup()
    world.idle()
    flow.close()
    world.idle()
    return flow


# Connecting


def test_connects_a_phone_that_we_call(world: World, name: str) -> None:
    flow = outbound(world, name)
    assert world.hears() == TOGETHER
    assert f"<- answer phone: {OUT[name]}" in world.rows()
    assert flow.leg("phone").answered and flow.leg("phone").up and not flow.over


def test_connects_a_phone_that_calls_us(world: World, name: str) -> None:
    flow = inbound(world, name)
    assert world.hears() == TOGETHER
    assert f"<- initiate phone: {IN[name]}" in world.rows()
    assert flow.leg("phone").id == next(call["callId"] for call in world.local.state()["calls"] if call["direction"] == "inbound")


def test_inbound_calls_go_to_the_mode_that_took_them_last(world: World, name: str) -> None:
    for other in (*[other for other in MODES if other != name], name):
        mode_of(world, other).take_inbound()
    world.phone().dial(world.wb.number)
    world.idle()
    assert {other: len(mode_of(world, other).flows) for other in MODES} == {other: int(other == name) for other in MODES}
    # Its end is its own, even when another mode takes calls by then.
    mode_of(world, next(other for other in MODES if other != name)).take_inbound()
    world.phone().hangup()
    world.idle()
    assert "<- disconnect phone (hangup)" in world.rows(mode_of(world, name).flow)


# The log


@pytest.mark.parametrize("way", [outbound, inbound])
def test_every_webhook_is_logged_once(world: World, name: str, way: Any) -> None:
    flow = way(world, name)
    world.phone().hangup()
    world.idle()
    flow.close()
    world.idle()
    bodies = [(one.seq, one.data["body"]) for one in world.local.happenings("webhook")]
    sent = [(seq, body["eventType"]) for seq, body in bodies if "eventType" in body]
    devices = [(event.seq, event.event_type) for event in world.parts.log.events() if event.event_type.startswith("on")]
    # The browser's and the phone side's; they come without credentials, on a path that nobody can guess, and belong to no flow.
    assert devices == [(seq, body["event"]) for seq, body in bodies if "event" in body] and len(devices) == 3
    logged = [(event.seq, event.event_type) for event in world.parts.log.events(flow=flow.id) if event.direction == "webhook"]
    assert logged == sent and sent
    events = world.parts.log.events(flow=flow.id)
    assert all(event.status in (200, 204, 201) and event.error is None and event.leg != "" for event in events)
    # Each webhook names the rule behind it, and how sure that one is.
    assert all(event.rule and event.label in ("documented", "observed", "assumed") for event in events if event.direction == "webhook")


def test_every_request_is_logged_beside_what_it_causes(world: World, name: str) -> None:
    flow = outbound(world, name)
    operations = [line for line in world.rows() if line.startswith("->")]
    calls = [] if name == "transfer" else ["-> createCall webrtc"]
    assert sorted(operations) == sorted(["-> createCall phone", *calls, "-> createParticipant webrtc", "-> addParticipantToSession webrtc"])
    numbered = [event.seq for event in world.parts.log.events(flow=flow.id)]
    assert None not in numbered and numbered == sorted(numbered)


def test_the_tables_of_mode_flow_and_workbench_agree(world: World, name: str) -> None:
    flow = story(world, name)
    mode = mode_of(world, name)
    assert list(mode.events["event"]) == list(flow.events["event"])
    everything = world.wb.events
    assert list(everything[everything["flow"] == flow.id]["event"]) == list(flow.events["event"])


@pytest.mark.replaced
def test_duplicates_are_answered_from_the_store(world: World, name: str) -> None:
    flow = outbound(world, name)
    before = world.rows()
    asked = next(event for event in world.parts.log.events(flow=flow.id) if event.event_type == "answer" and event.leg == "phone")
    handled: list[Event] = []
    mode_of(world, name).on("answer")(lambda event, flow: handled.append(event))
    path = flow.url("answer", "phone").removeprefix(world.wb.url)
    first, second = (world.webhook(path, **asked.data) for _ in range(2))
    assert first.text == second.text and f"<{OUT[name].split()[-1]}" in first.text
    assert handled == []
    assert world.rows() == [*before, f"<- answer phone again: {OUT[name]}", f"<- answer phone again: {OUT[name]}"]


# Handlers


@pytest.mark.replaced
def test_a_replaced_handler_answers_the_next_event(world: World, name: str) -> None:
    mode = mode_of(world, name)
    flow = outbound(world, name)

    @mode.on("redirect")
    def first(event: Event, flow: Flow) -> bxml.Verb:
        return bxml.Ring(5)

    flow.leg("phone").redirect()
    world.local.clock.run_to_idle()

    @mode.on("redirect")
    def newer(event: Event, flow: Flow) -> bxml.Verb:
        return bxml.Pause(60)

    flow.leg("phone").redirect()
    world.idle()
    redirects = [line for line in world.rows() if "redirect" in line]
    assert redirects == ["<- redirect phone: Ring", "<- redirect phone: Pause"]
    assert mode.handlers["redirect"] == "cell" and "newer" in mode.source("redirect")


@pytest.mark.replaced
def test_reset_undoes(world: World, name: str) -> None:
    mode = mode_of(world, name)
    own = mode.source("answer")
    mode.on("answer")(lambda event, flow: [bxml.SpeakSentence("Wrong number.")])
    mode.on("disconnect")(lambda event, flow: None)
    replaced = outbound(world, name)
    assert "<- answer phone: SpeakSentence" in world.rows(replaced)
    mode.reset("answer")
    assert mode.source("answer") == own and mode.handlers["disconnect"] == "cell"
    mode.reset()
    assert set(mode.handlers.values()) == {"mode"}
    assert f"<- answer phone: {OUT[name]}" in world.rows(outbound(world, name))
    assert world.hears() == TOGETHER


@pytest.mark.parametrize("event_type", ["initiate", "answer"])
@pytest.mark.replaced
def test_a_raising_handler_is_seen_in_the_table(world: World, name: str, event_type: str) -> None:
    @mode_of(world, name).on(event_type)
    def broken(event: Event, flow: Flow) -> None:
        raise ZeroDivisionError("a mistake in this cell")

    flow = (inbound if event_type == "initiate" else outbound)(world, name)
    assert f"<- {event_type} phone !500" in world.rows()
    assert "<- disconnect phone (callback-error)" in world.rows()
    table = flow.events
    failed = table[(table["event"] == event_type) & (table["leg"] == "phone")]
    assert list(failed["status"]) == [500] and "ZeroDivisionError: a mistake in this cell" in failed["error"].iloc[0]
    assert "in broken" in failed["error"].iloc[0]
    # Mended, the next call works.
    mode_of(world, name).reset()
    flow.close()
    world.idle()
    assert world.left() == NOTHING
    outbound(world, name)
    assert world.hears() == TOGETHER


def test_a_raising_handler_of_an_event_nobody_waits_for(world: World, name: str) -> None:
    @mode_of(world, name).on("disconnect")
    def broken(event: Event, flow: Flow) -> None:
        raise KeyError("gone")

    flow = outbound(world, name)
    world.phone().hangup()
    world.idle()
    told = next(event for event in world.parts.log.events(flow=flow.id) if event.event_type == "disconnect")
    assert told.status == 200 and "KeyError" in str(told.error)
    assert flow.legs["phone"].ended


# The end


@pytest.mark.parametrize("when", ["joined", "ringing", "ended"])
def test_closing_leaves_nothing(world: World, name: str, when: str) -> None:
    if when == "ringing":
        world.phone().set(by_hand=True)
    outbound(world, name)
    if when == "ended":
        world.phone().hangup()
        world.idle()
    world.wb.close()
    assert world.wb.closed and world.wb.leftovers() == []
    assert world.joined is not None
    # That the participants are gone is told while the workbench ends.
    world.joined.settle()
    engine = world.joined.world.engine
    state = engine.state()
    assert [state[kind] for kind in ("calls", "conferences", "sessions", "participants")] == [[], [], [], []]
    assert not engine.deliveries and not engine.links and not engine.sip_legs and not engine.in_conference


def test_closing_a_flow_leaves_nothing_of_it(world: World, name: str) -> None:
    flow = outbound(world, name)
    flow.close()
    world.idle()
    assert flow.over and world.left() == NOTHING
    again = outbound(world, name)
    assert again is not flow and world.hears() == TOGETHER


@pytest.mark.sockets
def test_closing_leaves_no_process_port_or_thread(tmp_path: Path) -> None:
    me = psutil.Process()
    threads, children = me.num_threads(), set(me.children(recursive=True))
    world = World(Workbench(state_dir=tmp_path))
    port, process = world.parts.server.port, world.parts.process
    assert process is not None
    for name in MODES:
        outbound(world, name, 1 + MODES.index(name))
    assert len(world.wb.ping()) == 3
    world.wb.close()
    assert world.wb.leftovers() == []
    assert not process.running and set(me.children(recursive=True)) == children
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
    assert me.num_threads() <= threads


# The same table twice


def test_the_same_story_gives_the_same_table(loop: Loop, workers: ThreadPoolExecutor, tmp_path: Path, name: str) -> None:
    tables = []
    for turn in ("first", "second"):
        world = start(loop, workers, tmp_path / turn)
        tables += [world.same(story(world, name)) for _ in range(2)]
        world.wb.close()
        assert world.joined is not None
        world.joined.close()
    # In another run, and again in the same run.
    assert tables[0] == tables[2] and tables[1] == tables[3] and len(tables[0]) > 6
    assert tables[0] == tables[1]


@pytest.mark.sockets
def test_the_same_table_over_sockets(world: World, child: LocalProcess, tmp_path: Path) -> None:
    near = [world.same(story(world, name)) for name in MODES]
    far_away = World(Workbench(local_url=child.url, local_token=child.token, state_dir=tmp_path / "far"))
    try:
        assert [far_away.same(story(far_away, name)) for name in MODES] == near
    finally:
        far_away.wb.close()
