"""The world: time, the order of effects, and what is in flight."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from workbench.simulator import world as world_module
from workbench.simulator.clock import Clock
from workbench.simulator.effects import Happening
from workbench.simulator.stream import EventStream, line
from workbench.simulator.webhooks import Outgoing
from workbench.simulator.world import masked

from .shell import BASE, PHONE, PHONE_2, START, VOICE, Platform, document, until

PARK = document('<Pause duration="3600"/>')


def times(platform: Platform, *kinds: str) -> list[float]:
    return [entry.time - START for entry in platform.world.stream.after(0) if entry.kind in kinds]


def test_clock() -> None:
    clock = Clock()
    assert abs(clock.now() - time.time()) < 1
    clock.pause()
    shown = clock.now()
    clock.set(shown + 10)
    assert clock.now() == shown + 10
    clock.set(shown)
    assert clock.now() == shown + 10, "time never goes back"
    clock.resume()
    assert not clock.paused
    assert clock.now() >= shown + 10
    clock.resume()
    clock.reset()
    assert abs(clock.now() - time.time()) < 1


async def test_timers_fire_at_their_own_times_while_the_clock_is_moved(platform: Platform) -> None:
    platform.application.replies["answer"] = document('<Pause duration="2.5"/><Hangup/>')
    await platform.call()
    await platform.clock_to(advance=100)
    assert times(platform, "queued", "invite", "answered", "ended") == [0.0, 0.0, 1.0, 3.5]
    assert platform.application.events == ["answer", "disconnect"]
    assert platform.clock.now() == START + 100


async def test_watchers_are_called_once_for_all_changes_of_a_moment(platform: Platform) -> None:
    calls: list[int] = []
    platform.world.watchers.append(lambda: calls.append(platform.world.engine.seq))
    for _ in range(3):
        platform.world.run(lambda engine, now: engine.configure_phone(PHONE, {}))
    assert calls == []
    await asyncio.sleep(0)
    assert len(calls) == 1
    platform.world.reset()
    await asyncio.sleep(0)
    assert len(calls) == 2


async def test_advancing_stops_where_it_should(platform: Platform) -> None:
    platform.application.replies["answer"] = PARK
    call = platform.world.engine.call(await platform.call())
    await platform.clock_to(advance=0.999)
    assert not call.answered
    await platform.clock_to(advance=0.001)
    assert call.answered


async def test_a_day_passes_in_no_time(platform: Platform) -> None:
    platform.application.replies["answer"] = document(f'<Pause duration="1800"/><Redirect redirectUrl="{BASE}/again"/>')
    platform.application.replies["redirect"] = document(f'<Pause duration="1800"/><Redirect redirectUrl="{BASE}/again"/>')
    begun = time.monotonic()
    await platform.call()
    await platform.clock_to(advance=86400)
    assert platform.application.events == ["answer"] + ["redirect"] * 47
    assert time.monotonic() - begun < 5


async def test_run_to_idle_leaves_what_is_parked(platform: Platform) -> None:
    platform.application.replies["answer"] = PARK
    call = platform.world.engine.call(await platform.call())
    await platform.idle()
    assert call.answered
    assert platform.clock.now() == START + 1
    await platform.idle()
    assert platform.clock.now() == START + 1


async def test_a_handler_that_hangs_meets_its_time_out(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world_module, "GRACE_SECONDS", 0.05)
    cancelled = asyncio.Event()

    async def hang(request: Outgoing) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return ""

    platform.application.replies["answer"] = hang
    call = platform.world.engine.call(await platform.call())
    await platform.idle()
    assert (call.cause, call.end_time) == ("callback-error", START + 16)
    assert cancelled.is_set()
    assert platform.world._tasks == {}


async def test_a_slow_handler_is_waited_for(platform: Platform) -> None:
    """Its answer counts at the time it was asked, however long it takes within the grace."""

    async def slow(request: Outgoing) -> str:
        await asyncio.sleep(0.05)
        return document('<Pause duration="2"/>')

    platform.application.replies["answer"] = slow
    call = platform.world.engine.call(await platform.call())
    await platform.idle()
    await platform.clock_to(advance=10)
    assert (call.cause, call.end_time) == ("hangup", START + 3)


async def test_an_application_that_cannot_be_reached(platform: Platform) -> None:
    platform.application.replies["answer"] = ConnectionRefusedError("nobody there")
    call = platform.world.engine.call(await platform.call())
    await platform.idle()
    assert call.cause == "callback-error"
    assert platform.application.events == ["answer", "answer", "disconnect"]
    failed = [entry.data for entry in platform.world.stream.after(0) if entry.kind == "webhookAnswered"]
    assert (failed[0]["status"], failed[0]["error"]) == (None, "ConnectionRefusedError: nobody there")


async def test_real_time() -> None:
    """Without anybody moving the clock, timers come by themselves; a paused clock holds them, resumed it lets them go."""
    platform = Platform(clock=Clock())
    platform.application.replies["answer"] = document('<Pause duration="0.1"/>')
    await platform.http.put(f"/_local/phones/{PHONE}", json={"ring_seconds": 0.05})
    await platform.call()
    await until(lambda: platform.application.events == ["answer", "disconnect"])
    await platform.clock_to(pause=True)
    call = platform.world.engine.call(await platform.call())
    await until(lambda: call.ringing)
    assert platform.world._alarm is None
    await platform.clock_to(resume=True)
    await until(lambda: call.end_time is not None)
    await platform.close()


async def test_an_earlier_timer_replaces_a_later_one() -> None:
    platform = Platform(clock=Clock())
    platform.application.replies["answer"] = PARK
    await platform.http.put(f"/_local/phones/{PHONE}", json={"ring_seconds": 20})
    await platform.http.put(f"/_local/phones/{PHONE_2}", json={"ring_seconds": 0.02})
    await platform.call(PHONE)
    second = platform.world.engine.call(await platform.call(PHONE_2))
    await until(lambda: second.answered)
    await platform.close()


async def test_moves_take_turns(platform: Platform) -> None:
    platform.application.replies["answer"] = PARK
    await platform.call()
    await asyncio.gather(*(platform.clock_to(advance=10) for _ in range(5)))
    assert platform.clock.now() == START + 50


async def test_requests_are_answered_while_the_clock_is_moved(platform: Platform) -> None:
    async def ask(request: Outgoing) -> str:
        call_id = json.loads(request.body)["callId"]
        state = (await platform.http.get(f"{VOICE}/calls/{call_id}")).json()["state"]
        assert state == "answered"
        await platform.call(PHONE_2, answerUrl=f"{BASE}/second", tag="second")
        return PARK

    platform.application.replies["answer"] = lambda request: ask(request) if b"second" not in request.body else park(request)

    async def park(request: Outgoing) -> str:
        return PARK

    await platform.call()
    await platform.idle()
    assert [call.answer_time for call in platform.world.engine.calls.values()] == [START + 1, START + 2]


@pytest.mark.parametrize("verb", ["", "<SpeakSentence>Again and again</SpeakSentence>"])
async def test_an_application_that_never_rests(platform: Platform, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    monkeypatch.setattr(world_module, "MOST_TIMERS", 20)
    monkeypatch.setattr(world_module, "MOST_ROUNDS", 20)
    loop = document(verb, f'<Redirect redirectUrl="{BASE}/again"/>')
    platform.application.replies |= {"answer": loop, "redirect": loop}
    await platform.call()
    answer = await platform.http.post("/_local/clock", json={"run_to": "idle"})
    assert answer.status_code == 409
    assert "no rest after 20" in answer.json()["error"]


async def test_reset_in_the_middle_of_a_move(platform: Platform) -> None:
    waiting, go = asyncio.Event(), asyncio.Event()

    async def wait(request: Outgoing) -> str:
        waiting.set()
        await go.wait()
        return PARK

    platform.application.replies["answer"] = wait
    await platform.call()
    moving = asyncio.create_task(platform.clock_to(advance=3600))
    await waiting.wait()
    await platform.http.post("/_local/reset")
    await moving
    assert platform.clock.now() == START
    assert platform.world.engine.calls == {}


async def test_a_fault_in_the_engine_is_loud(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    reports: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: reports.append(context))
    monkeypatch.setattr(type(platform.world.engine), "webhook_done", lambda *arguments: 1 / 0)
    await platform.call()
    await platform.idle()
    assert isinstance(reports[0]["exception"], ZeroDivisionError)


def test_the_stream_is_bounded_and_says_so() -> None:
    stream = EventStream(kept=3)
    for seq in range(1, 7):
        stream.add(Happening(seq, START, "kind", "rule"))
    assert [entry.seq for entry in stream.after(4)] == [5, 6]
    assert [(entry.seq, entry.kind) for entry in stream.after(0)] == [(3, "forgotten"), (4, "kind"), (5, "kind"), (6, "kind")]
    assert stream.after(6) == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("uui eyJhbGciOiJIUzI1NiJ9.eyJhIjoiOTkw.c2lnbmF0dXJl;encoding=jwt", "uui •••;encoding=jwt"),
        ("line\neyJhbGciOiJIUzI1NiJ9.eyJhIjoiOTkw.c2lnbmF0dXJl", "line\n•••"),
        ("wss://me:secret@app.test/x", "wss://•••@app.test/x"),
        ("sip:alice@example.com", "sip:alice@example.com"),
    ],
)
def test_the_event_stream_shows_no_secret(said: str, shown: str) -> None:
    assert json.loads(line(Happening(1, START, "webhook", "call.initiate", {"body": {"uui": said}})))["data"]["body"]["uui"] == shown


def test_an_answer_is_noted_without_its_passwords() -> None:
    assert masked("<Redirect password = 'geheim' uui=\"x\"/>") == '<Redirect password="•••" uui="•••"/>'
