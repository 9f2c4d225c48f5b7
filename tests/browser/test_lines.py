"""Softphone and handset with a real page, a real platform and a microphone that beeps: in a notebook, and on pages of their own."""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.test_widgets import THEMES, execute, too_wide, unreadable
from workbench import Workbench, bxml

START = """
from workbench import Workbench
wb = Workbench()
"""
# Sockets that a test can break.
WATCH = """(() => {
    window.lines = [];
    window.WebSocket = class extends window.WebSocket {
        constructor(url, ...more) { super(url, ...more); if (/uniqueId=/.test(url)) window.lines.push(this); }
    };
})();"""
LEVEL = """([face, name]) => {
    const panel = [...document.querySelectorAll('.wb')].find(one => one.getAttribute('aria-label').startsWith(face));
    return Number(panel.querySelector(`[role=meter][aria-label="${name}"]`).getAttribute('aria-valuenow'));
}"""
SPOKEN, HEARD = "Level of the microphone", "Level of what is heard"


def hears(page, face, name=HEARD):
    """Until a face shows that there is sound."""
    page.wait_for_function(f"([face, name]) => ({LEVEL})([face, name]) > 5", arg=[face, name], timeout=15_000)


def silent(page, face, name=HEARD):
    """Until a face has shown silence for longer than a beep is away."""
    watch = f"""([face, name]) => {{
        const now = performance.now();
        if (({LEVEL})([face, name]) > 0 || window.quiet === undefined) window.quiet = now;
        return now - window.quiet > 1500;
    }}"""
    page.evaluate("() => { window.quiet = undefined; }")
    page.wait_for_function(watch, arg=[face, name], timeout=20_000)


def connected(face, path="WebRTC"):
    expect(face.locator(".wb-bar .wb-badge")).to_have_text("connected", timeout=15_000)
    expect(face.locator(".wb-facts")).to_contain_text(f"{path} · ", timeout=5_000)


def open_lines(lab, open_notebook, *cells):
    """A notebook whose page may have a microphone and whose sockets can be broken, its cells run."""
    open_ = open_notebook(lab.write(f"lines/{len(cells)}.ipynb", *cells))
    open_.page.context.grant_permissions(["microphone"])
    open_.page.evaluate(WATCH)
    for index in range(len(cells)):
        open_.run_cell(index)
    assert open_.errors() == []
    return open_


def test_a_softphone_in_a_notebook(lab, open_notebook):
    """Connected by a click: it speaks, hears a phone, is muted, survives a broken socket, and leaves nothing in the notebook."""
    open_ = open_lines(lab, open_notebook, START, "wb.softphone('browser')", "wb.matrix()", "wb.transfer.dial(wb.phone(1).set(tone=440))")
    page, softphone, matrix = open_.page, open_.output(1), open_.output(2)
    softphone.get_by_role("button", name="Connect", exact=True).click()
    connected(softphone)
    hears(page, "Softphone", SPOKEN)
    hears(page, "Softphone")
    expect(matrix.get_by_role("cell", name="phone hears browser", exact=True)).to_be_visible()
    matrix.get_by_role("button", name="Measure").click()
    expect(matrix.get_by_text("as computed", exact=True)).to_be_visible()
    expect(matrix.get_by_role("cell", name="browser hears phone, measured", exact=True)).to_be_visible()
    softphone.get_by_role("button", name="Mute").click()
    silent(page, "Softphone", SPOKEN)
    softphone.get_by_role("button", name="Muted").click()
    softphone.get_by_label("Microphone", exact=True).select_option(index=2)
    hears(page, "Softphone", SPOKEN)
    page.evaluate("() => window.lines[0].close(4000)")
    expect(softphone.locator(".wb-bar .wb-badge")).to_have_text("reconnecting…")
    connected(softphone)
    hears(page, "Softphone")
    # keys stay in the panel
    softphone.get_by_role("button", name="Key 1", exact=True).focus()
    for key in ("d", "d", "5"):
        page.keyboard.press(key)
    expect(softphone.get_by_role("status")).to_have_text("Pressed 5.")
    assert len(open_.cells()) == 4
    softphone.get_by_role("button", name="Leave").click()
    expect(softphone.get_by_role("status")).to_have_text("Left: the microphone is off.")
    open_.save()
    saved = (lab.root / open_.path).read_text()
    assert "eyJ" not in saved.replace("eyJ•••", "")
    with page.context.expect_page() as opened:
        softphone.get_by_role("button", name="Open in a tab of its own").click()
    tab = opened.value
    tab.get_by_role("button", name="Connect").click()
    connected(tab)
    assert tab.url.endswith("/_local/softphone")
    hears(tab, "Softphone")
    tab.close()
    # Python can ask for all of it; a microphone whose panel is gone is off
    execute(open_, "wb.softphone('browser').connect()")
    connected(softphone)
    open_.page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    open_.page.wait_for_function("() => window.lines.at(-1).readyState === WebSocket.CLOSED", timeout=10_000)
    assert open_.console == []


