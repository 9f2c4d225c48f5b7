"""What happens, told live as messages: complete, in whatever pieces it comes, also to whoever joins late."""

from __future__ import annotations

import time
from threading import Condition
from typing import Any

import pytest

from tests.scenarios.joined import World
from tests.scenarios.test_messages import STORIES, read
from workbench import messages
from workbench.errors import WorkbenchError
from workbench.feed import Batch
from workbench.records import Webhook


class Reader:
    """Keeps what the feed tells, as a page does."""

    def __init__(self) -> None:
        self.news = Condition()
        self.messages: dict[tuple[str, str], dict[str, Any]] = {}
        self.lanes: dict[str, list[dict[str, str]]] = {}
        self.pictures: list[dict[str, Any]] = []

    def __call__(self, batch: Batch) -> None:
        with self.news:
            self.messages.update({(one["flow"], one["key"]): one for one in batch.messages})
            self.lanes.update(batch.lanes)
            self.pictures += batch.pictures
            self.news.notify_all()

    def until(self, condition: Any) -> None:
        with self.news:
            assert self.news.wait_for(condition, 10), list(self.messages)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_what_is_told_live_is_what_is_read_afterwards(world: World, story: Any) -> None:
    reader, late = Reader(), Reader()
    feed = world.parts.feed()
    feed.subscribe(reader)
    flow = story(world)
    lanes, whole = messages.of(flow.id, *read(world, flow)[:3], people=read(world, flow)[3], names=world.parts.board.names)
    wanted = {(flow.id, one.key): one.label for one in whole}
    reader.until(lambda: {key: one["label"] for key, one in reader.messages.items()} == wanted)
    assert [lane["name"] for lane in reader.lanes[flow.id]] == [lane.name for lane in lanes]
    feed.subscribe(late)
    late.until(lambda: late.messages == reader.messages and late.lanes == reader.lanes)
    assert late.pictures == reader.pictures


def test_who_hears_whom_is_told_at_each_change(world: World) -> None:
    reader = Reader()
    stop = world.parts.feed().subscribe(reader)
    world.wb.transfer.dial(world.phone())
    world.idle()
    reader.until(lambda: any(one["parties"] == ("phone", "browser") and one["hears"][0][1] for one in reader.pictures))
    joined = next(one for one in reader.messages.values() if one["name"] == "joined")
    picture = next(one for one in reader.pictures if one["hears"] == ((False, True), (True, False)))
    before = [one for one in reader.pictures if one["place"] < joined["place"]]
    assert picture["place"] > joined["place"] and not any(any(row) for one in before for row in one["hears"])
    stop()
    count = len(reader.messages)
    world.phone().hangup()
    world.idle()
    assert len(reader.messages) == count, "who has left hears nothing more"


def test_a_platform_that_starts_over_is_followed(world: World) -> None:
    reader = Reader()
    world.parts.feed().subscribe(reader)
    world.wb.transfer.dial(world.phone())
    world.idle()
    reader.until(lambda: any(one["name"] == "joined" for one in reader.messages.values()))
    world.local.reset()
    world.wb.renew_session()
    world.local.clock.pause()
    flow = world.wb.bridge.dial(world.phone())
    world.idle()
    reader.until(lambda: any(one["name"] == "joined" and one["flow"] == flow.id for one in reader.messages.values()))
    assert len({key for _, key in reader.messages}) == len(reader.messages), "a page tells messages of before from those of now"


def test_a_webhook_of_a_flow_that_nobody_knows_does_no_harm(world: World) -> None:
    reader = Reader()
    world.parts.feed().subscribe(reader)
    stray = Webhook("transfer", "answer", "transfer-99", "phone", "/transfer/answer?flow=transfer-99", {"callId": "c-old"}, time.time())
    world.parts.app.answering.answer(stray)
    flow = world.wb.transfer.dial(world.phone())
    world.idle()
    reader.until(lambda: {"transfer-99", flow.id} <= {one["flow"] for one in reader.messages.values()})


def test_after_the_end_nobody_is_taken(world: World) -> None:
    feed = world.parts.feed()
    feed.subscribe(Reader())
    feed.close()
    with pytest.raises(WorkbenchError, match="closed"):
        feed.subscribe(Reader())
