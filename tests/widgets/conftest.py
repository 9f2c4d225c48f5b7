"""Panels with a page that keeps what it is sent; log and settings are real."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import comm
import pytest

from workbench.events import EventLog, open_log
from workbench.records import Event, Reply, Webhook
from workbench.settings import Settings
from workbench.widgets import Publisher


class Page:
    """The far end of every widget: messages sent, state as a browser would know it, and threads they came from."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.state: dict[str, Any] = {}
        self.threads: list[str] = []
        self.news = threading.Condition()

    def receive(self, data: dict[str, Any]) -> None:
        with self.news:
            self.threads.append(threading.current_thread().name)
            data = deepcopy(data)
            if data.get("method") == "custom":
                self.messages.append(data["content"])
            self.state.update(data.get("state", {}))
            self.news.notify_all()

    def until(self, condition: Callable[[], Any], seconds: float = 5) -> Any:
        """The first true value of `condition`, looked at again after every message."""
        end = time.monotonic() + seconds
        with self.news:
            while not (value := condition()):
                assert self.news.wait(max(0.0, end - time.monotonic())), f"the page was never told: {self.state}"
            return value

    def rows(self) -> dict[int, dict[str, Any]]:
        """What the page's table knows after all deltas, by place."""
        known: dict[int, dict[str, Any]] = dict(enumerate(self.state.get("rows", [])))
        for message in self.messages:
            for place, row in enumerate(message.get("rows", ()), message.get("start", 0)):
                known.setdefault(place, row)
        return known


class PageComm(comm.DummyComm):
    """A comm whose other end is a `Page`."""

    page: Page

    def publish_msg(self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any) -> None:
        self.page.receive(data or {})


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    """What the widgets made in this test send."""
    page = Page()
    monkeypatch.setattr(PageComm, "page", page, raising=False)
    monkeypatch.setattr(comm, "create_comm", PageComm)
    return page


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    publisher = Publisher()
    yield publisher
    publisher.close()


@pytest.fixture
def log() -> Iterator[EventLog]:
    log = open_log(Settings())
    yield log
    log.close()


@pytest.fixture
def happen(log: EventLog) -> Callable[..., Event]:
    """`happen("answer", mode="bridge", reply=Reply(…), callId="c-1")` commits a webhook and its answer."""
    count = iter(range(1, 1_000_000))

    def make(kind: str = "answer", *, mode: str = "transfer", flow: str = "transfer-1", reply: Reply | None = None, **data: Any) -> Event:
        number = next(count)
        fields = {"callId": f"c-{number}", "from": "+19195550100", "to": "+19195550111", **data}
        begun = log.begin(
            Webhook(mode, kind, flow, "phone", f"/{mode}/{kind}?n={number}", fields, time.time(), number, "a.rule", "documented")
        )
        return log.finish(begun, reply or Reply("<Response><Pause/></Response>", 200, ("Pause",), 1.25))

    return make