def test_a_softphone_and_a_handset_speak_with_each_other(lab, open_notebook):
    open_ = open_lines(lab, open_notebook, START, "wb.softphone('browser')", "wb.handset(1)")
    page, softphone, handset = open_.page, open_.output(1), open_.output(2)
    softphone.get_by_role("button", name="Connect", exact=True).click()
    handset.get_by_role("button", name="Take the handset").click()
    connected(softphone)
    connected(handset)
    # the handset calls, the transfer joins: each hears the other's microphone
    handset.get_by_role("button", name="Call", exact=True).click()
    expect(handset.get_by_text("talking", exact=True)).to_be_visible(timeout=15_000)
    hears(page, "Softphone")
    hears(page, "Handset")
    softphone.get_by_role("button", name="Mute").click()
    silent(page, "Handset")
    softphone.get_by_role("button", name="Muted").click()
    hears(page, "Handset")
    for theme in THEMES:
        open_.theme(theme)
        assert unreadable(open_) == [], theme
    open_.theme(THEMES[0])
    open_.hide_sidebar()
    for width in (900, 412):
        open_.size(width, 900)
        page.wait_for_function("width => document.querySelector('.wb').clientWidth < width", arg=width)
        assert too_wide(open_) == [], width
    handset.get_by_role("button", name="Hang up").click()
    expect(handset.get_by_text("on hook")).to_be_visible()
    handset.get_by_role("button", name="Put it away").click()
    open_.save()
    assert "ticket" not in (lab.root / open_.path).read_text()
    assert [error for error in open_.console if "'removeChild'" not in error] == []


# -- pages of their own -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wb():
    with Workbench() as wb:
        yield wb


@pytest.fixture
def show(browser):
    """`show(url, microphone=True, script="")`: a page of its own, in a browser of its own."""
    contexts = []

    def make(url, microphone=True, script=""):
        context = browser.new_context(viewport={"width": 900, "height": 700})
        contexts.append(context)
        context.set_default_timeout(15_000)
        if microphone:
            context.grant_permissions(["microphone"])
        context.add_init_script(WATCH + script)
        page = context.new_page()
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.on("console", lambda message: message.type == "error" and page.faults.append(message.text))
        page.goto(url)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def ended(wb):
    """A test's calls are over after it."""
    yield
    wb.bridge.reset()
    wb.bridge.close()


def softphone_page(wb, name, host="localhost"):
    return wb._panel()._lines.softphone_page(wb.participant(name).token).replace("127.0.0.1", host)


def handset_page(wb, phone):
    return wb._panel()._lines.handset_page(phone.number, phone.ticket())


