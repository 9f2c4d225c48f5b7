"""Webhooks that go wrong on demand: how they are ordered, and what is refused."""

import asyncio

import pytest

from workbench.simulator.effects import Refusal
from workbench.simulator.faults import Faults
from workbench.simulator.webhooks import Answer


def faults(*rows, seed=0):
    made = Faults()
    made.set({"faults": list(rows), "seed": seed})
    return made


async def send(made, event, told, answer="200"):
    async def deliver():
        told.append(event)
        return Answer(int(answer))

    return await made.send(event, deliver, told.append if answer == "follow" else lambda rule: None)


async def test_a_duplicate_comes_twice_and_its_first_answer_counts():
    made, told = faults({"kind": "duplicate", "event": "answer"}), []
    assert (await send(made, "disconnect", told)).status == 200
    await send(made, "answer", told)
    await send(made, "answer", told)
    assert told == ["disconnect", "answer", "answer", "answer"]
    assert not made.any, "it is used up"


def test_so_many_tokens_expire():
    assert Faults().set({"expiredTokens": 2}) == 2
    assert Faults().set({}) == 0


async def test_what_is_lost_reaches_nobody():
    made, told = faults({"kind": "lost", "times": None}), []
    with pytest.raises(ConnectionError, match="on demand"):
        await send(made, "answer", told)
    assert told == [] and made.any, "without a number of times it goes on"


async def test_a_late_one_comes_after_the_next():
    made, told = faults({"kind": "late", "event": "bridgeComplete"}), []
    late = asyncio.ensure_future(send(made, "bridgeComplete", told))
    await asyncio.sleep(0)
    assert made.any, "somebody waits to be overtaken"
    await send(made, "disconnect", told)
    await late
    assert told == ["disconnect", "bridgeComplete"] and not made.any


async def test_one_that_nobody_overtakes_comes_nevertheless(monkeypatch):
    monkeypatch.setattr("workbench.simulator.faults.LATE_SECONDS", 0.01)
    made, told = faults({"kind": "late"}), []
    await send(made, "answer", told)
    assert told == ["answer"]


async def test_chance_is_the_same_for_the_same_seed():
    async def story(seed):
        made, told = faults({"kind": "duplicate", "times": None, "chance": 0.5}, seed=seed), []
        for number in range(40):
            await send(made, str(number), told)
        return told

    assert await story(7) == await story(7) != await story(8)
    assert 40 < len(await story(7)) < 80


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"fault": []}, "fault:"),
        ({"faults": {}}, "faults:"),
        ({"faults": [{"kind": "late"}] * 51}, "faults:"),
        ({"faults": [], "seed": "x"}, "seed:"),
        ({"expiredTokens": 51}, "expiredTokens:"),
        ({"expiredTokens": True}, "expiredTokens:"),
        ({"faults": ["lost"]}, r"faults\[0\]:"),
        ({"faults": [{"kind": "lost", "when": 1}]}, r"faults\[0\]:"),
        ({"faults": [{}]}, r"faults\[0\]\.kind"),
        ({"faults": [{"kind": "lost", "event": 1}]}, r"faults\[0\]\.event"),
        ({"faults": [{"kind": "lost", "times": 0}]}, r"faults\[0\]\.times"),
        ({"faults": [{"kind": "lost", "times": True}]}, r"faults\[0\]\.times"),
        ({"faults": [{"kind": "late"}, {"kind": "lost", "chance": 2}]}, r"faults\[1\]\.chance"),
        ({"faults": [{"kind": "lost", "chance": "x"}]}, r"faults\[0\]\.chance"),
    ],
)
def test_a_wrong_fault_is_refused_and_changes_nothing(fields, named):
    made = faults({"kind": "late"})
    with pytest.raises(Refusal, match=named):
        made.set(fields)
    assert made.shown()["faults"] == [{"kind": "late", "event": None, "times": 1, "chance": 1.0}]
