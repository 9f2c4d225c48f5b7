"""What was turned away, for a reader."""

from workbench.records import Refused, TurnedAway
from workbench.refused import CHALLENGED, table


def row(reason, count, path="/x"):
    return TurnedAway(reason, count, Refused(0.0, reason, 401, "POST", path))


def test_the_most_frequent_reason_comes_first_and_challenges_are_none():
    found = table([row("unknown path", 2), row(CHALLENGED, 500), row("wrong credentials", 1234)])
    assert found.summary() == "1,236 requests: wrong credentials 1,234, unknown path 2"
    assert [line.split(":")[0] for line in repr(found).splitlines()] == ["wrong credentials", "unknown path"]
    assert len(found) == 1236


def test_nothing_is_nothing():
    assert (table([]).summary(), repr(table([row(CHALLENGED, 3)])), len(table([]))) == ("", "Nothing was turned away.", 0)
    assert "Nothing was turned away." in table([])._repr_html_()


def test_what_a_stranger_wrote_does_nothing_to_the_page_or_terminal():
    found = table([row("unknown path", 1, "/\x1b[2J<script>")])
    assert "\x1b" not in repr(found)
    assert "<script>" not in found._repr_html_() and "&lt;script&gt;" in found._repr_html_()
    assert found.summary() == "1 request: unknown path 1"
