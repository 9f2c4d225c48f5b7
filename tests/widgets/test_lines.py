"""Softphone and handset: what the page is handed and what it must never keep; who hears whom, measured."""

import json
import re
from datetime import UTC, datetime

import pytest

from workbench import tokens
from workbench.addresses import Addresses
from workbench.errors import WorkbenchError
from workbench.local import Happening
from workbench.scripts import BROWSER, STATIC, module
from workbench.settings import Settings
from workbench.widgets import Handset, Lookout, Matrix, Softphone
from workbench.widgets.lookout import NOTHING

LOCAL = Settings(platform="local").at("http://127.0.0.1:8010")


class Telephone:
    """A phone's handle that writes down what is done with it."""

    number = "+19195550111"

    def __init__(self):
        self.done = []

    def ticket(self):
        self.done.append("ticket")
        return "ticket-1"

    def __getattr__(self, name):
        return lambda *arguments: self.done.append((name, *arguments))


def press(panel, what, **arguments):
    panel._handle_custom_msg({"do": what, "with": arguments, "id": f"{what}-1"}, [])


def hands(page):
    return [message["hand"] for message in page.messages if "hand" in message]


def kept(panel, page):
    """All that a saved notebook, a view or a repr could hold."""
    return json.dumps([page.state, panel.view, panel.html(), repr(panel), panel._repr_mimebundle_()[0]], default=str)


@pytest.fixture
def token():
    return tokens.issue(account_id="9900000", participant_id="p-1", secret="s", now=0, tid="+1")


def test_a_token_is_handed_over_and_never_kept(page, publisher, token):
    lines = Addresses(LOCAL)
    panel = Softphone("browser", publisher, grant=lambda: lines.softphone(token), page=lambda: lines.softphone_page(token))
    press(panel, "connect", page="here")
    page.until(lambda: hands(page))
    assert hands(page) == [{"connect": {"dialect": "v3", "url": "ws://127.0.0.1:8010", "token": token}, "page": "here"}]
    panel.open_page()
    panel.mute()
    panel.press("12#")
    panel.leave()
    page.until(lambda: len(hands(page)) == 5)
    assert hands(page)[1]["open"] == f"http://127.0.0.1:8010/_local/softphone#token={token}"
    assert hands(page)[2:] == [{"mute": True}, {"press": "12#"}, {"leave": True}]
    with pytest.raises(WorkbenchError, match="keys are"):
        panel.press("x")
    assert not [part for part in token.split(".") if part in kept(panel, page)]


def test_who_gets_which_line(token):
    lines = Addresses(LOCAL)
    endpoint = {"dialect": "brtc", "url": "ws://127.0.0.1:8010/prod/gateway-service/api/v1/endpoints", "token": "what the platform made"}
    assert lines.softphone("what the platform made") == endpoint
    assert lines.handset("t") == {"dialect": "handset", "url": "ws://127.0.0.1:8010", "token": "t"}
    assert lines.handset_page("+19195550111", "t/1") == "http://127.0.0.1:8010/_local/handset/+19195550111#ticket=t%2F1"
    live = Addresses(Settings(platform="live"))
    assert live.softphone(token)["url"] == "wss://device.webrtc.bandwidth.com"


def test_a_handset_has_a_method_for_each_button(page, publisher):
    phone = Telephone()
    panel = Handset(phone, publisher, lines=Addresses(LOCAL), first="+19195550100")
    assert panel.view["first"] == "+1 919 555 0100"
    press(panel, "connect", page="here")
    page.until(lambda: hands(page))
    assert hands(page) == [{"connect": {"dialect": "handset", "url": "ws://127.0.0.1:8010", "token": "ticket-1"}, "page": "here"}]
    press(panel, "dial", to="+1 919 555 0100")
    page.until(lambda: any(message.get("done") == ["dial-1"] for message in page.messages))
    panel.answer()
    panel.press("1")
    panel.speak("Hello.")
    panel.hang_up()
    panel.reject()
    done = ["ticket", ("dial", "+19195550100"), ("answer",), ("press", "1"), ("say", "Hello."), ("hangup",), ("reject",)]
    assert phone.done == done
    panel.open_page()
    panel.leave()
    page.until(lambda: len(hands(page)) == 3)
    assert "ticket-1" not in kept(panel, page)


