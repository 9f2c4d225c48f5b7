"""BXML: what is built parses to the same, what Bandwidth's SDK builds parses to ours, and every rule holds at its edge."""

from __future__ import annotations

import inspect
import timeit
from typing import Any

import pytest
from bandwidth.models import bxml as sdk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench import bxml
from workbench.bxml import Where, fields, media, ssml
from workbench.bxml.base import Attribute, problems, shape
from workbench.bxml.fields import Boolean, Checked, Choice, Number, Pattern
from workbench.errors import BxmlError, WorkbenchError

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
TOP = [bxml.VERBS[name] for name in bxml.VERBS if bxml.VERBS[name] in bxml.ALLOWED[Where.CALL]]
HOLDER: dict[type[bxml.Verb], Any] = {
    bxml.PhoneNumber: lambda verb: bxml.Transfer([verb]),
    bxml.SipUri: lambda verb: bxml.Transfer([verb]),
    bxml.Endpoint: lambda verb: bxml.Connect([verb]),
    bxml.StreamParam: lambda verb: bxml.StartStream("wss://a.example", stream_params=[verb]),
    bxml.CustomParam: lambda verb: bxml.StartTranscription(custom_params=[verb]),
}
PHONE = "<PhoneNumber>+15550100001</PhoneNumber>"

# ---------------------------------------------------------------- values that obey the table

WRITABLE = st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=("Cs",)).filter(
    lambda c: c >= " " or c in "\t\n\r"
)
VISIBLE = st.characters(codec="utf-8", exclude_characters="\ufffe\uffff", exclude_categories=("Cc", "Cs"))
UUIS = st.lists(
    st.tuples(st.text("abcdef0123456789", min_size=1, max_size=40), st.sampled_from(("jwt", "base64", "hex"))), min_size=1, max_size=4
).map(lambda entries: ",".join(f"{value};encoding={encoding}" for value, encoding in entries))
MARKS = (
    '<break time="1s"/>',
    "<break></break>",
    "<emphasis level='strong'>",
    "</emphasis>",
    "<p>",
    "</p>",
    '<sub alias="a &amp; &quot;b&quot;">',
    "</sub>",
)
PIECES = st.one_of(
    st.sampled_from(
        (*MARKS, "&", "<", ">", "&amp;", "&lt;", "&#60;", "&#x26;", "&#0;", "]]>", "<foo>", "amp;", "lt;", "break/>", "\r\n", " ")
    ),
    st.text(WRITABLE, max_size=8),
)
SENTENCES = st.lists(PIECES, max_size=8).map("".join).map(ssml.canonical).filter(lambda text: text and ssml.broken(text) is None)


def values(row: Attribute) -> st.SearchStrategy[Any]:
    """Values that a row of the table allows."""
    kind = row.kind
    if row.place == "nested":
        most = min(row.most or 3, 4)
        return st.lists(st.one_of(*map(verbs, row.inside)), min_size=row.least, max_size=most) if row.most != 1 else verbs(row.inside[0])
    if row.markup:
        return SENTENCES
    if isinstance(kind, Boolean):
        return st.booleans()
    if isinstance(kind, Number):
        low, high = kind.low, min(kind.high, 10**6)
        return st.integers(int(low) + (low > int(low)), int(high)) | (st.nothing() if kind.whole else st.floats(low, high))
    if kind in (fields.UUI, fields.FORWARD_UUI):
        return UUIS
    if isinstance(kind, Choice):
        return st.sampled_from(kind.words)
    if isinstance(kind, Pattern):
        found = st.from_regex(kind.pattern, fullmatch=True, alphabet=VISIBLE)
        return found.filter(lambda text: kind.broken(text) is None and kind.broken(text.strip(fields.BLANKS)) is None)
    assert isinstance(kind, Checked | fields.Kind)
    return st.text(VISIBLE if isinstance(kind, Checked) else WRITABLE, min_size=kind.minimum, max_size=min(kind.limit or 20, 20))


def build(verb: type[bxml.Verb], given: dict[str, Any]) -> bxml.Verb:
    """The verb, without the attributes that quarrel with others."""
    made = verb(**given)
    quarrels = {row.name for name, _ in problems(made) for row in shape(verb).rows if row.xml == name}
    return verb(**{name: value for name, value in given.items() if name not in quarrels}) if quarrels else made


def verbs(verb: type[bxml.Verb]) -> st.SearchStrategy[bxml.Verb]:
    rows = shape(verb).rows
    required = {row.name: values(row) for row in rows if row.required}
    optional = {row.name: values(row) for row in rows if not row.required}
    return st.fixed_dictionaries(required, optional=optional).map(lambda given: build(verb, given))


@pytest.mark.parametrize("verb", TOP, ids=lambda verb: verb.__name__)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
)
@given(data=st.data())
def test_what_is_built_parses_to_the_same(verb: type[bxml.Verb], data: st.DataObject) -> None:
    root = bxml.Response([data.draw(verbs(verb))])
    text = root.to_bxml()
    assert bxml.parse(text) == root
    assert bxml.parse(text.encode()) == root
    assert bxml.parse(root.pretty()) == root
    assert bxml.parse(text).to_bxml() == text
    assert len({bxml.parse(text), root}) == 1


@settings(max_examples=300, deadline=None)
@given(text=st.lists(PIECES, max_size=8).map("".join))
def test_a_sentence_has_one_spelling(text: str) -> None:
    once = ssml.canonical(text)
    assert ssml.canonical(once) == once
    assert bxml.spoken(once) == bxml.spoken(text)


@settings(max_examples=200, deadline=None)
@given(document=st.one_of(st.binary(max_size=60), st.text(max_size=60), st.text("<>/ResponseBxmlHangup \"'=&;![]", max_size=60)))
def test_any_input_gives_a_document_or_a_bxml_error(document: str | bytes) -> None:
    error = None
    try:
        bxml.parse(document)
    except BxmlError as caught:
        error = caught
    assert error is None or (error.line is not None and error.line >= 1 and error.column is not None)


