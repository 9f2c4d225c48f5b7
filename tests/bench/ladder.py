"""How long an event takes to its message in a ladder, and how long a long flow takes to be read.

The clock starts before an event is stored, on a thread as the callback server's are, and stops in the listener that a panel would be.
What a page then needs to draw it is measured by `screen`.
"""

from __future__ import annotations

import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from tests.bench.figures import Row
from workbench import messages
from workbench.events import EventLog, open_log
from workbench.feed import Batch, Feed
from workbench.local import Happening, Local
from workbench.process import LocalProcess
from workbench.records import Event, Reply, Webhook
from workbench.settings import Settings

RATE, COUNT, LIMIT_MS = 200, 2000, 100.0
LONG, LONGEST_S = 10_000, 2.0
LEGS = {"phone": "+19195550111", "webrtc": "sip:there"}
BODY = "<Response><SpeakSentence>One moment.</SpeakSentence><Pause/></Response>"


def measure(rate: int = RATE, count: int = COUNT, long: int = LONG) -> list[Row]:
    """How soon a message is out, beside a calm log, and how long the reading of a long flow takes, in order and backwards."""
    (busy, calm), whole, backwards = (_percentiles(*how) for how in ((rate, count), (rate / 10, count // 10))), [], []
    events, happened = flow(long)
    for _ in range(3):
        whole.append(_seconds(events, happened))
        backwards.append(_seconds(events[::-1], happened[::-1]))
    row = Row(
        f"event to message at {rate}/s (n {count})",
        busy[0],
        f"{calm[0]}, {rate / 10:.0f}/s",
        None,
        f"p95 ≤ {LIMIT_MS:.0f} ms",
        busy[1] <= LIMIT_MS,
    )
    figure, took = f"reading {long} events, {len(happened)} happenings of a flow", median(whole)
    return [row, Row(figure, f"{took:.2f} s", f"{median(backwards):.2f} s, backwards", None, f"≤ {LONGEST_S:.0f} s", took <= LONGEST_S)]


def _percentiles(rate: float, count: int) -> tuple[str, float]:
    """From storing a webhook to its message at a listener, in milliseconds: in words, and the 95th percentile."""
    began: dict[str, float] = {}
    seen: dict[str, float] = {}
    done = threading.Event()

    def listener(batch: Batch) -> None:
        now = time.perf_counter()
        for message in batch.messages:
            seen.setdefault(message["key"], now)
        if len(seen.keys() & began.keys()) == count:
            done.set()

    with tempfile.TemporaryDirectory() as folder, ExitStack() as end:
        process = LocalProcess()
        end.callback(process.close)
        local = Local(process.url, process.token)
        end.callback(local.close)
        log = open_log(Settings(state_dir=Path(folder)))
        end.callback(log.close)
        feed = _feed(log, local)
        end.callback(feed.close)
        feed.subscribe(listener)
        due = time.perf_counter()
        for number in range(count):
            start = time.perf_counter()
            begun = log.begin(_webhook(number))
            began[f"e{begun.event.id}"] = start
            log.finish(begun, Reply(BODY, 200, ("SpeakSentence", "Pause"), 1.0))
            due += 1 / rate
            time.sleep(max(0.0, due - time.perf_counter()))
        if not done.wait(30):
            raise RuntimeError(f"{len(seen.keys() & began.keys())} of {count} messages came out")
    cuts = quantiles([1000 * (seen[key] - start) for key, start in began.items()], n=100, method="inclusive")
    return f"p50 {cuts[49]:.1f}  p95 {cuts[94]:.1f} ms", cuts[94]


def _feed(log: EventLog, local: Local) -> Feed:
    """Of a log and a platform on which nothing goes on; it is asked all the same."""
    return Feed(
        subscribe=log.subscribe,
        past=log.events,
        happenings=lambda after: local.happenings(after=after, hears=True),
        legs=lambda flow: LEGS,
        people=dict,
        names={},
        mask=str,
    )


def _webhook(number: int) -> Webhook:
    data = {"callId": f"c-{number}", "from": "+19195550100", "to": "+19195550111", "eventTime": "2026-01-01T00:00:00.000Z"}
    return Webhook("transfer", "answer", f"transfer-{number % 20}", "phone", f"/transfer/answer?{number}", data, time.time(), number + 1)


def flow(count: int) -> tuple[list[Event], list[Happening]]:
    """A flow of so many events and as many happenings: three webhooks to a request, a new call of its phone at every hundredth."""
    events, happened, when = [], [], "2026-01-01T00:00:00.000Z"
    for number in range(1, count + 1):
        call, asked = f"c-{number // 100}", number % 4 == 0
        place = number * 3
        about = ("request", "updateCall") if asked else ("webhook", "answer")
        events.append(
            Event(
                number, "run", 1e9 + number / 100, "transfer", "transfer-1", "phone", *about, call, "+1", "+2", None, {"eventTime": when},
                reply=BODY, status=200, verbs=("SpeakSentence", "Pause"), handler_ms=1.0, seq=place,
            )
        )  # fmt: skip
        said = {"callId": call, "text": "One moment.", "seconds": 1}
        happened.append(Happening(place + 1, when, "speak", "bxml.speak", "documented", said))
    return events, happened


def _seconds(events: list[Event], happened: list[Happening]) -> float:
    began = time.perf_counter()
    messages.of("transfer-1", LEGS, events, happened)
    return time.perf_counter() - began