def test_a_page_without_webrtc_and_without_a_microphone(wb, show):
    page = show(softphone_page(wb, "ann"), microphone=False, script="delete window.RTCPeerConnection;")
    assert page.url.endswith("/_local/softphone"), "the token stayed in the address"
    page.get_by_role("button", name="Connect").click()
    connected(page, "PCM")
    expect(page.get_by_role("status")).to_contain_text("Connected by PCM. WebRTC did not connect")
    expect(page.get_by_role("alert")).to_have_text("The microphone was refused. Allow it beside the address bar, then try again.")
    page.context.grant_permissions(["microphone"])
    page.get_by_role("button", name="Try the microphone again").click()
    hears(page, "Softphone", SPOKEN)
    expect(page.get_by_role("alert")).to_be_empty()
    other = show(softphone_page(wb, "bob"))
    other.get_by_role("button", name="Connect").click()
    connected(other)
    hears(other, "Softphone")
    hears(page, "Softphone")
    page.get_by_role("button", name="Leave").click()
    silent(other, "Softphone")
    expect(page.get_by_label("Token of a participant or an endpoint")).to_be_visible()
    assert page.faults + other.faults == []


def test_who_can_speak_by_webrtc_and_not_hear_has_pcm(wb, show):
    """As happens over loopback: one of the two connections comes up without the other."""
    deaf = """(() => { let made = 0; window.RTCPeerConnection = class extends window.RTCPeerConnection {
        constructor(how) { super(made++ ? {...how, iceTransportPolicy: "relay"} : how); }
    }; })();"""
    page = show(softphone_page(wb, "deaf"), script=deaf)
    page.get_by_role("button", name="Connect").click()
    connected(page, "PCM")
    assert page.faults == []


def test_a_second_device_and_a_token_of_nobody(wb, show):
    first, second = (show(softphone_page(wb, "eve")) for _ in range(2))
    first.get_by_role("button", name="Connect").click()
    connected(first)
    second.get_by_role("button", name="Connect").click()
    connected(second)
    expect(first.get_by_role("status")).to_contain_text("another device connected in its place")
    first.get_by_label("Token of a participant or an endpoint").fill("eyJ2IjoiVjMifQ.eyJ2IjoiVjMifQ.x")
    first.get_by_role("button", name="Reconnect").click()
    expect(first.get_by_role("status")).to_contain_text("The platform has ended the line: the token is malformed")
    wb.delete(wb.participant("eve"))
    expect(second.get_by_role("status")).to_contain_text("was deleted")


def test_a_microphone_refused_after_the_line_was_left_says_nothing_of_the_next_line(wb, show):
    page = show(softphone_page(wb, "ann"))
    talk = """async () => {
      const { Talk } = await import("/_local/browser/faces.js");
      const { Sound } = await import("/_local/browser/sound.js");
      const prompts = [], known = Sound.microphone;
      Sound.microphone = () => new Promise((_, reject) => prompts.push(reject));
      const talk = new Talk(), nowhere = { dialect: "v3", url: location.origin.replace("http", "ws"), token: "t" };
      talk.connect(nowhere);
      talk.leave();
      talk.connect(nowhere);
      prompts[0](new DOMException("no", "NotAllowedError"));
      await new Promise((resolve) => setTimeout(resolve));
      const found = [talk.up, talk.line !== null];
      talk.leave();
      Sound.microphone = known;
      return found;
    }"""
    assert page.evaluate(talk) == [True, True]


def test_what_a_view_is_over_with_keeps_nothing(wb, show):
    page = show(softphone_page(wb, "ann"))
    over = """async () => {
      const { Talk } = await import("/_local/browser/faces.js");
      const talk = new Talk();
      talk.sound.wake();
      const context = talk.sound.context;
      let left = 0;
      talk.leave = () => (left += 1);
      talk.end();
      window.dispatchEvent(new Event("pagehide"));
      await new Promise((resolve) => setTimeout(resolve, 100));
      return [context.state, talk.sound.context, left];
    }"""
    assert page.evaluate(over) == ["closed", None, 1]


def test_a_page_that_is_no_secure_context(wb, show):
    page = show(softphone_page(wb, "ann", "far.test"), microphone=False)
    page.get_by_role("button", name="Connect").click()
    connected(page)
    expect(page.get_by_role("alert")).to_contain_text("no secure context")


