"""`python3 run.py soak [--minutes 10]`: calls with sound for minutes on end; the slope of the platform's memory, and gaps, are told."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from itertools import count
from statistics import linear_regression, quantiles

from tests.bench.figures import Row, table
from tests.media.stage import PARK, Stage, document, staged
from tests.media.tones import tone
from tests.media.waiting import until

SAMPLE_SECONDS = 2.0
SETTLED = 0.25  # of the time: until then caches fill
# Calls are kept for seven days (`bench memory` tells what one takes); what stays on top of that would be a leak.
CALL_KB, GAP_MS = 30.0, 60.0
PHONES = ("+19195550141", "+19195550142")


async def soak(seconds: float) -> list[Row]:
    """Two long listeners, and beside them one call after the other of every kind; memory and gaps over time."""
    async with staged() as stage:
        session = await stage.session()
        pair = [await stage.classic((await stage.participant(session, name))[1]) for name in ("one", "other")]
        for client in pair:
            await client.publish(tone(500))
        await until(lambda: all(client.ears for client in pair), 20, "the streams")
        ear = next(iter(pair[0].ears.values()))
        begin, calls = time.monotonic(), 0
        memory: list[tuple[float, float]] = []
        gaps: list[tuple[float, float]] = []
        watch = asyncio.create_task(_watch(stage, begin, memory))
        try:
            for number in count():
                if time.monotonic() - begin >= seconds:
                    break
                since = time.monotonic()
                await _calls(stage, number)
                calls += 3
                if found := ear.gaps(since):
                    gaps.append((since - begin, _p99(found)))
        finally:
            watch.cancel()
        return _rows(seconds, calls, memory, gaps)


async def _calls(stage: Stage, number: int) -> None:
    """A browser and a phone are bridged, and a call hears a sentence; both hang up."""
    session = await stage.session()
    listener, token = await stage.participant(session)
    client = await stage.classic(token)
    await client.publish(tone(700))
    side, token = await stage.participant(session)
    leg = await stage.webrtc_leg(token, document(PARK))
    await stage.answered(leg)
    await stage.phone(PHONES[0], tone=900)
    call = await stage.call(PHONES[0], document(f"<Bridge>{leg}</Bridge>", PARK))
    talk = await stage.call(PHONES[1], document(f"<SpeakSentence>This is call number {number % 50}.</SpeakSentence>", PARK))
    await stage.answered(talk)
    await until(lambda: 900 in (client.hears([900]) or ()), 20, "the phone's tone")
    await stage.hang_up(call)  # and with it the leg that it was bridged with
    await stage.hang_up(talk)
    await until(lambda: stage.told("disconnect", callId=leg), 20, "the leg's end")
    await client.leave()
    stage.clients.remove(client)
    for party in (listener, side):
        await stage.ask("DELETE", f"/v1/accounts/9900000/participants/{party}")
    await stage.ask("DELETE", f"/v1/accounts/9900000/sessions/{session}")
    stage.replies.clear()
    stage.webhooks.clear()


async def _watch(stage: Stage, begin: float, memory: list[tuple[float, float]]) -> None:
    while True:
        memory.append((time.monotonic() - begin, stage.memory()))
        await asyncio.sleep(SAMPLE_SECONDS)


def _p99(gaps: list[float]) -> float:
    return quantiles(gaps, n=100, method="inclusive")[98] if len(gaps) > 1 else gaps[0]


def _slope(points: list[tuple[float, float]], seconds: float) -> float:
    """What comes on top each minute, once everything has settled."""
    late = [(at / 60, value) for at, value in points if at >= SETTLED * seconds]
    return linear_regression(*zip(*late, strict=True)).slope if len(late) > 1 else 0.0


def _rows(seconds: float, calls: int, memory: list[tuple[float, float]], gaps: list[tuple[float, float]]) -> list[Row]:
    slope, drift = _slope(memory, seconds), 1000 * _slope(gaps, seconds)
    worst = 1000 * max(gap for _, gap in gaps)
    each = 1000 * slope / (60 * calls / seconds)
    shown = f"{slope:+.2f} MB/min, {each:+.0f} kB a call, {memory[-1][1]:.0f} MB after {calls} calls"
    return [
        Row(
            f"memory in {seconds / 60:.1f} min",
            shown,
            f"{memory[0][1]:.0f} MB at first",
            None,
            f"≤ {CALL_KB:.0f} kB a call",
            each <= CALL_KB,
        ),
        Row(
            "gaps, p99 of each call's time", f"{drift:+.2f} ms/min, worst {worst:.0f} ms", target=f"≤ {GAP_MS:.0f} ms", met=worst <= GAP_MS
        ),
    ]


def main(words: list[str]) -> int:
    """Status 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="python3 run.py soak")
    parser.add_argument("--minutes", type=float, default=10.0)
    rows = asyncio.run(soak(60 * parser.parse_args(words).minutes))
    print(table(rows))
    return any(row.met is False for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
