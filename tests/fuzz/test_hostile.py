"""5,600 requests of strangers to a callback server on the public internet, half of them through a tunnel that really forwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import active_count
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fuzz.hostile import BOMBS, REFUSED, Stranger, knock
from workbench import Workbench
from workbench.events import REFUSALS_KEPT
from workbench.guard import SENDERS
from workbench.modes import Flow
from workbench.records import Event

pytestmark = pytest.mark.sockets
NUMBER = 2_800


@pytest.fixture
def wb(agent: str, tmp_path: Path) -> Iterator[Workbench]:
    """A workbench whose callbacks come through a tunnel."""
    with Workbench(tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token", state_dir=tmp_path) as wb:
        wb.connect(wb.participant("browser"))
        wb.local.clock.pause()
        yield wb


def answered(wb: Workbench) -> list[Any]:
    """What handlers are asked from now on."""
    asked: list[Any] = []

    @wb.transfer.on("initiate")
    def initiate(event: Event, flow: Flow) -> list[Any]:
        asked.append(event.call_id)
        return []

    for event_type in ("answer", "transferComplete", "referComplete"):
        wb.transfer.on(event_type)(lambda event, flow: asked.append(event.call_id))
    return asked


def test_strangers_reach_nobody_and_leave_nothing(wb: Workbench) -> None:
    asked = answered(wb)
    wb.transfer.take_inbound()
    wb.phone().dial(wb.number)
    wb.wait("initiate")
    wb.local.clock.run_to_idle()
    log, state = wb._wiring.log, wb.local.state()
    events, before, threads = len(log.events()), list(asked), active_count()
    server = ("127.0.0.1", wb._wiring.server.port)
    public = urlsplit(wb.url)
    tunnel = (str(public.hostname), int(public.port or 0))
    with ThreadPoolExecutor(12) as pool:
        found: Counter[int | None] = Counter()
        for seed, address in ((1, tunnel), (2, server)):
            said = Stranger(f"{public.hostname}:{public.port}", seed).requests(NUMBER)
            found.update(pool.map(lambda one, address=address: knock(address, one), said))
    assert found.total() == 2 * NUMBER
    assert set(found) <= REFUSED, found
    assert found[401] and found[404] and found[421] and found[429]
    # no handler was asked, nothing stored as a webhook, no call placed
    assert asked == before
    assert len(log.events()) == events
    now = wb.local.state()
    assert [now[name] for name in ("calls", "participants", "sessions")] == [state[name] for name in ("calls", "participants", "sessions")]
    # everything is counted, and what is kept is bounded
    assert len(wb.refused) > NUMBER
    assert "turned away" in repr(wb)
    assert max(Counter(one.reason for one in log.refusals()).values()) <= REFUSALS_KEPT
    assert len(wb._wiring.guard._left) <= SENDERS
    assert active_count() <= threads + 2
    # and the next call is taken as if nothing had been
    wb.phone(2).dial(wb.number)
    wb.wait("initiate", leg="phone 2")
    assert len(asked) == len(before) + 1


def test_a_replayed_webhook_gets_its_stored_reply(wb: Workbench) -> None:
    asked = answered(wb)
    wb.transfer.take_inbound()
    wb.phone().dial(wb.number)
    first = wb.wait("initiate")
    calls = len(wb.local.state()["calls"])
    url, pair = f"{wb.url}{wb._wiring.log.asked_at(first.id)}", wb._wiring.gate.dashboard
    for _ in range(3):
        again = httpx.post(url, json=first.data, auth=pair, trust_env=False)
        assert (again.status_code, again.text) == (200, first.reply)
    assert len(asked) == 1
    assert len(wb.local.state()["calls"]) == calls
    repeated = [event for event in wb._wiring.log.events() if event.event_type == "initiate" and event.duplicate_of is not None]
    assert [event.duplicate_of for event in repeated] == [first.id] * 3


def test_bombs_with_the_right_credentials_hurt_nobody(wb: Workbench) -> None:
    gate = wb._wiring.gate
    for bomb in BOMBS:
        answer = httpx.post(
            f"{wb.url}/nowhere/answer",
            content=bomb,
            auth=(gate.username, gate.password),
            headers={"Content-Type": "application/json"},
            trust_env=False,
        )
        assert answer.status_code in (400, 404, 413), bomb[:20]
    assert httpx.get(f"{wb.url}/ping", trust_env=False).status_code == 200
