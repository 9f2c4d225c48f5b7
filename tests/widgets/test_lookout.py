import queue
import threading

import pytest

from workbench.errors import WorkbenchError
from workbench.widgets.lookout import NOTHING, Lookout


class Platform:
    """Gives the picture it is told; counts looks."""

    def __init__(self):
        self.picture, self.looks, self.error = dict(NOTHING), 0, None

    def __call__(self):
        self.looks += 1
        if self.error:
            raise self.error
        return dict(self.picture)


@pytest.fixture
def platform():
    return Platform()


@pytest.fixture
def lookout(platform):
    lookout = Lookout(platform)
    yield lookout
    lookout.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "workbench-lookout"]


def test_listeners_hear_the_present_and_every_change(platform, lookout):
    heard = queue.Queue()
    lookout.subscribe(heard.put)
    assert heard.get(timeout=5) == NOTHING
    platform.picture["calls"] = [{"callId": "c-1"}]
    lookout.nudge("any event")
    assert heard.get(timeout=5)["calls"] == [{"callId": "c-1"}]


def test_while_calls_are_up_it_looks_by_itself(platform, lookout):
    heard = queue.Queue()
    platform.picture["calls"] = [{"callId": "c-1", "ringing": False}]
    lookout.subscribe(heard.put)
    heard.get(timeout=5)
    assert heard.get(timeout=5)["calls"][0]["ringing"] is False
    platform.picture["calls"] = [{"callId": "c-1", "ringing": True}]
    assert heard.get(timeout=5)["calls"][0]["ringing"] is True


def test_nobody_is_told_twice_and_nobody_after_leaving(platform, lookout):
    first, second = queue.Queue(), queue.Queue()
    leave = lookout.subscribe(first.put)
    lookout.subscribe(second.put)
    first.get(timeout=5)
    second.get(timeout=5)
    leave()
    lookout.nudge()
    platform.picture["calls"] = [{"callId": "c-1"}]
    lookout.nudge()
    assert second.get(timeout=5)["calls"]
    assert first.empty()


def test_a_platform_that_does_not_answer_is_said_once(platform, lookout):
    heard = queue.Queue()
    lookout.subscribe(heard.put)
    heard.get(timeout=5)
    platform.error = WorkbenchError("the local platform does not answer")
    lookout.nudge()
    assert heard.get(timeout=5)["error"] == "the local platform does not answer"
    platform.error = None
    lookout.nudge()
    assert heard.get(timeout=5)["error"] is None


def test_a_nudge_to_end_is_not_cleared_away(platform):
    lookout = Lookout(platform)
    clear, at_clear = lookout._nudged.clear, threading.Event()

    def slowly():
        at_clear.set()
        closing.wait(5)
        clear()

    lookout._nudged.clear, closing = slowly, threading.Event()
    lookout.subscribe(lambda picture: None)()  # nobody listens: the thread would wait for ever
    assert at_clear.wait(5)
    ended = threading.Thread(target=lookout.close, daemon=True)
    ended.start()
    while not lookout._closed or not lookout._nudged.is_set():
        pass
    closing.set()
    ended.join(5)
    assert not ended.is_alive()


def test_without_listeners_nobody_looks(platform):
    lookout = Lookout(platform)
    lookout.nudge()
    lookout.close()
    assert platform.looks == 0
