import json

import pytest

from workbench import tokens
from workbench.errors import ApiError, WorkbenchError
from workbench.widgets import text

TOKEN = tokens.issue(account_id="9900000", participant_id="p", secret="s", now=0.0, tid="+123456789012345")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("+19195550111", "+1 919 555 0111"),
        ("+442079460958", "+442079460958"),
        ("+1•••11#3f9a2c", "+1•••11#3f9a2c"),
        ("sip:sipx.webrtc.bandwidth.com:5060", "SIP interconnect"),
        ("sip:alice@example.com", "alice@example.com"),
        (None, ""),
    ],
)
def test_parties_have_names(address, shown):
    assert text.party(address) == shown


def test_tokens_never_show():
    document = f'<Response><Transfer><SipUri uui="{TOKEN};encoding=jwt">sip:x@y</SipUri></Transfer></Response>'
    shown = [
        text.masked(f"token {TOKEN}."),
        text.pretty_json({"token": TOKEN, "deep": [TOKEN]}),
        text.pretty_bxml(document),
        text.pretty_error(f"Traceback\n  {TOKEN}\nValueError: {TOKEN}"),
        text.explain(ValueError(TOKEN)),
        text.table_html("t", ["a"], [[TOKEN]]),
    ]
    for part in TOKEN.split("."):
        assert not [one for one in shown if part in one]


def test_bxml_is_spread_over_lines_and_nonsense_stays():
    assert text.pretty_bxml("<Response><Pause/></Response>").count("\n") >= 2
    assert text.pretty_bxml("<Response><Nonsense/></Response>") == "<Response><Nonsense/></Response>"
    assert text.pretty_bxml("no BXML") == "no BXML"


def test_json_stays_json():
    assert json.loads(text.pretty_json({"to": "+19195550111"})) == {"to": "+19195550111"}


def test_an_error_is_one_line_that_says_what():
    assert text.explain(WorkbenchError("no\ncall")) == "no call"
    assert text.explain(ApiError("POST /calls: 409", request="POST /calls")) == "POST /calls: 409"
    assert text.explain(KeyError("x")) == "KeyError: 'x'"


def test_a_traceback_begins_with_what_went_wrong():
    shown = text.pretty_error("Traceback (most recent call last):\n  File x\n    a / b\n    ~~^~~\nZeroDivisionError: division by zero\n")
    assert shown.splitlines()[0] == "ZeroDivisionError: division by zero"
    assert "~" not in shown


def test_static_tables_are_escaped():
    html = text.table_html("<b>", ["<i>"], [["<script>", None, 3]])
    assert "<script>" not in html
    assert "<b>" not in html
    assert "&lt;script&gt;" in html
    assert "nothing yet" in text.table_html("t", [], [])


def test_ids_are_short_and_names_whole():
    assert text.short("e6b0f34f-2619-4665-8684-bb42b40ab5ed") == "e6b0f34f…"
    assert text.short("stand-up") == "stand-up"
