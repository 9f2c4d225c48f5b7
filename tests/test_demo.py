"""Stories for an audience, really played: to their end, stopped in the midst, beside a reader's own handlers; nothing is left of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench import Workbench, WorkbenchError, bxml
from workbench.demo import STORIES, Show
from workbench.demo.show import THREAD, Stage
from workbench.waiting import until

pytestmark = pytest.mark.sockets


@pytest.fixture
def wb(tmp_path: Path) -> Iterator[Workbench]:
    with Workbench(state_dir=tmp_path) as workbench:
        yield workbench
    assert workbench.leftovers() == []


def show_of(wb: Workbench) -> tuple[Show, list[dict[str, object]]]:
    told: list[dict[str, object]] = []
    parts = wb._wiring
    stage = Stage(parts.local, parts.board, parts.feed, parts.modes, wb.phone, wb.participant, wb.number)
    return Show(stage, told.append, pace=0), told


def said(told: list[dict[str, object]]) -> set[object]:
    return {one["says"] for news in told for one in news.get("messages", ())}  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", list(STORIES))
def test_a_story_is_played_to_its_end(wb: Workbench, name: str, tmp_path: Path) -> None:
    show, told = show_of(wb)
    show.play(name)
    with pytest.raises(WorkbenchError, match="is being played"):
        show.play(name)
    assert show.wait(40)
    assert told[-1] == {"state": "over"}, [news for news in told if "trouble" in news]
    captions = [news["caption"] for news in told if news.get("caption")]
    assert len(captions) == told[-2].get("of", len(captions)) and len(set(captions)) == len(captions)
    assert {"heard": False} in told
    heard = [news["hears"] for news in told if news.get("parties")]
    assert any(any(row) for hears in heard for row in hears)  # type: ignore[attr-defined]
    assert any("says" in str(one) for one in said(told))
    assert wb.local.state()["calls"] == []
    assert "cell" not in getattr(wb, name).handlers.values()
    assert f"{name}-1" in wb.capsule(tmp_path / "demo.html").read_text("utf-8")


def test_a_phone_that_is_in_a_call_is_named_before_anything_is_played(wb: Workbench) -> None:
    show, told = show_of(wb)
    flow = wb.transfer.dial(wb.phone(2))
    with pytest.raises(WorkbenchError, match=r"phone 2 is in a call.*wb\.phone\(2\)\.hangup\(\)"):
        show.play("transfer")
    assert told == [] and flow.up
    wb.phone(2).hangup()
    wb.wait("disconnect")
    show.play("transfer")
    show.stop()
    assert show.wait(15) and told[-1] == {"state": "stopped"}


async def test_a_story_is_stopped_and_a_readers_handler_stays(wb: Workbench) -> None:
    @wb.transfer.on("initiate")
    def mine(event, flow):  # type: ignore[no-untyped-def]
        return [bxml.SpeakSentence("Mine."), bxml.Pause(60)]

    wb.phone().set(busy=True, by_hand=True, says="Mine, too.")
    before = wb.local.state()["phones"]
    show, told = show_of(wb)
    show.play("transfer")
    await until(lambda: "A voice says: “Mine.”" in said(told), 15)
    show.stop()
    assert show.wait(15)
    assert told[-1] == {"state": "stopped"}
    assert wb.transfer.handlers["initiate"] == "cell"
    assert wb.local.state()["phones"][0] == before[0]
    assert wb.local.state()["calls"] == []
    with pytest.raises(WorkbenchError, match="there is no story"):
        show.play("opera")


def test_the_panel_plays_and_closes_with_its_workbench(wb: Workbench) -> None:
    panel = wb.demo()
    assert wb.demo() is panel and wb.demo("bridge") is not panel
    assert [story["name"] for story in panel.view["stories"]] == list(STORIES)
    panel.choose("bridge")
    panel.play()
    panel.stop()
    assert panel.wait(15)
    with pytest.raises(WorkbenchError, match="there is no story"):
        panel.choose("opera")
    assert "<script" not in panel.html() and "Bridge" in panel.html()
    panel.play("conference")
    wb.close()
    assert not panel._show.playing
    assert THREAD.startswith("workbench-")
    with pytest.raises(WorkbenchError, match="closed"):
        panel.play()
