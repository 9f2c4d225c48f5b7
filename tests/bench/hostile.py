"""How long an answer takes beside strangers who knock a hundred times a second.

The server runs in a process of its own as in a kernel, with its log and its guard; the strangers in another, the platform in the bench's.
"""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

from tests.bench.callbacks import RATE, USER, Mode, webhooks
from tests.bench.children import child, tell
from tests.bench.figures import Row, Times
from tests.bench.load import at_rate, run

HOSTILE = 100.0
P99_MS = 50.0


def measure(seconds: float = 3.0, windows: int = 5) -> list[Row]:
    """`windows` of `seconds` each, with strangers and without, in turns."""
    with (
        child("-m", "tests.bench.hostile", "serve") as server,
        child("-m", "tests.bench.hostile", "knock", server.said["url"]) as strangers,
    ):
        return run(_measure(server.said["url"], strangers, int(seconds * RATE), windows))


async def _measure(url: str, strangers: Any, number: int, windows: int) -> list[Row]:
    messages = webhooks()
    found: dict[str, list[Times]] = {"stop": [], "go": []}
    knocked = 0
    for _ in range(windows):
        for word, times in found.items():
            strangers.ask(word)
            await at_rate(url, messages, RATE, max(2, number // 10))
            times.append(Times.of(await at_rate(url, messages, RATE, number)))
        knocked = strangers.ask("stop")["knocked"]
    quiet, beside = (Times(number, median(one.p50 for one in times), median(one.p99 for one in times)) for times in found.values())
    figure = f"callback beside {HOSTILE:.0f} hostile requests/s ({RATE:.0f}/s, n {windows} × {number}, {knocked} turned away)"
    return [Row(figure, str(beside), f"{quiet}, without", beside.p99 / quiet.p99, f"p99 ≤ {P99_MS:.0f} ms", beside.p99 <= P99_MS)]


# -- the other processes ---------------------------------------------------------------------------------------------------------------


def serve() -> None:
    """The callback server, until standard input ends."""
    from workbench.callbacks import create_app
    from workbench.events import open_log
    from workbench.guard import Guard
    from workbench.server import CallbackServer
    from workbench.settings import Settings

    with ExitStack() as end:
        folder = end.enter_context(tempfile.TemporaryDirectory())
        log = open_log(Settings(state_dir=Path(folder)), values=(USER[1],))
        end.callback(log.close)
        app = create_app({"transfer": Mode()}, log, USER, guard=Guard(rate=Settings().rate))
        end.callback(app.close)
        tell(url=end.enter_context(CallbackServer(app)).url)
        sys.stdin.read()


def knock(url: str) -> None:
    """Strangers, from "go" to "stop"; each answer tells how often they have knocked."""
    from tests.fuzz.hostile import Stranger
    from tests.fuzz.hostile import knock as send

    parts = urlsplit(url)
    address = (str(parts.hostname), int(parts.port or 0))
    going, knocked = threading.Event(), 0
    said = _for_ever(Stranger(str(parts.hostname), 1))

    def go(pool: ThreadPoolExecutor) -> None:
        nonlocal knocked
        begin, sent = time.monotonic(), 0
        while going.is_set():
            pool.submit(send, address, next(said))
            sent += 1
            knocked += 1
            time.sleep(max(0.0, begin + sent / HOSTILE - time.monotonic()))

    tell(ready=True)
    with ThreadPoolExecutor(16) as pool:
        for word in sys.stdin:
            if word.strip() == "go":
                going.set()
                threading.Thread(target=go, args=(pool,)).start()
            else:
                going.clear()
            tell(knocked=knocked)
        going.clear()


def _for_ever(stranger: Any) -> Iterator[bytes]:
    while True:
        yield from stranger.requests(1000)


if __name__ == "__main__":
    serve() if sys.argv[1] == "serve" else knock(sys.argv[2])