# ---------------------------------------------------------------- Bandwidth's own SDK

SAMPLES: dict[str, Any] = {
    "transfer_to": (
        [sdk.PhoneNumber("+15550100001"), sdk.SipUri("sip:a@b.example")],
        [bxml.PhoneNumber("+15550100001"), bxml.SipUri("sip:a@b.example")],
    ),
    "audio_verbs": ([sdk.PlayAudio("a.wav"), sdk.SpeakSentence("Hi")], [bxml.PlayAudio("a.wav"), bxml.SpeakSentence("Hi")]),
    "sip_uri": (sdk.SipUri("sip:a@b.example"), bxml.SipUri("sip:a@b.example")),
    "destination": ([sdk.Endpoint("e-1")], [bxml.Endpoint("e-1")]),
    "stream_params": ([sdk.StreamParam("a", "b")], [bxml.StreamParam("a", "b")]),
    "custom_params": ([sdk.CustomParam("a", "b")], [bxml.CustomParam("a", "b")]),
}
BY_KIND: dict[Any, Any] = {
    fields.URL: "/next?a=1&b=<2>",
    media.TRANSCRIPTION_NAME: "live_1-a",
    fields.WEBSOCKET: "wss://stream.example/a?b=1&c=2",
    fields.E164: "+15550100001",
    fields.SIP_URI: "sip:sipx.webrtc.bandwidth.com:5060",
    fields.E164_OR_SIP: "sip:a@b.example",
    fields.CALLER_ID: "+15550100002",
    fields.CALL_IDS: "c-1,c-2",
    fields.ID: "c-1",
    fields.CONFERENCE_NAME: "my-conference_1.0",
    fields.KEYS: "#*1",
    fields.TONES: "1w2W,#",
    fields.UUI: "abc;encoding=base64,a.b.c;encoding=jwt",
    fields.FORWARD_UUI: "a.b.c;encoding=jwt",
}
# The SDK takes the parameter and never writes it.
SDK_LOSES = {("StartRecording", "detect_language")}


def sample(row: Attribute) -> tuple[Any, Any]:
    """A value for the SDK and one for us."""
    if row.place == "nested":
        return SAMPLES[row.name]
    kind = row.kind
    if row.markup:
        value: Any = 'Tom & "Jerry" <break time="1s"/> 1 < 2'
    elif isinstance(kind, Number):
        value = kind.low + (1 if kind.whole else 1.5)
    elif isinstance(kind, Boolean):
        value = True
    elif isinstance(kind, Choice):
        value = kind.words[-1]
    else:
        value = BY_KIND.get(kind, "a & 'b' \"c\" < é")
    return value, value


def both(name: str, *extra: str) -> tuple[str, bxml.Response]:
    """A document with the verb as the SDK writes it, and ours; both with what is required and with `extra`."""
    verb = bxml.VERBS[name]
    picked = {row.name: sample(row) for row in shape(verb).rows if row.required or row.name in extra}
    theirs = getattr(sdk, name)(**{key: value[0] for key, value in picked.items()})
    # The SDK writes these defaults out.
    ours = verb(
        **({"Pause": {"duration": 1}, "Record": {"max_duration": 60}}.get(name, {}) | {key: value[1] for key, value in picked.items()})
    )
    wrap = {"PhoneNumber": sdk.Transfer, "SipUri": sdk.Transfer, "Endpoint": sdk.Connect}.get(name)
    if wrap is not None:
        theirs = wrap([theirs])
    elif name == "StreamParam":
        theirs = sdk.StartStream("wss://a.example", stream_params=[theirs])
    elif name == "CustomParam":
        theirs = sdk.StartTranscription(custom_params=[theirs])
    return sdk.Response([theirs]).to_bxml(), bxml.Response([HOLDER.get(verb, lambda verb: verb)(ours)])


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, row.name) for name, verb in bxml.VERBS.items() for row in shape(verb).rows if (name, row.name) not in SDK_LOSES],
)
def test_each_attribute_as_the_sdk_builds_it(name: str, parameter: str) -> None:
    theirs, ours = both(name, parameter)
    assert bxml.parse(theirs) == ours
    assert bxml.parse(ours.to_bxml()) == ours


@pytest.mark.parametrize("name", bxml.VERBS)
def test_all_attributes_at_once_as_the_sdk_builds_them(name: str) -> None:
    lost = {"transfer_caller_display_name", "caller_display_name"}  # quarrel with privacy
    names = [row.name for row in shape(bxml.VERBS[name]).rows if (name, row.name) not in SDK_LOSES and row.name not in lost]
    theirs, ours = both(name, *names)
    assert bxml.parse(theirs) == ours


@pytest.mark.parametrize("name", bxml.VERBS)
def test_parameters_are_those_of_the_sdk(name: str) -> None:
    theirs = list(inspect.signature(getattr(sdk, name)).parameters)
    ours = list(inspect.signature(bxml.VERBS[name]).parameters)
    assert ours == theirs


def test_there_is_every_verb_of_the_sdk() -> None:
    theirs = {name for name, item in vars(sdk).items() if inspect.isclass(item) and "verbs" in item.__module__}
    assert theirs == set(bxml.VERBS)


def test_both_roots_of_the_sdk_parse() -> None:
    assert bxml.parse(sdk.Response([sdk.Hangup()]).to_bxml()) == bxml.Response(bxml.Hangup())
    assert bxml.parse(sdk.Bxml([sdk.Hangup()]).to_bxml()) == bxml.Bxml([bxml.Hangup()])
    assert bxml.Response() != bxml.Bxml()