def picture(hears):
    parties = [{"id": one, "name": one, "kind": "participant"} for one in ("ann", "bob", "eve")]
    return {**NOTHING, "hears": {"parties": parties, "hears": hears}}


def test_what_was_measured_stands_beside_what_was_computed(page, publisher):
    computed = {"ann": ["bob"], "bob": ["ann"], "eve": []}
    heard = {"ann": ["bob"], "bob": [], "eve": ["ann"]}
    now = [picture(computed)]
    lookout = Lookout(lambda: now[0])
    try:
        matrix = Matrix(publisher, lookout, measure=lambda: heard)
        assert matrix.view["at"] == "" and matrix.view["measured"] is None
        assert matrix.measure() == heard
        page.until(lambda: matrix.view["at"])
        assert matrix.view["measured"] == [[False, True, False], [False, False, False], [True, False, False]]
        assert matrix.view["faults"] == ["bob should hear ann, but was silent", "eve should not hear ann, but did"]
        assert re.fullmatch(r"\d\d:\d\d:\d\d", matrix.view["at"])
        heard.update(computed)
        matrix.measure()
        page.until(lambda: matrix.view["faults"] == [])
        assert not matrix.view["stale"]
        now[0] = picture({**computed, "bob": []})
        lookout.nudge()
        page.until(lambda: matrix.view["stale"])
        assert matrix.view["faults"] == [], "what is out of date is no fault"
    finally:
        lookout.close()


def test_a_measurement_overtaken_by_a_change_is_no_measurement(page, publisher):
    now = [picture({"ann": ["bob"], "bob": [], "eve": []})]
    lookout = Lookout(lambda: now[0])

    def measure():
        now[0] = picture({"ann": [], "bob": [], "eve": []})
        return {"ann": ["bob"]}

    try:
        matrix = Matrix(publisher, lookout, measure=measure)
        matrix.measure()
        page.until(lambda: matrix.view["stale"])
        assert matrix.view["faults"] == []
    finally:
        lookout.close()


def test_the_matrix_looks_back_to_the_picture_of_a_moment(page, publisher):
    ids = {"parties": [{"id": "+19195550111", "name": "x", "kind": "phone"}, {"id": "p", "name": "ann", "kind": "participant"}]}
    noted = [
        Happening(seq, f"2026-01-01T12:00:0{seq}Z", "hears", "local.hears", "assumed", {**ids, "hears": hears})
        for seq, hears in ((2, {}), (5, {"p": ["+19195550111"]}))
    ]
    lookout = Lookout(lambda: picture({}))
    try:
        matrix = Matrix(publisher, lookout, past=lambda: noted, names=lambda: {"+19195550111": "phone 2"})

        def back(**moment):
            matrix.look_back(**moment, asked=str(moment))
            return page.until(
                lambda: [one["hand"]["past"] for one in page.messages if one.get("hand", {}).get("past", {}).get("asked") == str(moment)]
            )[0]

        assert back(place=4.5)["hears"] == [[False, False], [False, False]]
        then = back(place=28)
        assert (then["parties"], then["legs"]) == (["phone 2", "ann"], ["phone 2", "webrtc"])
        assert then["hears"] == [[False, False], [True, False]] and re.fullmatch(r"\d\d:\d\d:05", then["time"])
        moment = datetime(2026, 1, 1, 12, 0, 3, tzinfo=UTC).timestamp()
        assert back(at=moment)["hears"] == [[False, False], [False, False]]
        assert "parties" not in back(place=1) and "parties" not in back()
    finally:
        lookout.close()


def test_a_panel_is_one_module_and_knows_each_part_once():
    for name in ("softphone.js", "handset.js", "matrix.js"):
        whole = module(name)
        assert not re.search(r"(?m)^import |^export (?!default)", whole)
        names = re.findall(r"(?m)^(?:async )?(?:function|const|class|let) (\w+)", whole)
        assert sorted(names) == sorted(set(names)), name
    assert "AudioWorkletProcessor" in module("handset.js")


def test_what_pages_and_panels_import_is_there():
    for place in (STATIC, BROWSER):
        for file in place.glob("*.js"):
            for imported in re.findall(r'from "\./([\w.]+)"', file.read_text("utf-8")):
                assert (place / imported).exists() or (BROWSER / imported).exists(), f"{file.name} imports {imported}"
