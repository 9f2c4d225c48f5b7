"""What lessons look through, on a real local platform; the tunnel is pyngrok's, driving a stand-in agent that really forwards."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import httpx
import pytest
from websockets.sync.client import connect

from tests.test_doctor import posing
from workbench import Workbench, bxml
from workbench.local import Local
from workbench.process import LocalProcess

pytestmark = pytest.mark.sockets


@pytest.fixture
def wb():
    with Workbench() as wb:
        wb.local.clock.pause()
        wb.connect(wb.participant("browser"))
        yield wb


@pytest.fixture
def process() -> Iterator[LocalProcess]:
    """A platform that knows nothing of the workbench that will use it."""
    process = LocalProcess()
    yield process
    process.close()


def test_exposing_shows_a_public_address_that_leads_here(agent):
    with Workbench(ngrok_path=agent, ngrok_token="a-token") as wb:
        exposure = wb.expose()
        assert exposure.url and exposure.url in repr(exposure)
        assert httpx.post(f"{exposure.url}/transfer/answer", json={}).status_code == 401
        assert wb.expose().url == exposure.url
    assert wb.leftovers() == []


def test_without_agent_or_token_it_says_what_is_missing(tmp_path):
    with Workbench(ngrok_path=str(tmp_path / "none")) as wb:
        assert wb.expose().url is None
        assert "ngrok" in repr(wb.expose()) and "Skipped" in repr(wb.expose())


def test_the_local_platform_can_be_reached_through_the_tunnel(agent):
    with Workbench(tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token") as wb:
        assert not wb.url.startswith("http://127.0.0.1:" + str(wb._wiring.server.port))
        wb.local.clock.pause()
        wb.transfer.take_inbound()
        phone = wb.phone()
        phone.dial(wb.number)
        wb.wait("initiate")
        phone.hangup()
        wb.wait("disconnect")
        assert wb.transfer.flow.webhooks == ["initiate phone", "disconnect phone hangup"]


def test_a_tunnel_that_moves_takes_what_comes_later_along(agent):
    with Workbench(tunnel="ngrok", ngrok_path=agent, ngrok_token="a-token") as wb:
        tunnel, first, told = wb._wiring.tunnel, wb.url, Event()
        tunnel.on_move(lambda url: told.set())
        wb.local.clock.pause()
        wb.bridge.dial(wb.phone())
        before = wb.bridge.flow.url("answer")
        tunnel._agent.proc.kill()
        assert told.wait(20)
        assert wb.url == tunnel.url != first
        (application,) = wb.local.state()["applications"]
        assert application["callInitiatedCallbackUrl"] == f"{wb.url}/inbound/initiate"
        assert wb.bridge.flow.url("answer").startswith(wb.url)
        # a handler may still hold a URL from before: credentials go beside it too
        granted = wb._wiring.gate.authorise(bxml.Redirect(redirect_url=before))
        assert granted.username == "workbench"
        wb.transfer.take_inbound()
        wb.phone(2).dial(wb.number)
        wb.wait("initiate")


async def test_joined_and_the_matrix(wb):
    assert not wb.joined("phone", "browser")
    flow = wb.bridge.dial(wb.phone())
    await wb.until_joined("phone", "browser")
    matrix = wb.hears()
    assert matrix.loc["phone", "browser"] and not matrix.loc["phone", "phone"]
    assert "✓" in repr(matrix) and "✓" in matrix._repr_html_()
    both = wb.side_by_side({"now <b>": matrix, "again": matrix})
    assert "now &lt;b&gt;" in both._repr_html_() and repr(both).count("again") == 1
    assert wb.link(flow.leg("phone"))["verb"] == "Bridge"
    wb.bridge.hangup("phone")
    assert wb.link(flow.leg("phone")) is None


def test_the_story_of_a_flow_is_its_own(wb):
    first, second = wb.phone(1), wb.phone(2)
    one, two = wb.transfer.dial(first), wb.transfer.dial(second)
    wb.local.clock.run_to_idle()
    assert {happening.kind for happening in wb.happenings(one)} >= {"queued", "invite", "answered", "speak", "joined"}
    assert not {h.seq for h in wb.happenings(one)} & {h.seq for h in wb.happenings(two)}
    story = wb.story(one, "speak")
    assert list(story["happening"]) == ["speak"] and "Please wait" in story["what"].iloc[0]
    assert wb.display(second) == wb.number


def test_a_room_has_its_speeches_in_its_story(wb):
    room = wb.conference.start()
    wb.local.clock.run_to_idle()
    wb.conference.announce("Hello, room.")
    wb.local.clock.run_to_idle()
    assert list(wb.story(room, "speak")["what"])[-1].startswith("“Hello, room.”")


def test_what_a_uui_value_names_and_a_renewed_session(wb):
    p2 = wb.participant("phone side")
    assert wb.named_by(wb.uui(p2)) == p2.id
    before = wb.session
    wb.renew_session()
    assert wb.session != before and wb.participant("browser").session_id == wb.session


def test_tables_and_steps_for_the_local_platform(wb, capsys):
    assert list(wb.table_of({"a": (1, 2)}, "x", "y").loc["a"]) == [1, 2]
    assert wb.only_local("anything") and capsys.readouterr().out == ""


async def test_who_is_never_joined_is_not_waited_for_while_the_clock_stands_still(wb):
    wb.transfer.on("answer")(lambda event, flow: None)
    wb.transfer.dial(wb.phone())
    assert await wb.until_joined("phone", "browser") is False
    wb.transfer.reset()
    wb.local.clock.resume()
    assert await wb.until_joined("phone", "browser", timeout=0.05) is False
    wb.transfer.dial(wb.phone())
    assert await wb.until_joined("phone", "browser") is True


async def test_only_with_a_browser_there_is_time_to_listen(wb, monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr("workbench.lessons.asyncio.sleep", sleep)
    await wb.listen()
    assert waited == [], "a simulated device has no ears of anybody's"
    with connect(f"{wb.settings.device_url}/v3/?token={wb.participant('ann').token}&client=browser&sdkVersion=1&uniqueId=u"):
        await wb.listen(3)
    assert waited == [3]


def test_a_handler_does_not_wait_for_handlers(wb):
    release = threading.Event()
    wb._wiring.app.answering.lanes.put("a flow", release.wait)
    began = time.monotonic()
    wb.transfer.open().handling(None, wb._wiring.settle)
    assert time.monotonic() - began < 2
    release.set()
    wb._wiring.settle()


def test_sentences_in_tables_begin_at_the_left(wb):
    table = wb.faults()._repr_html_()
    assert '<td style="text-align: left">' in table and "<td>" not in table and "<th>" not in table


async def test_live_it_waits_until_somebody_answers(process: LocalProcess, tmp_path: Path) -> None:
    local = Local(process.url, process.token)
    phone = local.phone("+19195550133").set(by_hand=True)
    with Workbench(posing(process, tmp_path)) as wb:
        wb.allow(phone, calls=9)
        flow = wb.bridge.dial(wb.phone("+19195550133", "phone"))
        waiting = asyncio.create_task(wb.until_joined("phone", "browser"))
        await wb.wait_for("answer", leg="webrtc")
        assert not waiting.done()
        phone.answer()
        assert await waiting is True
        assert flow.leg("phone").answered
        wb.bridge.hangup("phone")
        await wb.wait_for("bridgeTargetComplete", leg="webrtc")
        flow.close()
        phone.set(by_hand=False, reject=True)
        wb.bridge.dial(wb.phone("+19195550133", "phone"))
        assert await wb.until_joined("phone", "browser") is False
    local.close()
