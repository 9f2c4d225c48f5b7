"""Limits: off by default, the queue at the account's rate and by priority, and what becomes of calls over them (voice-api 3.3)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.rig import NUMBER, PHONE, PHONE_2, PHONE_3, START, Rig
from workbench import bxml
from workbench.simulator.admission import CONCURRENT, RATE, REQUESTS
from workbench.simulator.effects import Refusal
from workbench.simulator.limits import DOCUMENTED, Limits, Window, changed

PARK = bxml.Pause(3600)


def limited(*, answers: dict[str, Any] | None = None, **limits: Any) -> Rig:
    """A rig with limits."""
    rig = Rig(answer=PARK, initiate=PARK, **(answers or {}))
    rig.engine.configure_limits(rig.now, limits)
    return rig.settle()


def started(rig: Rig) -> list[tuple[str, float]]:
    """The calls that left the queue, with the seconds since the beginning."""
    return [(rig.names[h.data["callId"]], h.time - START) for h in rig.happenings if h.kind == "invite"]


def many(rig: Rig, number: int, **fields: Any) -> list[str]:
    """So many calls, each to a phone of its own, named 1 and so on."""
    return [rig.call(f"+1919555{2000 + place}", str(len(rig.names) + 1), **fields) for place in range(number)]


# What limits there are


def test_one_word_turns_the_documented_ones_on_and_off() -> None:
    on = changed(Limits(), {"on": True})
    assert on == DOCUMENTED == Limits(calls_per_second=5, calls_at_once=100) and on.capacity == 1500
    assert changed(on, {"on": False}) == Limits() and Limits().capacity is None
    assert changed(on, {"calls_at_once": None, "queue": 7}) == Limits(calls_per_second=5, queue=7)
    assert changed(Limits(), {"on": True, "calls_per_second": 2}).capacity == 600


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"on": 1}, "on must be true or false"),
        ({"calls_at_once": 0}, "calls_at_once must be a whole number from 1 to 1000000, or null, but was 0"),
        ({"calls_per_second": 2.5}, "calls_per_second must be"),
        ({"queue": True}, "queue must be"),
        ({"cps": 5}, "unknown field cps: one of on, calls_per_second, queue, calls_at_once, requests_per_second"),
    ],
)
def test_limits_refused(fields: dict[str, Any], text: str) -> None:
    rig = Rig()
    with pytest.raises(Refusal) as refused:
        rig.engine.configure_limits(rig.now, {"calls_at_once": 5} | fields)
    assert (refused.value.status, refused.value.rule) == (400, "limits.field") and text in refused.value.description
    assert rig.engine.limits == Limits()


def test_a_window_is_a_second() -> None:
    window = Window()
    window.moments.extend((0.0, 0.4, 0.4))
    assert window.opens(0.5, 4) is None and window.opens(0.5, 3) == 1.0 and window.opens(0.5, 1) == 1.4
    assert window.room(0.5, 5) == 2 and window.room(1.0, 3) == 1 and window.room(1.3, 2) == 0


# The queue


def test_calls_begin_at_the_accounts_rate() -> None:
    rig = limited(calls_per_second=2)
    many(rig, 5)
    assert rig.engine.statistics() == (5, 600)
    rig.idle()
    assert started(rig) == [("1", 0.0), ("2", 0.0), ("3", 1.0), ("4", 1.0), ("5", 2.0)]
    assert [h.rule for h in rig.happenings if h.kind == "queueWaits"] == ["limits.rate"] * 2
    assert rig.engine.statistics() == (0, 600)


def test_the_queue_is_served_by_priority() -> None:
    rig = limited(calls_per_second=1)
    many(rig, 2)
    many(rig, 1, priority=1)
    many(rig, 1, priority=1)
    many(rig, 1, priority=3)
    rig.idle()
    assert [name for name, _ in started(rig)] == ["3", "4", "5", "1", "2"]
    assert [rig.names[h.data["callId"]] for h in rig.happenings if h.kind == "overtook"] == ["3", "4", "5"]


def test_priority_holds_without_limits_too_among_calls_of_one_moment() -> None:
    rig = Rig(answer=PARK)
    many(rig, 2)
    many(rig, 1, priority=1)
    rig.idle()
    assert started(rig) == [("3", 0.0), ("1", 0.0), ("2", 0.0)]


def test_a_queued_call_can_be_cancelled_but_not_otherwise_changed() -> None:
    rig = limited(calls_per_second=1)
    first, second, third = many(rig, 3)
    rig.advance(0)
    with pytest.raises(Refusal) as refused:
        rig.engine.update_call(rig.now, second, {"redirectUrl": "http://app.test/r"})
    assert refused.value.status == 409 and rig.engine.call(second).state == "queued"
    rig.engine.update_call(rig.now, second, {"state": "completed"})
    assert rig.engine.statistics() == (1, 300)
    rig.idle()
    assert started(rig) == [("1", 0.0), ("3", 1.0)]
    assert rig.engine.call(second).cause == "cancel" and rig.engine.call(second).start_time is None
    assert rig.engine.call(first).answered and rig.engine.call(third).answered


def test_a_full_queue_refuses() -> None:
    rig = limited(calls_per_second=1, queue=2)
    many(rig, 2)
    with pytest.raises(Refusal) as refused:
        rig.call(PHONE, "A")
    assert (refused.value.status, refused.value.type, refused.value.description) == (429, "error", RATE)
    assert refused.value.rule == "limits.queue" and len(rig.engine.calls) == 2
    rig.idle()
    rig.call(PHONE, "A")


def test_lifted_limits_let_all_begin_at_once() -> None:
    rig = limited(calls_per_second=1)
    many(rig, 4)
    rig.advance(0)
    rig.engine.configure_limits(rig.now, {"on": False})
    many(rig, 1)
    rig.idle()
    assert started(rig) == [("1", 0.0), ("2", 0.0), ("3", 0.0), ("4", 0.0), ("5", 0.0)]


def test_a_new_rate_holds_for_those_that_wait() -> None:
    rig = limited(calls_per_second=1)
    many(rig, 4)
    rig.advance(0)
    rig.engine.configure_limits(rig.now, {"calls_per_second": 2})
    rig.idle()
    assert started(rig) == [("1", 0.0), ("2", 0.0), ("3", 1.0), ("4", 1.0)]


# Sessions


def test_too_many_calls_under_way_refuse_another() -> None:
    rig = limited(calls_at_once=1)
    call = rig.call(PHONE, "A")
    rig.idle()
    with pytest.raises(Refusal) as refused:
        rig.call(PHONE_2, "B")
    assert (refused.value.status, refused.value.description, refused.value.rule) == (429, CONCURRENT, "limits.at-once")
    rig.engine.update_call(rig.now, call, {"state": "completed"})
    rig.call(PHONE_2, "B")
    assert rig.engine.limits.capacity is None


def test_a_call_whose_turn_comes_too_late_fails() -> None:
    rig = limited(calls_at_once=1)
    rig.call(PHONE, "A")
    late = rig.call(PHONE_2, "B")
    rig.idle()
    assert rig.events() == ["disconnect B account-limit", "answer A"]
    assert rig.engine.call(late).error_message == CONCURRENT and rig.engine.call(late).error_id == "error-1"


# Inbound, Transfer


@pytest.mark.parametrize(("limits", "reason"), [({"calls_at_once": 1}, CONCURRENT), ({"calls_per_second": 1}, RATE)])
def test_an_inbound_call_over_a_limit_is_told_to_nobody(limits: dict[str, int], reason: str) -> None:
    rig = limited(**limits)
    rig.dial(PHONE, "A")
    with pytest.raises(Refusal) as refused:
        rig.dial(PHONE_2, "B")
    rig.settle()
    assert (refused.value.status, refused.value.rule) == (429, "limits.inbound") and reason in refused.value.description
    assert rig.events() == ["initiate A"] and len(rig.engine.calls) == 1
    assert [h.data for h in rig.happenings if h.kind == "inboundRefused"] == [{"reason": reason, "from": PHONE_2, "to": NUMBER}]
    assert PHONE_2 not in rig.engine.on_phone


def test_a_call_to_a_number_of_the_account_is_rejected_over_a_limit() -> None:
    rig = limited(calls_at_once=1)
    rig.call(NUMBER, "A")
    rig.idle()
    assert rig.events() == ["disconnect A rejected"] and len(rig.engine.calls) == 1


TRANSFER = bxml.Transfer([bxml.PhoneNumber(PHONE_2), bxml.PhoneNumber(PHONE_3)], transfer_complete_url="/done")


def test_a_transfer_over_a_limit_tells_the_caller() -> None:
    rig = limited(calls_at_once=1, answers={"transferComplete": bxml.Hangup()})
    rig.answers["answer"] = TRANSFER
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A", "transferComplete A account-limit", "disconnect A hangup"]
    body = rig.webhooks[1].body
    assert (body["errorMessage"], body["transferTo"], body["transferCallerId"]) == (CONCURRENT, PHONE_2, PHONE)
    assert len(rig.engine.calls) == 1


def test_without_a_url_the_next_verb_runs() -> None:
    rig = limited(calls_at_once=1)
    rig.answers["answer"] = [bxml.Transfer([bxml.PhoneNumber(PHONE_2)]), bxml.Pause(60)]
    rig.call(PHONE, "A")
    rig.idle()
    assert rig.events() == ["answer A"] and [h.kind for h in rig.happenings][-1] == "pause"


def test_targets_that_do_not_fit_are_left_out() -> None:
    rig = limited(calls_at_once=2)
    rig.answers["answer"] = TRANSFER
    rig.call(PHONE, "A")
    rig.idle()
    assert [call.to for call in rig.engine.calls.values()] == [PHONE, PHONE_2]
    assert [h.data["dialled"] for h in rig.happenings if h.kind == "targetsDropped"] == [1]


def test_a_forward_is_allowed_and_counts() -> None:
    rig = limited(calls_at_once=1)
    rig.answers["initiate"] = bxml.Forward(PHONE_2)
    rig.dial(PHONE, "A")
    rig.idle()
    assert [h.data["reason"] for h in rig.happenings if h.kind == "limitPassed"] == [CONCURRENT]
    assert len(rig.engine.under_way) == 2


def test_legs_count_against_the_rate() -> None:
    rig = limited(calls_per_second=2)
    rig.answers["answer"] = TRANSFER
    rig.engine.configure_phone(PHONE, {"ring_seconds": 0})
    rig.call(PHONE, "A")
    rig.advance(0)
    assert [call.to for call in rig.engine.calls.values()] == [PHONE, PHONE_2]


# Requests


def test_requests_have_a_rate_of_their_own() -> None:
    rig = limited(requests_per_second=2)
    for _ in range(2):
        rig.engine.admit(rig.now)
    with pytest.raises(Refusal) as refused:
        rig.engine.admit(rig.now + 0.9)
    assert (refused.value.status, refused.value.description, refused.value.rule) == (429, REQUESTS, "limits.requests")
    rig.engine.admit(rig.now + 1)
    rig.engine.configure_limits(rig.now + 1, {"requests_per_second": None})
    for _ in range(10):
        rig.engine.admit(rig.now + 1)


def test_the_state_tells_the_limits() -> None:
    rig = limited(on=True, requests_per_second=9)
    shown = {"calls_per_second": 5, "queue": None, "calls_at_once": 100, "requests_per_second": 9, "endpoints": 10_000}
    assert rig.engine.state()["limits"] == shown


# Whatever happens


@given(
    st.lists(st.one_of(st.integers(1, 5), st.sampled_from(("dial", "hang up", "cancel", "transfer", "second", "moment"))), max_size=40),
    st.integers(1, 3),
    st.integers(1, 4),
)
def test_no_limit_is_ever_passed(steps: list[int | str], rate: int, calls_at_once: int) -> None:
    rig = limited(calls_per_second=rate, calls_at_once=calls_at_once)
    rig.answers["answer"] = lambda body: TRANSFER if body.get("tag") == "transfer" else PARK
    for place, step in enumerate(steps):
        phone = f"+1919555{2000 + place}"
        active = [call for call in rig.engine.calls.values() if call.active]
        with suppress(Refusal):
            if isinstance(step, int):
                rig.call(phone, str(place), priority=step)
            elif step == "dial":
                rig.dial(phone, str(place))
            elif step == "transfer":
                rig.call(phone, str(place), tag="transfer")
            elif step in ("second", "moment"):
                rig.advance(1 if step == "second" else 0)
            elif active:
                rig.engine.update_call(rig.now, active[0 if step == "cancel" else -1].call_id, {"state": "completed"})
        rig.settle()
        calls = list(rig.engine.calls.values())
        assert rig.engine.under_way == {call.call_id for call in calls if call.active and call.state != "queued"}
        assert len(rig.engine.queue) == sum(call.state == "queued" for call in calls)
        assert len(rig.engine.under_way) <= calls_at_once
    begun = sorted(call.start_time for call in rig.engine.calls.values() if call.start_time is not None)
    assert all(later >= earlier + 1 for earlier, later in zip(begun, begun[rate:], strict=False))
    rig.idle()
    assert len(rig.engine.queue) == 0