# ---------------------------------------------------------------- rules at their edges

TEN, LONG = "0123456789", "x" * 256
CONFERENCE = "<Conference {}>room</Conference>"
TRANSFER = "<Transfer {}>" + PHONE + "</Transfer>"
SIP = "<Transfer><SipUri {}>sip:a@b.example</SipUri></Transfer>"
RECORD, STREAM = "<Record {}/>", '<StartStream destination="wss://a.example" {}/>'
SPEAK = "<Gather {}>" + "<SpeakSentence>Hi</SpeakSentence>" * 5 + "</Gather>"
UUI = ";encoding=base64"

# verb, attribute (None: its text or what it holds), document with a hole, values that pass, values that do not
EDGES: list[tuple[str, str | None, str, list[str], list[str]]] = [
    (
        "Transfer",
        "callTimeout",
        TRANSFER,
        ["1", "300", "1.5", "30.0", " 5 "],
        ["0.99", "300.1", "0", "-1", "", "ten", "1e2", "nan", "inf", "9" * 400],
    ),
    ("Transfer", "tag", TRANSFER, ["", LONG], [LONG + "x"]),
    (
        "Transfer",
        "transferCallerId",
        TRANSFER,
        ["+15550100001", "Anonymous", "+12"],
        ["15550100001", "+05550100001", "+1234567890123456", "anonymous"],
    ),
    ("Transfer", "transferCallerDisplayName", TRANSFER, ["", LONG, "Zoë"], [LONG + "x", "a&#10;b", "a&#x85;b"]),
    (
        "Transfer",
        "transferCompleteUrl",
        TRANSFER,
        ["https://a.example/b", "/b", "b?c", "HTTP://a", "//a.example"],
        ["", "ftp://a", "a b", "https://", "x:y"],
    ),
    ("Transfer", "transferCompleteUrl", TRANSFER, ["/" + "x" * 2047], ["/" + "x" * 2048]),
    ("Transfer", "transferCompleteMethod", TRANSFER, ["GET", "POST"], ["PUT", "get", ""]),
    ("Transfer", "diversionTreatment", TRANSFER, ["none", "propagate", "stack"], ["all"]),
    ("Transfer", "diversionReason", TRANSFER, ["away", "user-busy"], ["bored"]),
    ("Transfer", "privacy", TRANSFER, ["true", "false"], ["yes", "TRUE", "1", ""]),
    (
        "SipUri",
        "uui",
        SIP,
        ["a" * (350 - len(UUI)) + UUI, "a.b-c_d;encoding=jwt", f"ab{UUI} , cd;encoding=hex"],
        ["a" * (351 - len(UUI)) + UUI, "abc", ""],
    ),
    (
        "SipUri",
        "uui",
        SIP,
        ["ab;purpose=x;encoding=jwt"],
        ["ab;encoding=utf8", "ab;encoding=hex;encoding=jwt", "xy;encoding=hex", ",", f"a{UUI},"],
    ),
    ("Conference", "callbackTimeout", CONFERENCE, ["1", "25", "2.5"], ["0.9", "25.1"]),
    ("Conference", "calbackTimeout", CONFERENCE, ["1", "25"], ["26"]),
    ("Conference", "callIdsToCoach", CONFERENCE, ["", "c-1", "c-1,c-2", "c-1 , c-2"], ["c-1,", ",", "c-1 c-2"]),
    ("Ring", "duration", "<Ring {}/>", ["0.1", "86400"], ["0.09", "86400.1", "0"]),
    ("Pause", "duration", "<Pause {}/>", ["0.1", "86400"], ["0.09", "86401", "-1"]),
    ("SendDtmf", "toneDuration", "<SendDtmf {}>1</SendDtmf>", ["50", "5000", "99.5"], ["49", "5001"]),
    ("SendDtmf", "toneInterval", "<SendDtmf {}>1</SendDtmf>", ["50", "5000"], ["49.9", "5000.1"]),
    ("Gather", "maxDigits", "<Gather {}/>", ["1", "50"], ["0", "51", "1.5"]),
    ("Gather", "interDigitTimeout", "<Gather {}/>", ["1", "60"], ["0.9", "60.1"]),
    ("Gather", "firstDigitTimeout", "<Gather {}/>", ["0", "60"], ["-0.1", "61"]),
    ("StartTranscription", "name", "<StartTranscription {}/>", ["a", "Live_1-a", "n" * 255], ["", "a b", "ä", "n" * 256]),
    ("Gather", "terminatingDigits", "<Gather {}/>", ["", "#", "0123456789*#"], ["x", "é"]),
    ("Gather", "repeatCount", SPEAK, ["1", "4"], ["5", "0", "1.5"]),
    ("Gather", "repeatCount", "<Gather {}/>", ["21", "1000"], ["0", "9999999999", "9" * 70]),
    ("Gather", "input", "<Gather {}/>", ["dtmf", "speech", "dtmf_speech"], ["dtmf speech"]),
    ("Gather", "speechTimeout", "<Gather {}/>", ["0", "5"], ["-1"]),
    ("SpeakSentence", "gender", "<SpeakSentence {}>Hi</SpeakSentence>", ["male", "female"], ["other"]),
    ("Record", "maxDuration", RECORD, ["1", "10800"], ["0", "10801"]),
    ("Record", "silenceTimeout", RECORD, ["0", "10800"], ["-1", "10800.5"]),
    ("Record", "fileFormat", RECORD, ["wav", "mp3"], ["ogg"]),
    ("StartStream", "tracks", STREAM, ["inbound", "outbound", "both"], ["all"]),
    ("StartStream", "destination", "<StartStream {}/>", ["ws://a", "wss://a/b?c"], ["https://a", "", "wss://", "a"]),
    ("StreamParam", "name", STREAM.replace("{}/>", '><StreamParam value="" {}/></StartStream>'), ["a", LONG], ["", LONG + "x"]),
    ("StreamParam", "value", STREAM.replace("{}/>", '><StreamParam name="a" {}/></StartStream>'), ["", LONG * 8], [LONG * 8 + "x"]),
    ("Forward", "uui", '<Forward to="+15550100001" {}/>', ["a" * (256 - len(UUI)) + UUI], ["a" * (257 - len(UUI)) + UUI]),
    (
        "Forward",
        "to",
        "<Forward {}/>",
        ["+15550100001", "sip:a@b", "sips:b:5061;x=y"],
        ["5550100001", "tel:+15550100001", "sip:", "sip:a b"],
    ),
    ("Redirect", "redirectUrl", "<Redirect {}/>", ["/next"], [""]),
    ("StopStream", "name", "<StopStream {}/>", ["a"], [""]),
    ("Conference", None, "<Conference>{}</Conference>", ["a", "A-z_0.9", TEN * 10, " a "], ["", " ", TEN * 10 + "x", "a b", "ä", "a/b"]),
    (
        "PhoneNumber",
        None,
        "<Transfer><PhoneNumber>{}</PhoneNumber></Transfer>",
        ["+15550100001", "\n+12\n"],
        ["", "15550100001", "+1 555", "+1555010000123456"],
    ),
    (
        "SipUri",
        None,
        "<Transfer><SipUri>{}</SipUri></Transfer>",
        ["sip:a@b", "sip:h:5060", "sip:[::1]:5060"],
        ["", "a@b", "sip:a@b@c", "http://a"],
    ),
    ("Bridge", None, "<Bridge>{}</Bridge>", ["c-1", "x"], ["", " \n ", "c-1 c-2"]),
    ("Tag", None, "<Tag>{}</Tag>", ["", " a ", LONG], [LONG + "x"]),
    ("SendDtmf", None, "<SendDtmf>{}</SendDtmf>", ["0123456789*#abcdABCD,wW", TEN * 5], ["", "e", "1 2", TEN * 5 + "1"]),
    ("PlayAudio", None, "<PlayAudio>{}</PlayAudio>", ["a.wav", "https://a.example/b.mp3?c=1&amp;d=2"], ["", "a b.wav", "s3://a/b"]),
    (
        "SpeakSentence",
        None,
        "<SpeakSentence>{}</SpeakSentence>",
        ["Hi", '<break time="10s"/>', '<break time="10000ms"/>', "<p>a</p>"],
        ["", " \n\t "],
    ),
    (
        "SpeakSentence",
        None,
        "<SpeakSentence>{}</SpeakSentence>",
        ['a<break strength="x-weak"/>'],
        ['<break time="10.1s"/>', '<break strength="big"/>', '<break time="1"/>'],
    ),
    ("Transfer", None, "<Transfer>{}</Transfer>", [PHONE, PHONE * 8], ["", PHONE * 9]),
    ("Connect", None, "<Connect>{}</Connect>", ["<Endpoint>e-1</Endpoint>"], [""]),
    ("Refer", None, "<Refer>{}</Refer>", ["<SipUri>sip:a@b</SipUri>"], ["", "<SipUri>sip:a@b</SipUri>" * 2]),
    ("Gather", None, "<Gather>{}</Gather>", ["", "<PlayAudio>a</PlayAudio>" * 20], ["<PlayAudio>a</PlayAudio>" * 21]),
    (
        "StartStream",
        None,
        STREAM.replace("{}/", "") + "{}</StartStream>",
        ["<StreamParam name='a' value='b'/>" * 12],
        ["<StreamParam name='a' value='b'/>" * 13],
    ),
    (
        "StartTranscription",
        None,
        "<StartTranscription>{}</StartTranscription>",
        ["<CustomParam name='a' value='b'/>" * 12],
        ["<CustomParam name='a' value='b'/>" * 13],
    ),
    ("Endpoint", None, "<Connect><Endpoint>{}</Endpoint></Connect>", ["e-1"], ["", "e 1"]),
]


