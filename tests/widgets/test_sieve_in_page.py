"""The page and a cell choose, order and write the same rows: `sieve.js` in node beside `sieve.py`."""

import json
import random
import shutil
import subprocess

import pytest

from workbench.scripts import module
from workbench.widgets.sieve import COLUMNS, KINDS, Sieve, as_csv, as_json

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
PROGRAM = """
import { readFileSync } from "node:fs";
import { OPEN_SIEVE, sifted, wordsOf, taken } from "./sieve.mjs";
const { rows, sieves } = JSON.parse(readFileSync(0, "utf8"));
const items = rows.map((row) => ({ row, words: wordsOf({ row }) }));
const ms = (item) => item.row.ms;
console.log(JSON.stringify(sieves.map((sieve) => {
  const found = sifted(items, { ...OPEN_SIEVE, ...sieve }, ms);
  return [found.map((item) => items.indexOf(item)), taken(found, ms, "CSV"), taken(found, ms, "JSON")];
})));
"""
LEGS = ("", "phone", "phone 2", "phone 10", "Phone 007", "webrtc", "Größe", "İzmir")
CAUSES = ("", "hangup", "busy", 'a "word", quoted', "two\nlines", "a b", "a2", "_x", "~")
PARTIES = ("", "+1 919 555 0100", "sip:there", "(hidden)", "99999999999999999999999")


def any_row(luck, number):
    """Of few values, so that many rows are equal in what they are sorted by."""
    at = luck.choice((number, number / 7))
    return {
        "at": at,
        "time": f"12:{int(at) // 60 % 60:02}:{int(at) % 60:02}.{int(at * 1000) % 1000:03}",
        "ms": luck.choice((None, round(at * 1000))),
        "event": luck.choice(("answer", "createCall", "disconnect")),
        "leg": luck.choice(LEGS),
        "from": luck.choice(PARTIES),
        "to": luck.choice(PARTIES),
        "cause": luck.choice(CAUSES),
        "answered": luck.choice(("", "Pause", "201", "error 500")),
        "handler": luck.choice((None, 0.0, 0.5, 12.0, 12.3)),
        "label": luck.choice(("", "documented", "assumed")),
        "way": luck.choice(("webhook", "request")),
        "flow": luck.choice((None, "bridge-1")),
        "bad": luck.random() < 0.2,
    }


def any_sieve(luck):
    choices = {
        "text": ("an", "PHONE", "größe", "i", "919", '"'),
        "leg": LEGS,
        "event": ("answer", "disconnect"),
        "cause": CAUSES,
        "kind": KINDS,
        "since": ("12:00", "12:00:20", "12:00:20.5"),
        "until": ("12:01", "12:00:50", "12:00:50.250"),
    }
    chosen = {name: luck.choice(values) for name, values in choices.items() if luck.random() < 0.2}
    return {**chosen, "by": luck.choice(("", *COLUMNS)), "down": luck.random() < 0.5}


def test_page_and_cell_agree_on_any_rows(tmp_path):
    luck = random.Random(5)
    rows = [any_row(luck, number) for number in range(150)]
    sieves = [any_sieve(luck) for _ in range(300)]
    (tmp_path / "sieve.mjs").write_text(module("sieve.js"), "utf-8")
    program = tmp_path / "program.mjs"
    program.write_text(PROGRAM, "utf-8")
    given = json.dumps({"rows": rows, "sieves": sieves})
    ran = subprocess.run(["node", str(program)], input=given, capture_output=True, encoding="utf-8", timeout=60, check=True)
    for fields, (places, as_csv_there, as_json_there) in zip(sieves, json.loads(ran.stdout), strict=True):
        shown = Sieve(**fields).shown(rows)
        assert shown == places, fields
        found = [rows[place] for place in shown]
        assert (as_csv(found), as_json(found)) == (as_csv_there, as_json_there), fields
