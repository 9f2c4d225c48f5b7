"""Worker threads that keep each flow's order."""

import threading

from workbench.lanes import LANES, Lanes


def test_a_flow_keeps_its_order_and_a_job_may_put_another():
    lanes, done = Lanes(), []
    for number in range(50):
        lanes.put("f", lambda number=number: done.append(number) or (number == 49 and lanes.put("f", lambda: done.append("last"))))
    assert lanes.drain(5)
    assert done == [*range(50), "last"]
    lanes.close()


def test_an_error_ends_the_job_and_not_the_lane():
    lanes, done = Lanes(), []
    lanes.put("f", lambda: 1 / 0)
    lanes.put("f", lambda: done.append(1))
    assert lanes.drain(5)
    assert done == [1]
    lanes.close()


def test_drain_tells_when_time_is_up_and_close_drops_the_rest():
    lanes, go, began, done = Lanes(), threading.Event(), threading.Event(), []
    lanes.put("f", lambda: began.set() or go.wait(5))
    lanes.put("f", lambda: done.append(1))
    assert began.wait(5)
    assert not lanes.drain(0)
    lanes.close()
    go.set()
    assert lanes.drain(5)
    assert done == []
    lanes.put("f", lambda: done.append(2))
    assert lanes.drain(0)
    assert done == []


def test_its_threads_are_there_at_once_and_gone_afterwards():
    before = set(threading.enumerate())
    lanes = Lanes()
    threads = [thread for thread in threading.enumerate() if thread not in before]
    assert {thread.name for thread in threads} == {f"callbacks-{number}" for number in range(LANES)}
    lanes.close()
    assert not any(thread.is_alive() for thread in threads)
    lanes.close()