def filled(document: str, attribute: str | None, value: str) -> str:
    """A document whose verb stands on line 2."""
    escaped = value.replace("&", "&amp;").replace("&amp;#", "&#").replace("<", "&lt;")
    hole = value if attribute is None else f'{attribute}="{escaped}"'
    return "<Response>\n" + document.replace("{}", hole) + "\n</Response>"


@pytest.mark.parametrize(
    ("verb", "attribute", "document", "value"), [(verb, name, text, value) for verb, name, text, good, _ in EDGES for value in good]
)
def test_up_to_the_edge(verb: str, attribute: str | None, document: str, value: str) -> None:
    root = bxml.parse(filled(document, attribute, value))
    assert bxml.parse(root.to_bxml()) == root
    assert root.warnings == ()


@pytest.mark.parametrize(
    ("verb", "attribute", "document", "value"), [(verb, name, text, value) for verb, name, text, _, bad in EDGES for value in bad]
)
def test_beyond_the_edge(verb: str, attribute: str | None, document: str, value: str) -> None:
    text = filled(document, attribute, value)
    with pytest.raises(BxmlError) as caught:
        bxml.parse(text)
    error = caught.value
    assert (error.verb, error.attribute) == (verb, "callbackTimeout" if attribute == "calbackTimeout" else attribute)
    assert (error.line, error.column) == (2, text.split("\n")[1].index(f"<{verb}") + 1)
    assert error.rule
    assert str(error).startswith(f"line 2, column {error.column}: <{verb}>")


