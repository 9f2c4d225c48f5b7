"""The callback server: how long an answer takes, idle and beside a busy cell, and how many a second it gives.

Three servers run in one process as in a kernel, on the same waitress with the same settings: the real one with its log, the same with a
store that stores nothing, and a bare Flask application. The load comes from the bench's own process.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.children import child, tell
from tests.bench.figures import Row, Times
from tests.bench.load import at_most, at_rate, request, run

USER = ("workbench", "wonderful-secret")
RATE = 50.0
CONNECTIONS = 16
IDLE_MS, BUSY_MS, SHARE = 6.0, 30.0, 0.7


def measure(seconds: float = 2.4, windows: int = 5, block: int = 640, blocks: int = 9) -> list[Row]:
    """Turnaround over `windows` of `seconds` each, throughput over `blocks` of `block` requests each."""
    with child("-m", "tests.bench.callbacks") as server:
        return run(_measure(server, seconds, windows, block, blocks))


async def _measure(server: Any, seconds: float, windows: int, block: int, blocks: int) -> list[Row]:
    urls, messages = server.said, webhooks()
    # the first requests compile, open connections and fill caches
    for name in urls:
        await at_most(urls[name], messages, CONNECTIONS, block)
    rows = []
    for state, limit, figure in (("idle", IDLE_MS, "callback"), ("busy", BUSY_MS, "callback beside a busy cell")):
        server.ask(state)
        times = await _turnaround(urls, messages, int(seconds * RATE), windows)
        ratio, met = times["durable"].p99 / times["bare"].p99, times["durable"].p99 <= limit
        n = f"{RATE:.0f}/s, n {windows} × {times['durable'].n}"
        rows.append(Row(f"{figure} ({n})", str(times["durable"]), f"{times['bare']}, bare Flask", ratio, f"p99 ≤ {limit:.0f} ms", met))
    server.ask("idle")
    return [*rows, await _throughput(urls, messages, block, blocks)]


async def _turnaround(urls: dict[str, str], messages: Iterator[bytes], number: int, windows: int) -> dict[str, Times]:
    """In turns, so that what else happens on the machine meets both; of each percentile the median of the windows."""
    names = ("bare", "durable")
    found: dict[str, list[Times]] = {name: [] for name in names}
    for _ in range(windows):
        for name in names:
            await at_rate(urls[name], messages, RATE, max(2, number // 10))
            found[name].append(Times.of(await at_rate(urls[name], messages, RATE, number)))
    return {name: Times(number, median(one.p50 for one in found[name]), median(one.p99 for one in found[name])) for name in names}


async def _throughput(urls: dict[str, str], messages: Iterator[bytes], block: int, blocks: int) -> Row:
    """In turns too; the ratio is the median of the turns' ratios."""
    pairs = [[await at_most(urls[name], messages, CONNECTIONS, block) for name in ("durable", "nothing")] for _ in range(blocks)]
    durable, nothing = (median(rates) for rates in zip(*pairs, strict=True))
    ratio = median(one / other for one, other in pairs)
    figure = f"callbacks per second, {CONNECTIONS} at once"
    return Row(figure, f"{durable:.0f}/s", f"{nothing:.0f}/s storing nothing", ratio, f"≥ {SHARE} ×", ratio >= SHARE)


def webhooks() -> Iterator[bytes]:
    """Answer webhooks as the local platform sends them, each of a call of its own."""
    for number in count(1):
        yield request("POST", f"/transfer/answer?flow=transfer-{number}&leg=phone", webhook(number), USER, X_Workbench_Seq=str(number))


def webhook(number: int) -> dict[str, str]:
    """The fields of an answer webhook."""
    call_id = f"c-95ac8d6e-1a31c52e-b38f-4198-93c1-{number:012}"
    return {
        "eventType": "answer",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "accountId": "9900000",
        "applicationId": "a0000000-0000-4000-8000-000000000001",
        "from": "+19195550100",
        "to": "+19195550111",
        "direction": "outbound",
        "callId": call_id,
        "callUrl": f"http://127.0.0.1:8010/api/v2/accounts/9900000/calls/{call_id}",
        "enqueuedTime": "2026-01-01T00:00:00.000Z",
        "startTime": "2026-01-01T00:00:00.000Z",
        "answerTime": "2026-01-01T00:00:00.000Z",
    }


# -- the measured process --------------------------------------------------------------------------------------------------------------


def serve() -> None:
    """Three servers; standard input says when a loop is to spin beside them."""
    from flask import Flask, Response

    from workbench.callbacks import create_app
    from workbench.events import open_log
    from workbench.server import CallbackServer
    from workbench.settings import Settings

    document = _document()

    class Bare(Flask):
        def close(self) -> None:
            pass

    bare = Bare("bare")
    bare.add_url_rule("/<mode>/<event>", view_func=lambda mode, event: Response(document, content_type="application/xml"), methods=["POST"])
    with ExitStack() as end:
        folder = end.enter_context(tempfile.TemporaryDirectory())
        log = open_log(Settings(state_dir=Path(folder)), values=(USER[1],))
        end.callback(log.close)
        urls = {}
        for name, app in (
            ("durable", create_app({"transfer": Mode()}, log, USER)),
            ("nothing", create_app({"transfer": Mode()}, _Nothing(), USER)),
            ("bare", bare),
        ):
            end.callback(app.close)
            urls[name] = end.enter_context(CallbackServer(app)).url
        tell(**urls)
        _obey()


def _obey() -> None:
    busy = threading.Event()

    def spin() -> None:
        turns = 0
        while busy.is_set():
            turns += 1

    for word in sys.stdin:
        if word.strip() == "busy":
            busy.set()
            threading.Thread(target=spin).start()
        else:
            busy.clear()
        tell(state=word.strip())
    busy.clear()


def _document() -> str:
    from workbench import bxml

    verbs = [bxml.SpeakSentence("One moment, we connect you."), bxml.Transfer([bxml.PhoneNumber("+19195550112")])]
    return bxml.Response(verbs).to_bxml()


class Mode:
    """A mode with a handler that builds a document."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def knows(self, event_type: str) -> bool:
        return True

    def locate(self, webhook: Any) -> tuple[str | None, str | None]:
        return webhook.flow, webhook.leg

    def lock(self, flow: str) -> Any:
        return self._lock

    def ask(self, event: Any) -> Any:
        from workbench.records import Reply

        return Reply(_document(), 200, ("SpeakSentence", "Transfer"))


class _Nothing:
    """A store that stores nothing."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def begin(self, webhook: Any) -> Any:
        from workbench.records import Begun, Event

        data = webhook.data
        event = Event(
            next(self._numbers), "run", time.time(), webhook.mode, webhook.flow, webhook.leg, "webhook", webhook.event_type,
            data.get("callId"), data.get("from"), data.get("to"), None, data,
        )  # fmt: skip
        return Begun(event, Future())

    def finish(self, begun: Any, reply: Any) -> Any:
        return begun.event

    def refuse(self, refused: Any) -> None:
        pass


if __name__ == "__main__":
    serve()
