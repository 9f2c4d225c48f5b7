"""Stories: plain data that is a story, or is refused naming the field."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from tests.conftest import ROOT
from workbench.changes import HOW, MEANS, Cannot
from workbench.errors import WorkbenchError
from workbench.story import EXAMPLE, READY, WORDS, Moment, Stories, Story


def test_a_story_is_given_by_name_by_data_or_as_itself() -> None:
    told = Story.of("support call")
    assert Story.of(told) is told
    assert Story.of({}) == Story()
    assert Story.of({"moments": ["hold", "resume phone", Moment("leave", "webrtc")]}).moments == (
        Moment("hold"),
        Moment("resume"),
        Moment("leave", "webrtc"),
    )


def test_it_is_told_in_sentences() -> None:
    told = Story.of({"calls": "inbound", "moments": [{"change": "swap", "by": "phone 2"}, "leave webrtc"], "rings": {"phone 3": None}})
    assert told.lines == (
        "the phone calls us",
        "phone 3 never answers",
        "the phone leaves, phone 2 is called in its place",
        "the WebRTC leg leaves",
        "whoever is still there hangs up",
    )
    assert told.phones == ("phone", "phone 2")


def test_the_example_that_is_shown_is_a_story() -> None:
    assert Story.of(ast.literal_eval(EXAMPLE)).moments[2].by == "phone 2"
    assert "support call: our application calls the phone → " in repr(Stories())
    assert all(name in Stories()._repr_html_() for name in READY)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("unheard of", "there is none named 'unheard of'; there are basic,"),
        (7, "has to be a mapping with name, calls, rings, moments; not 7"),
        ({"calls": "sideways"}, "story, calls: has to be one of outbound, inbound, not 'sideways'"),
        ({"nme": "x"}, "story, nme: has to be left out: the fields are name, calls, rings, moments"),
        ({"name": " "}, "story, name: has to be a text"),
        ({"rings": [1]}, "story, rings: has to be a mapping"),
        ({"rings": {"fax": 1}}, r"story, rings\['fax'\]: has to be about one of phone, phone 2, phone 3, webrtc"),
        ({"rings": {"phone": 31}}, r"story, rings\['phone'\]: has to be seconds from 0 to 29, or None"),
        ({"rings": {"phone": float("nan")}}, r"story, rings\['phone'\]: has to be seconds"),
        ({"rings": {"phone": True}}, r"story, rings\['phone'\]: has to be seconds"),
        ({"calls": "inbound", "rings": {"phone": 1}}, r"story, rings\['phone'\]: has to be left out: it calls us"),
        ({"rings": {"webrtc": None}, "moments": ["hold"]}, "story, moments: has to be empty while webrtc never answers"),
        ({"moments": "hold"}, "story, moments: has to be a list"),
        ({"moments": [3]}, r"story, moments\[0\]: has to be a mapping with change, who"),
        ({"moments": [{"who": "phone"}]}, r"story, moments\[0\].change: has to be there: one of announce"),
        ({"moments": [{"change": "hold", "whom": "phone"}]}, r"story, moments\[0\].whom: has to be left out"),
        ({"moments": ["dance"]}, r"story, moments\[0\].change: has to be one of announce, .* not 'dance'"),
        ({"moments": ["hold webrtc"]}, r"story, moments\[0\].who: has to be one of phone, phone 2, phone 3, not 'webrtc'"),
        ({"moments": ["hold phone 2"]}, r"story, moments\[0\].who: has to be somebody who is there: phone 2 is not"),
        ({"moments": ["resume"]}, r"story, moments\[0\].change: has to be resume only after hold"),
        ({"moments": ["hold", "back"]}, r"story, moments\[1\].change: has to be back only after announce"),
        ({"moments": ["hold", "announce"]}, r"story, moments\[1\].change: has to be something else while phone is in 'hold'"),
        ({"moments": ["leave", "hold"]}, r"story, moments\[1\].who: has to be somebody who is there"),
        ({"moments": ["join phone"]}, r"story, moments\[0\].who: has to be a phone that answers and has not been there yet"),
        ({"moments": ["swap"]}, r"story, moments\[0\].by: has to be a phone that answers .* not nobody"),
        ({"moments": [{"change": "swap", "by": "webrtc"}]}, r"story, moments\[0\].by: has to be a phone"),
        ({"rings": {"phone 2": None}, "moments": ["join phone 2"]}, r"story, moments\[0\].who: has to be a phone that answers"),
        ({"moments": [{"change": "hold", "by": "phone 2"}]}, r"story, moments\[0\].by: has to be left out: hold has nobody"),
        ({"moments": [{"change": "hold", "after": -1}]}, r"story, moments\[0\].after: has to be seconds from 0"),
        ({"moments": [{"change": "announce", "text": ""}]}, r"story, moments\[0\].text: has to be a sentence"),
        ({"moments": [{"change": "hold", "who": ["phone"]}]}, r"story, moments\[0\].who: has to be one of"),
        ({"moments": [{"change": {}}]}, r"story, moments\[0\].change: has to be one of"),
    ],
    ids=lambda value: value if isinstance(value, str) and re.match(r"story", value) else "",
)
def test_what_is_no_story_is_refused_by_its_field(given: Any, says: str) -> None:
    with pytest.raises(WorkbenchError, match=says):
        Story.of(given)


@pytest.mark.parametrize("mode", MEANS)
def test_each_mode_can_make_each_change_or_says_why_not(mode: str) -> None:
    assert MEANS[mode].keys() == WORDS.keys()
    for change, means in MEANS[mode].items():
        assert isinstance(means, Cannot) != (change in HOW[mode])
        if isinstance(means, Cannot):
            assert str(means).startswith("cannot: ") and str(means).endswith(f"({means.label}, {means.source})")
            assert means.label in ("documented", "observed", "assumed")


def test_the_story_of_the_documentation_is_one() -> None:
    example = re.search(r"```python\nwb\.compare\(\n    story=(.*)\n\)\n```", (ROOT / "docs" / "comparing.md").read_text(), re.DOTALL)
    assert example is not None
    assert Story.of(ast.literal_eval(example[1].rstrip(","))).lines[0] == "the phone calls us"