@pytest.mark.parametrize(
    "name", [(name, row.xml) for name, verb in bxml.VERBS.items() for row in shape(verb).rows if row.required and row.place == "attribute"]
)
def test_required_attributes(name: tuple[str, str]) -> None:
    verb = bxml.VERBS[name[0]]
    root = bxml.Response([HOLDER.get(verb, lambda verb: verb)(verb())])
    with pytest.raises(BxmlError, match="is required"):
        root.to_bxml()
    with pytest.raises(BxmlError, match="is required") as caught:
        bxml.check(root)
    assert caught.value.verb == name[0]
    assert caught.value.line is None


def test_credentials_need_https_where_the_documentation_says_so() -> None:
    for url in ("https://a.example/b", "/b", "http://localhost:8000/b", "http://127.1.2.3/b", "http://[::1]:80/b"):
        bxml.Response([bxml.Record(url, username="a", password="b")]).to_bxml()
    for url in ("http://a.example/b", "http://127.0.0.1.example/", "http://128.0.0.1/b"):
        for verb, attribute in (
            (bxml.Record(url, username="a"), "recordCompleteUrl"),
            (bxml.Record(recording_available_url=url, password="a"), "recordingAvailableUrl"),
            (bxml.Record(transcription_available_url=url, username="a"), "transcriptionAvailableUrl"),
            (bxml.Record(record_complete_fallback_url=url, fallback_password="a"), "recordCompleteFallbackUrl"),
            (bxml.StartRecording(url, username="a"), "recordingAvailableUrl"),
            (bxml.StartRecording(transcription_available_url=url, password="a"), "transcriptionAvailableUrl"),
            (bxml.StartStream("wss://a.example", stream_event_url=url, username="a"), "streamEventUrl"),
            (bxml.StartTranscription(transcription_event_url=url, username="a"), "transcriptionEventUrl"),
        ):
            with pytest.raises(BxmlError, match="https") as caught:
                verb.to_bxml()
            assert caught.value.attribute == attribute
    assert bxml.Gather(gather_url="http://a.example/b", username="a").to_bxml()
    assert bxml.Record("http://a.example/b", fallback_username="a", fallback_password="b").to_bxml()


def test_a_hidden_number_leaves_four_names() -> None:
    assert bxml.Transfer([bxml.SipUri("sip:a@b")], privacy=True, transfer_caller_display_name="Private").to_bxml()
    assert bxml.Forward("+15550100001", privacy=False, caller_display_name="Ann").to_bxml()
    with pytest.raises(BxmlError, match="transferCallerDisplayName: must be one of Restricted"):
        bxml.Transfer([bxml.SipUri("sip:a@b")], privacy=True, transfer_caller_display_name="Ann").to_bxml()
    with pytest.raises(BxmlError, match="callerDisplayName"):
        bxml.Forward("+15550100001", privacy=True, caller_display_name="Ann").to_bxml()


@pytest.mark.parametrize(
    ("verb", "rule"),
    [
        (bxml.Transfer([bxml.PhoneNumber(15550100001)]), "<PhoneNumber>: text must be text, not int"),
        (bxml.Transfer("+15550100001"), "may hold <PhoneNumber> or <SipUri> only, not str"),
        (bxml.Transfer(7), "may hold"),
        (bxml.Transfer([bxml.Hangup()]), "not Hangup"),
        (bxml.Refer(bxml.PhoneNumber("+15550100001")), "not PhoneNumber"),
        (bxml.Refer([bxml.SipUri("sip:a@b"), bxml.SipUri("sip:a@b")]), "exactly 1"),
        (bxml.Conference("room", mute="yes"), "<Conference> mute: must be true or false, not 'yes'"),
        (bxml.Pause(True), "must be a number from 0.1 to 86400, not True"),
        (bxml.Pause(10**400), "not a huge number"),
        (bxml.Pause(float("nan")), "not nan"),
        (bxml.Pause("x" * 100), "…"),
        (bxml.Gather(max_digits=1.5), "whole number"),
        (bxml.Gather([bxml.PlayAudio("a")] * 5, repeat_count=5.0), "20 at most"),
        (bxml.SpeakSentence("a\x00b"), "XML cannot carry"),
        (bxml.SpeakSentence("a\ud800b"), "XML cannot carry"),
        (bxml.Tag("\x0b"), "XML cannot carry"),
        (bxml.Redirect("/a", tag="\ufffe"), "<Redirect> tag: holds"),
        (bxml.SpeakSentence("<p>a"), "has <p> without its end"),
        (bxml.SpeakSentence("a</p>"), "has </p> where nothing"),
        (bxml.SpeakSentence("<p><s>a</p></s>"), "has </p> where nothing"),
        (bxml.SpeakSentence("<p a='1' a='2'>a</p>"), "given twice"),
        (bxml.SpeakSentence(None), "needs a text"),
    ],
)
def test_objects_built_in_python_are_checked(verb: bxml.Verb, rule: str) -> None:
    for act in (verb.to_bxml, bxml.Response(verb).to_bxml, bxml.Response(verb).pretty, lambda: bxml.check(bxml.Bxml(verb))):
        with pytest.raises(BxmlError) as caught:
            act()
        assert rule in str(caught.value)
        assert caught.value.line is None
        assert isinstance(caught.value, WorkbenchError)


def test_secrets_show_in_no_error_and_no_repr() -> None:
    verb = bxml.Transfer([bxml.SipUri("sip:a@b", uui="secret;encoding=jwt", password="secret")], call_timeout="5", password="secret")
    assert repr(verb) == "Transfer(transfer_to=(SipUri(uri='sip:a@b', uui=…, password=…),), call_timeout=5, password=…)"
    assert repr(bxml.Hangup()) == "Hangup()"
    for bad in (bxml.SipUri("sip:a@b", uui="secret"), bxml.SipUri("sip:a@b", password="secret\x00")):
        with pytest.raises(BxmlError) as caught:
            bad.to_bxml()
        assert "secret" not in str(caught.value)


# ---------------------------------------------------------------- documents


