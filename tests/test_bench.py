"""The bench runs and its table has the agreed shape; never how fast anything is."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys

import psutil
import pytest

from tests.bench import __main__ as bench
from tests.bench import callbacks, calls, capsule, comparing, hostile, ladder, media, memory, rungs, screen, soak, start, streams
from tests.bench.children import child
from tests.bench.figures import Row, Times, table
from tests.browser.lab import chromium
from tests.conftest import ROOT

MS = r"p50 [\d.]+  p99 [\d.]+ ms"


def shape(rows: list[Row], *wanted: tuple[str, str, str]) -> None:
    """Figure, measured and baseline of each row match, and a verdict goes with a target."""
    assert len(rows) == len(wanted)
    for row, patterns in zip(rows, wanted, strict=True):
        for text, pattern in zip((row.figure, row.measured, row.baseline), patterns, strict=True):
            assert re.fullmatch(pattern, text), (text, pattern)
        assert row.ratio is None or row.ratio > 0
        assert (row.met is None) == (row.target == "–")


def test_times_are_milliseconds():
    assert Times.of([0.001 * one for one in range(101)]) == Times(101, 50.0, 99.0)
    assert str(Times(3, 1.0, 2.25)) == "p50 1.0  p99 2.2 ms"


def test_a_table_has_its_columns_in_line_and_names_what_was_missed():
    rows = [Row("one", "1 s", "2 s", 0.5, "≤ 3 s", True), Row("another", "4 s", target="≤ 3 s", met=False), Row("third", "5 s")]
    lines = table(rows).splitlines()
    assert [line.split() for line in (lines[0], *lines[2:])] == [
        ["figure", "measured", "baseline,", "same", "run", "ratio", "target", "met?"],
        ["one", "1", "s", "2", "s", "0.50", "≤", "3", "s", "yes"],
        ["another", "4", "s", "–", "–", "≤", "3", "s", "NO"],
        ["third", "5", "s", "–", "–", "–", "–"],
    ]
    assert len({line.index(word) for line, word in zip(lines[2:], ("1 s", "4 s", "5 s"), strict=True)}) == 1


def test_the_right_order_is_the_platforms():
    assert calls.in_order(1, [("answer", 2), ("disconnect", 3)])
    assert not calls.in_order(1, [("disconnect", 2), ("answer", 3)])
    assert not calls.in_order(1, [("answer", 3), ("disconnect", 2)])
    assert not calls.in_order(2, [("answer", 1), ("disconnect", 3)])
    assert not calls.in_order(1, [("answer", 2), ("disconnect", 3), ("disconnect", 4)])


def test_a_word_that_is_no_part_is_named(capsys):
    assert bench.main(["callbacks", "nonsense"]) == 2
    assert (
        "'nonsense' is none of callbacks, calls, capsule, comparing, hostile, ladder, media, memory, rungs, screen, sifting, start, streams"
        in capsys.readouterr().err
    )


def test_words_choose_parts_and_a_missed_target_shows_in_the_status(monkeypatch, capsys):
    rows = {"callbacks": Row("fast", "1 s", target="≤ 2 s", met=True), "memory": Row("slow", "3 s", target="≤ 2 s", met=False)}
    monkeypatch.setattr(bench, "PARTS", {name: lambda row=row: [row] for name, row in rows.items()})
    assert bench.main(["callbacks"]) == 0
    said = capsys.readouterr().out
    assert f"{os.cpu_count()} cores, load " in said
    assert "CPython" in said or "PyPy" in said
    assert "fast" in said and "slow" not in said
    assert bench.main([]) == 1
    said = capsys.readouterr().out
    assert "fast" in said and "slow" in said


@pytest.mark.sockets
class TestParts:
    def test_callbacks(self):
        shape(
            callbacks.measure(seconds=0.2, windows=1, block=32, blocks=1),
            (r"callback \(50/s, n 1 × 10\)", MS, MS + ", bare Flask"),
            (r"callback beside a busy cell \(50/s, n 1 × 10\)", MS, MS + ", bare Flask"),
            ("callbacks per second, 16 at once", r"\d+/s", r"\d+/s storing nothing"),
        )

    def test_hostile(self):
        shape(
            hostile.measure(seconds=0.2, windows=1),
            (r"callback beside 100 hostile requests/s \(50/s, n 1 × 10, [1-9]\d* turned away\)", MS, MS + ", without"),
        )

    def test_calls(self):
        shape(
            calls.measure(calls=40, rounds=1, reads=64),
            ("complete calls per second", r"\d+/s, 80 in order", r"\d+/s bare Starlette"),
            (r"GET /calls/\{id\} per second", r"\d+/s", r"\d+/s bare Starlette"),
        )

    def test_memory(self):
        shape(
            memory.measure(calls=5),
            ("platform before its first request", r"\d+ MB", "–"),
            ("5 calls at once", r"\d+ MB", r"\d+ MB, empty platform"),
        )

    def test_start(self):
        flask = r"[\d.]+ s, import flask"
        shape(
            start.measure(times=1),
            ("from workbench import Workbench", r"[\d.]+ s", flask),
            (r"Workbench\(\) ready", r"[\d.]+ s", flask),
            ("simulator's process ready", r"[\d.]+ s", flask),
        )

    def test_streams(self):
        wanted = (r"2 media streams at \d+ of 50 frames/s", r"[\d.]+% of a processor", r"[\d.]+%, none")
        shape(streams.measure(streams=2, seconds=0.2), wanted)

    def test_soak(self):
        shape(
            asyncio.run(soak.soak(1.0)),
            (r"memory in 0\.0 min", r"[+-][\d.]+ MB/min, [+-]\d+ kB a call, \d+ MB after \d+ calls", r"\d+ MB at first"),
            (r"gaps, p99 of each call's time", r"[+-][\d.]+ ms/min, worst \d+ ms", "–"),
        )

    @pytest.mark.browser
    def test_media(self):
        if not chromium():
            pytest.skip("no Chromium here")
        ms = r"median \d+  worst \d+ ms"
        shape(
            media.measure(runs=1, onsets=1, legs=2, members=2, seconds=0.5),
            (r"token to the first packet at the page \(n 1\)", ms, r"\d+ ms, two pages directly"),
            (r"token to the page's first packet at its partner \(n 1\)", ms, r"\d+ ms, two pages directly"),
            (r"one way, page to page \(n 1\)", ms, r"median \d+ ms, directly"),
            (r"2 legs passed through at \d+ of 50 packets/s", r"[\d.]+ of a processor", r"[\d.]+, no legs"),
            (
                "conference of 2 calls, gaps between packets",
                r"p99 \d+  worst \d+ ms, [\d.]+ of a processor",
                r"p99 \d+  worst \d+ ms, one packet after the other directly",
            ),
        )

    @pytest.mark.browser
    def test_capsule(self):
        if not chromium():
            pytest.skip("no Chromium here")
        shape(capsule.measure((20,), runs=1), (r"capsule of 20 messages", r"\d+ kB, open in \d+ ms", "–"))

    @pytest.mark.browser
    def test_screen(self, monkeypatch):
        if not chromium():
            pytest.skip("no Chromium here")
        figures = screen.measure(((20, 5, 60_000.0),))
        monkeypatch.setattr(screen, "measure", lambda: figures)
        chosen = screen.choosing(30)
        assert set(chosen) == {"filter", "sort"} and all(ms > 0 for ms in chosen.values())
        monkeypatch.setattr(screen, "choosing", lambda: {"filter": 1.0})
        shape(bench.screen()[1:], (r"event on screen at 20/s \(5 of 5 shown\)", r"p50 [\d.]+  p95 [\d.]+  worst [\d.]+ ms", "–"))


@pytest.mark.sockets
def test_no_child_outlives_what_it_was_started_for():
    with child("-m", "tests.bench.callbacks") as server:
        process = psutil.Process(server.pid)
        assert process.is_running()
    assert not process.is_running()


@pytest.mark.sockets
def test_a_child_that_cannot_start_is_named():
    with pytest.raises(RuntimeError, match="-c pass ended or hung before it told its line"), child("-c", "pass"):
        pass


@pytest.mark.sockets
def test_a_child_ends_when_the_bench_is_killed(child_environment):
    code = "from tests.bench.children import child\nwith child('-m', 'tests.bench.calls') as one: print(one.pid, flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, cwd=ROOT, env=child_environment()) as parent:
        assert parent.stdout is not None
        one = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    one.wait(10)


@pytest.mark.sockets
def test_a_comparison_is_measured_beside_one_without_changes():
    shape(comparing.measure(times=1), (r"compare of three verbs \(support call\), shown", r"[\d.]+ s", r"[\d.]+ s, no change"))


def test_a_long_ladder_is_filtered_and_picked_in():
    if not chromium():
        pytest.skip("no Chromium here")
    ms = r"\d+ ms, at most \d+"
    shape(rungs.choosing(300), ("filtering among 300 messages", ms, "–"), ("picking among 300 messages", ms, "–"))


def test_a_ladder_has_its_rows():
    shape(
        ladder.measure(rate=200, count=40, long=100),
        (r"event to message at 200/s \(n 40\)", r"p50 [\d.]+  p95 [\d.]+ ms", r"p50 [\d.]+  p95 [\d.]+ ms, 20/s"),
        (r"reading 100 events, 100 happenings of a flow", r"[\d.]+ s", r"[\d.]+ s, backwards"),
    )
