"""Worker threads that keep each flow's order."""

import threading

from workbench.lanes import Lanes


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


def test_no_thread_until_there_is_work_and_none_afterwards():
    before = threading.active_count()
    lanes = Lanes()
    assert threading.active_count() == before
    lanes.put("f", lambda: None)
    assert lanes.drain(5)
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("callbacks-")]
    lanes.close()
    for thread in threads:
        thread.join(5)
    assert threading.active_count() == before