@pytest.mark.parametrize(
    ("document", "line", "column", "verb", "rule"),
    [
        ("", 1, 1, None, "not well-formed XML: no element found"),
        ("OK", 1, 1, None, "not well-formed XML"),
        ("<Response>", 1, 11, None, "no element found"),
        ("<Response>\n <Hangup></Response>", 2, 12, None, "mismatched tag"),
        ("<Response/><Response/>", 1, 12, None, "junk after document element"),
        ("<Response>&nbsp;</Response>", 1, 11, None, "undefined entity"),
        ('<Response><Pause duration="1" duration="2"/></Response>', 1, 31, None, "duplicate attribute"),
        ("\n" + HEAD + "<Response/>", 2, 1, None, "not at start"),
        ("<response/>", 1, 1, "response", "root"),
        ("<Hangup/>", 1, 1, "Hangup", "root"),
        ("<Response>\n\n  <Dial/></Response>", 3, 3, "Dial", "is not a verb of BXML"),
        ("<Response>é<!-- --><x:Hangup/></Response>", 1, 1, "Response", "takes no text"),
        ("<Response><!-- é --><x:Hangup/></Response>", 1, 21, "x:Hangup", "not a verb"),
        ("<Response>" + PHONE + "</Response>", 1, 11, "PhoneNumber", "stands only inside <Transfer>"),
        ("<Response><SipUri>sip:a@b</SipUri></Response>", 1, 11, "SipUri", "stands only inside <Transfer> or <Refer>"),
        ("<Response><Response/></Response>", 1, 11, "Response", "is not a verb"),
        ("<Response><Gather><Pause/></Gather></Response>", 1, 19, "Pause", "is not allowed inside <Gather>"),
        ("<Response><Pause><Hangup/></Pause></Response>", 1, 18, "Hangup", "is not allowed inside <Pause>"),
        ("<Response><Transfer><Foo/></Transfer></Response>", 1, 21, "Foo", "is not a verb"),
        ("<Response><SpeakSentence>a<b>c</b></SpeakSentence></Response>", 1, 27, "b", "is not a verb"),
        ("<Response><SpeakSentence>a<Pause/></SpeakSentence></Response>", 1, 27, "Pause", "not allowed inside <SpeakSentence>"),
        ("<Response><SpeakSentence><p>a<foo/></p></SpeakSentence></Response>", 1, 30, "foo", "is not a verb"),
        ("<Response><Tag><p>a</p></Tag></Response>", 1, 16, "p", "is not a verb"),
        ("<Response>\n<Hangup>now</Hangup></Response>", 2, 1, "Hangup", "takes no text"),
        ("<Response><Transfer>+15550100001</Transfer></Response>", 1, 11, "Transfer", "takes no text"),
    ],
)
def test_bad_documents(document: str, line: int, column: int, verb: str | None, rule: str) -> None:
    for form in (document, document.encode()):
        with pytest.raises(BxmlError) as caught:
            bxml.parse(form)
        error = caught.value
        assert (error.line, error.column, error.verb, error.attribute) == (line, column, verb, None)
        assert rule in error.rule


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "prolog",
    [
        "<!DOCTYPE Response>",
        '<!DOCTYPE Response [<!ENTITY l0 "ha">' + LAUGHS + "]>",
        '<!DOCTYPE Response [<!ENTITY l9 SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE Response SYSTEM "http://127.0.0.1:9/evil.dtd">',
        '<!DOCTYPE Response [<!ENTITY % p SYSTEM "http://127.0.0.1:9/evil.dtd">%p;]>',
    ],
)
def test_doctype_and_entities_are_refused(prolog: str) -> None:
    with pytest.raises(BxmlError, match="may have no DOCTYPE") as caught:
        bxml.parse(f"{HEAD}{prolog}<Response><Tag>&l9;</Tag></Response>")
    assert (caught.value.line, caught.value.column) == (2, 1)
    with pytest.raises(BxmlError, match="DOCTYPE"):
        bxml.parse((HEAD + prolog + "<Response/>").encode())


def test_size_limit() -> None:
    def padded(size: int) -> str:
        return "<Response>" + " " * (size - len("<Response></Response>")) + "</Response>"

    assert bxml.LIMIT == 64 * 1024
    assert bxml.parse(padded(bxml.LIMIT)) == bxml.Response()
    for document in (padded(bxml.LIMIT + 1), padded(bxml.LIMIT + 1).encode(), padded(bxml.LIMIT - 1).replace("  ", "é ", 2)):
        with pytest.raises(BxmlError, match="65536 bytes at most") as caught:
            bxml.parse(document)
        assert caught.value.line == 1
    with pytest.raises(BxmlError, match="65536 bytes at most"):
        bxml.Response([bxml.SpeakSentence("é" * 33000)]).to_bxml()
    deep = "<p>" * 9000 + "a" + "</p>" * 9000
    assert bxml.spoken(bxml.parse(f"<Response><SpeakSentence>{deep}</SpeakSentence></Response>").verbs[0].text) == "a"


def test_encodings() -> None:
    ours = bxml.Response([bxml.SpeakSentence("Grüße €")])
    text = "<Response><SpeakSentence>Grüße €</SpeakSentence></Response>"
    assert bxml.parse(text) == ours
    assert bxml.parse("\ufeff" + text) == ours
    assert bxml.parse(text.encode("utf-16")) == ours
    assert bxml.parse(b'<?xml version="1.0" encoding="windows-1252"?>' + text.encode("windows-1252")) == ours
    assert bxml.parse('<?xml version="1.0" encoding="UTF-16"?>' + text) == ours
    for bad in (
        b'<?xml version="1.0" encoding="nonsense"?><Response/>',
        b'<?xml version="1.0" encoding="big5"?><Response/>',
        "<Response>\ud800</Response>",
    ):
        with pytest.raises(BxmlError, match="cannot be read") as caught:
            bxml.parse(bad)
        assert (caught.value.line, caught.value.column) == (1, 1)


