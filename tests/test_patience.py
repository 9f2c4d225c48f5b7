"""Waiting when an API has had too many requests."""

from email.utils import formatdate

import pytest

from workbench.patience import LONGEST, SHORTEST, TRIES, UNTOLD, Patience, seconds

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("3", 3.0),
        (" 7 ", 7.0),
        ("0", SHORTEST),
        (formatdate(NOW + 5, usegmt=True), 5.0),
        (formatdate(NOW - 5, usegmt=True), SHORTEST),
        ("9" * 30, 999_999_999.0),
        *((text, UNTOLD) for text in (None, "", "soon", "-3", "1.5", "٣")),
    ],
)
def test_what_an_answer_asks_for(told, wanted):
    assert seconds(told, NOW) == wanted


def test_it_waits_a_few_times_and_counts():
    slept = []
    patience, before = Patience(slept.append), []
    assert [patience.waits("2", NOW, before) for _ in range(TRIES + 1)] == [True] * TRIES + [False]
    assert slept == before == [2.0] * TRIES
    assert (patience.refused, patience.waited) == (TRIES + 1, 2.0 * TRIES)


def test_a_long_wait_is_told_instead():
    slept = []
    assert not Patience(slept.append).waits(str(int(LONGEST) + 1), NOW, [])
    assert slept == []