def test_a_handset_rings_is_answered_and_speaks(wb, show, ended):
    phone = wb.phone(1)
    handset = show(handset_page(wb, phone))
    assert handset.url.endswith(f"/_local/handset/{phone.number}")
    handset.get_by_role("button", name="Take the handset").click()
    connected(handset)
    softphone = show(softphone_page(wb, "browser"), microphone=False)
    softphone.get_by_role("button", name="Connect").click()
    connected(softphone)
    wb.bridge.dial(phone)
    expect(handset.get_by_text("ringing: +1 919 555 0100")).to_be_visible()
    handset.get_by_role("button", name="Silence the bell").click()
    handset.get_by_role("button", name="Answer").click()
    expect(handset.get_by_text("talking", exact=True)).to_be_visible()
    wb.wait("answer", leg="phone")
    hears(softphone, "Softphone")
    handset.get_by_role("button", name="Mute").click()
    silent(softphone, "Softphone")
    # long, because the platform's voice may have to be loaded first, and speech goes on meanwhile
    handset.get_by_label("Have the phone say").fill("Hello, this is the phone that speaks. " * 8)
    handset.get_by_role("button", name="Speak").click()
    hears(softphone, "Softphone")
    handset.get_by_role("button", name="Hang up").click()
    expect(handset.get_by_text("on hook")).to_be_visible()
    assert handset.faults + softphone.faults == []


@pytest.fixture
def menu(wb, ended):
    """Each leg of a bridge is asked for two keys: what was pressed, by leg."""
    pressed = {}

    def answered(event, flow):
        return bxml.Gather(gather_url=flow.url("gather", event.leg), max_digits=2, first_digit_timeout=60)

    def gathered(event, flow):
        pressed[event.leg] = event.data["digits"]
        return bxml.Pause(60)

    wb.bridge.on("answer")(answered)
    wb.bridge.on("gather")(gathered)
    return pressed


def test_keys_of_a_softphone_reach_a_gather(wb, show, menu):
    wb.bridge.dial_webrtc()
    wb.wait("answer", leg="webrtc")
    page = show(softphone_page(wb, "browser"))
    page.get_by_role("button", name="Connect").click()
    connected(page)
    hears(page, "Softphone", SPOKEN)
    page.get_by_role("button", name="Key 7").click()
    page.keyboard.press("8")
    wb.wait("gather", leg="webrtc")
    assert menu == {"webrtc": "78"}
    assert page.faults == []


def test_keys_of_a_handset_reach_a_gather(wb, show, menu):
    phone = wb.phone(1)
    page = show(handset_page(wb, phone))
    page.get_by_role("button", name="Take the handset").click()
    connected(page)
    wb.bridge.dial_phone(phone)
    page.get_by_role("button", name="Answer").click()
    expect(page.get_by_text("talking", exact=True)).to_be_visible()
    page.get_by_role("group", name="Keys").get_by_role("button", name="Key 4").click()
    page.keyboard.press("2")
    wb.wait("gather", leg="phone")
    assert menu == {"phone": "42"}


def test_an_endpoint_speaks_with_a_phone(wb, show, ended):
    api = {"base_url": f"{wb.settings.endpoints_url}/accounts/{wb.settings.account_id}", "auth": ("local", "local"), "trust_env": False}
    with httpx.Client(**api) as client:
        made = client.post("/endpoints", json={"type": "WEBRTC", "direction": "BIDIRECTIONAL"}).json()["data"]

    @wb.bridge.on("answer")
    def answered(event, flow):
        return bxml.Connect([bxml.Endpoint(made["endpointId"])])

    page = show(wb._panel()._lines.softphone_page(made["token"]))
    page.get_by_role("button", name="Connect").click()
    connected(page)
    hears(page, "Softphone", SPOKEN)
    wb.bridge.dial_phone(wb.phone(1).set(tone=440, by_hand=False))
    hears(page, "Softphone")
    page.evaluate("() => window.lines[0].close(4000)")
    expect(page.locator(".wb-bar .wb-badge")).to_have_text("reconnecting…")
    connected(page)
    hears(page, "Softphone")
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("status")).to_have_text("Left: the microphone is off.")
    assert page.faults == []