def test_what_does_not_matter_is_accepted() -> None:
    document = HEAD + "<!-- a --><?pi b?>\n<Bxml>\n <![CDATA[ ]]><Hangup> </Hangup> <!-- c -->\n<Pause></Pause>"
    document += "<Tag><![CDATA[<a>&]]></Tag></Bxml>\n<!-- d -->"
    assert bxml.parse(document) == bxml.Bxml([bxml.Hangup(), bxml.Pause(), bxml.Tag("<a>&")])


def test_unknown_attributes_are_warnings() -> None:
    root = bxml.parse(
        '<Response xmlns="x">\n<Hangup now="1"/><SpeakSentence voice="zed" locale="xx" Gender="male">Hi</SpeakSentence></Response>'
    )
    assert root == bxml.Response([bxml.Hangup(), bxml.SpeakSentence("Hi", voice="zed", locale="xx")])
    assert root.warnings == (
        "line 1: <Response> has no attribute xmlns; it is passed over",
        "line 2: <Hangup> has no attribute now; it is passed over",
        "line 2: <SpeakSentence> has no attribute Gender; it is passed over",
        "line 2: <SpeakSentence> voice: 'zed' is not a word we know",
        "line 2: <SpeakSentence> locale: 'xx' is not a word we know",
    )


def test_the_misspelled_attribute_yields_to_the_right_one() -> None:
    for both_ways in ('calbackTimeout="5" callbackTimeout="7"', 'callbackTimeout="7" calbackTimeout="5"'):
        root = bxml.parse(f"<Response><Conference {both_ways}>a</Conference></Response>")
        assert (root.verbs[0].callback_timeout, root.warnings) == (7, ())
    assert "calbackTimeout" not in bxml.Response([bxml.Conference("a", callback_timeout=5)]).to_bxml()


def test_nobody_to_coach_is_the_same_as_no_coach() -> None:
    assert bxml.Conference("a", call_ids_to_coach="") == bxml.Conference("a")
    assert bxml.parse('<Response><Conference callIdsToCoach="">a</Conference></Response>').verbs[0].call_ids_to_coach is None


CONFERENCE_VERBS = {"PlayAudio", "SpeakSentence", "StartRecording", "StopRecording", "PauseRecording", "ResumeRecording"}
B_LEG_VERBS = CONFERENCE_VERBS | {
    *("Gather", "Hangup", "Pause", "Record", "Redirect", "Ring", "SendDtmf", "StartGather", "StopGather", "Tag"),
}


@pytest.mark.parametrize(
    ("where", "names"), [(Where.CONFERENCE, CONFERENCE_VERBS), (Where.TRANSFER_ANSWER, B_LEG_VERBS), (Where.CALL, None)]
)
def test_verbs_by_place(where: Where, names: set[str] | None) -> None:
    for verb in TOP:
        root = both(verb.__name__)[1]
        document = root.to_bxml().replace("<Response>", "<Response><SpeakSentence>Hi</SpeakSentence>")
        if names is None or verb.__name__ in names:
            bxml.check(root, where)
            assert len(bxml.parse(document, where).verbs) == 2
            assert root.to_bxml(where)
            continue
        with pytest.raises(BxmlError, match=f"is not allowed in {where.value}") as caught:
            bxml.parse(document, where)
        assert (caught.value.verb, caught.value.line) == (verb.__name__, 2)
        with pytest.raises(BxmlError, match="is not allowed in"):
            bxml.check(root, where)


def test_only_our_verbs_stand_in_a_document() -> None:
    with pytest.raises(BxmlError, match="<Hangup>: is not a verb of this package"):
        bxml.check(bxml.Response([sdk.Hangup()]))
    with pytest.raises(BxmlError, match="stands only inside <StartStream>"):
        bxml.check(bxml.Response([bxml.StreamParam("a", "b")]))


# ---------------------------------------------------------------- sentences, values, printing


@pytest.mark.parametrize(
    ("text", "kept", "written", "spoken"),
    [
        ("Tom & Jerry", "Tom & Jerry", "Tom &amp; Jerry", "Tom & Jerry"),
        ("Tom &amp; Jerry", "Tom & Jerry", "Tom &amp; Jerry", "Tom & Jerry"),
        ("say &amp;amp; twice", "say &amp;amp; twice", "say &amp;amp; twice", "say &amp; twice"),
        (" 1 < 2 > 0 ", "1 < 2 > 0", "1 &lt; 2 &gt; 0", "1 < 2 > 0"),
        ("a<break time='1s' />b", 'a<break time="1s"/>b', 'a<break time="1s"/>b', "a b"),
        ("<break></break>", "<break/>", "<break/>", ""),
        ("&lt;break/>", "&lt;break/>", "&lt;break/&gt;", "<break/>"),
        ("<foo>x</foo>", "<foo>x</foo>", "&lt;foo&gt;x&lt;/foo&gt;", "<foo>x</foo>"),
        (
            '<lang xml:lang="es-MX">Antonio</lang>!',
            '<lang xml:lang="es-MX">Antonio</lang>!',
            '<lang xml:lang="es-MX">Antonio</lang>!',
            "Antonio!",
        ),
        ("<sub alias='A\n\"B\"'>AB</sub>", '<sub alias="A &quot;B&quot;">AB</sub>', '<sub alias="A &quot;B&quot;">AB</sub>', "AB"),
        ("<s>One.</s><s>Two.</s>", "<s>One.</s><s>Two.</s>", "<s>One.</s><s>Two.</s>", "One. Two."),
        ("&#65;&#x42;&quot;&apos;&#0;&#xD800;", "AB\"'&amp;#0;&amp;#xD800;", "AB\"'&amp;#0;&amp;#xD800;", "AB\"'&#0;&#xD800;"),
        ("a\r\nb", "a\r\nb", "a&#13;\nb", "a b"),
    ],
)
def test_sentences(text: str, kept: str, written: str, spoken: str) -> None:
    verb = bxml.SpeakSentence(text)
    assert verb.text == kept
    assert verb.to_bxml() == f"<SpeakSentence>{written}</SpeakSentence>"
    assert bxml.spoken(text) == bxml.spoken(kept) == spoken
    assert bxml.parse(bxml.Response(verb).to_bxml()) == bxml.Response([verb])


def test_ssml_in_a_document_is_kept() -> None:
    document = (
        "<Response><SpeakSentence>a <emphasis  level='strong'>b &amp; <p>c</p></emphasis><![CDATA[<break/>]]></SpeakSentence></Response>"
    )
    verb = bxml.parse(document).verbs[0]
    assert verb.text == 'a <emphasis level="strong">b & <p>c</p></emphasis>&lt;break/>'
    assert bxml.spoken(verb.text) == "a b & c <break/>"


def test_values_are_brought_into_one_form() -> None:
    verb = bxml.Transfer(bxml.PhoneNumber(" +15550100001 "), call_timeout="30", privacy="false")
    assert verb == bxml.Transfer((bxml.PhoneNumber("+15550100001"),), call_timeout=30.0, privacy=False)
    assert verb.transfer_to == (bxml.PhoneNumber("+15550100001"),)
    assert bxml.Transfer(None).transfer_to == ()
    assert bxml.Refer([bxml.SipUri("sip:a@b")]) == bxml.Refer(bxml.SipUri("sip:a@b"))
    assert bxml.Pause(0.1).to_bxml() == '<Pause duration="0.1"/>'
    assert bxml.Gather(first_digit_timeout=1e-7).to_bxml() == '<Gather firstDigitTimeout="0.0000001"/>'
    assert bxml.Conference("a", mute=True).to_bxml() == '<Conference mute="true">a</Conference>'
    with pytest.raises(AttributeError):
        verb.tag = "x"


def test_effective_values() -> None:
    assert bxml.Transfer([]).effective("call_timeout") == 30
    assert bxml.Transfer([], call_timeout=5).effective("call_timeout") == 5
    assert bxml.Transfer([]).effective("tag") is None
    assert bxml.Ring().effective("answer_call") is True
    assert bxml.Conference("a").effective("callback_timeout") is None
    assert bxml.Gather().effective("terminating_digits") == ""
    with pytest.raises(AttributeError):
        bxml.Ring().effective("nonsense")


def test_printing() -> None:
    root = bxml.Bxml([bxml.Tag(), bxml.Connect([bxml.Endpoint("e-1")], event_callback_url="/a?b&c")])
    assert root.to_bxml() == HEAD + '<Bxml><Tag/><Connect eventCallbackUrl="/a?b&amp;c"><Endpoint>e-1</Endpoint></Connect></Bxml>'
    assert root.pretty() == "\n".join(
        (
            HEAD + "<Bxml>",
            "  <Tag/>",
            '  <Connect eventCallbackUrl="/a?b&amp;c">',
            "    <Endpoint>e-1</Endpoint>",
            "  </Connect>",
            "</Bxml>",
        )
    )


def test_the_table_can_be_read() -> None:
    rows = {row.attribute: row for row in bxml.describe("Transfer")}
    assert rows["callTimeout"] == bxml.Row("callTimeout", "call_timeout", "float", 30, False, "a number from 1 to 300", "documented", 2023)
    assert rows["(nested)"].rule == "1 to 8 <PhoneNumber> or <SipUri>"
    assert rows["privacy"].since == 2026
    assert (rows["privacy"].type, rows["privacy"].rule) == ("bool", "true | false")
    assert bxml.describe(bxml.Connect)[0].rule == "at least 1 <Endpoint>"
    assert bxml.describe("Endpoint")[0].since == 2026
    assert bxml.describe("Refer")[0].rule == "exactly 1 <SipUri>"
    assert bxml.describe("Gather")[14].rule == "a whole number ≥ 1"
    assert bxml.describe("Tag")[0] == bxml.Row("(text)", "content", "str", "", False, "≤ 256 characters", "documented", 2023)
    assert all(
        row.label in ("documented", "observed", "assumed") and row.since in (2023, 2026)
        for name in bxml.VERBS
        for row in bxml.describe(name)
    )
    assert {row.rule for row in bxml.describe("StopTranscription")} == {""}
    assert "≤ 350 characters" in bxml.describe("SipUri")[1].rule


def test_the_urls_of_a_document() -> None:
    gather = bxml.Gather([bxml.PlayAudio("a.wav"), bxml.SpeakSentence("Hi")], gather_url="/next")
    assert list(bxml.urls(bxml.Response([gather, bxml.Hangup()]))) == [
        (gather, "gather_url", "/next"),
        (bxml.PlayAudio("a.wav"), "audio_uri", "a.wav"),
    ]


def test_the_front_names_what_it_has() -> None:
    shown = {name for name, item in vars(bxml).items() if not name.startswith("_") and not inspect.ismodule(item)}
    # `parse` and `describe` are functions that hide their modules
    assert shown == set(bxml.__all__)
    assert set(bxml.VERBS) < shown


def test_a_document_of_two_verbs_is_read_in_well_below_a_millisecond() -> None:
    document = bxml.Response(
        [bxml.SpeakSentence("One moment"), bxml.Transfer([bxml.SipUri("sip:a@b", uui="a.b.c;encoding=jwt")])]
    ).to_bxml()
    assert min(timeit.repeat(lambda: bxml.parse(document), number=50, repeat=20)) / 50 < 0.0003
