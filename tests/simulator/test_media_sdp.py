"""What is read from browsers' session descriptions, and what is written to them."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.simulator.media.sdp import MAX_CANDIDATES, Local, Ours, PeerError, Sent, read, write

PRINT = ":".join(["AB"] * 32)
SESSION = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {}\r\n"
TRANSPORT = f"a=ice-ufrag:abcd\r\na=ice-pwd:{'p' * 24}\r\na=fingerprint:sha-256 {PRINT}\r\na=setup:actpass\r\n"
CODECS = "a=rtpmap:111 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n"


def audio(mid: str, port: int = 9, more: str = "a=sendrecv\r\n", codecs: str = CODECS) -> str:
    return f"m=audio {port} UDP/TLS/RTP/SAVPF 111 0 110 126\r\na=mid:{mid}\r\na=rtcp-mux\r\n{codecs}{TRANSPORT}{more}"


def data(mid: str) -> str:
    return f"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:{mid}\r\na=sctp-port:5000\r\n{TRANSPORT}"


OFFER = SESSION.format("0 1") + data("0") + audio("1", more="a=sendonly\r\na=ssrc:77 cname:x\r\na=ssrc:77 msid:a b\r\n")


def test_an_offer_is_read():
    offer = read(OFFER)
    channels, voice = offer.sections
    assert (channels.kind, channels.usable, channels.sctp_port) == ("application", True, 5000)
    assert (voice.opus, voice.events, voice.ssrcs, voice.direction) == (111, {110: 48000, 126: 8000}, {77}, "sendonly")
    assert voice.sends and not voice.hears
    assert (offer.ufrag, offer.setup, offer.fingerprints) == ("abcd", "actpass", (("sha-256", PRINT),))


def test_a_section_that_chromium_stopped_is_not_live():
    offer = read(SESSION.format("0") + data("0") + audio("1", port=0))
    assert [section.live for section in offer.sections] == [True, False]


def test_a_section_that_firefox_bundles_is_live_in_spite_of_port_0():
    offer = read(SESSION.format("0 1") + data("0") + audio("1", port=0, more="a=bundle-only\r\na=sendonly\r\n"))
    assert offer.sections[1].sends


def test_firefox_writes_what_all_sections_share_once():
    shared = "a=sendrecv\r\na=fingerprint:sha-256 " + PRINT + "\r\na=group:BUNDLE 0 1\r\na=ice-options:trickle\r\na=msid-semantic:WMS *\r\n"
    own = f"a=ice-ufrag:abcd\r\na=ice-pwd:{'p' * 32}\r\na=setup:actpass\r\n"
    channels = f"m=application 50000 UDP/DTLS/SCTP webrtc-datachannel\r\na=sendrecv\r\na=mid:0\r\na=sctp-port:5000\r\n{own}"
    voice = f"m=audio 0 UDP/TLS/RTP/SAVPF 109 101\r\na=bundle-only\r\na=mid:1\r\na=rtcp-mux\r\na=rtpmap:109 opus/48000/2\r\n{own}"
    offer = read("v=0\r\no=mozilla...THIS_IS_SDPARTA-99.0 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + shared + channels + voice)
    assert offer.fingerprints == (("sha-256", PRINT),)
    assert [section.usable for section in offer.sections] == [True, True] and offer.sections[1].direction == "sendrecv"


def test_without_a_bundle_the_first_section_has_the_transport():
    offer = read((SESSION.replace("a=group:BUNDLE {}\r\n", "")) + audio("1") + audio("2"))
    assert [section.live for section in offer.sections] == [True, False]


def test_candidates_by_multicast_name_are_left_out_and_so_are_those_beyond_counting():
    lines = "a=candidate:1 1 udp 1 4b3e.local 5000 typ host\r\na=candidate:2 1 tcp 1 10.0.0.1 9 typ host tcptype active\r\n"
    assert read(SESSION.format("1") + audio("1", more=lines)).candidates == ()
    many = "".join(f"a=candidate:{n} 1 udp 1 10.0.0.1 {5000 + n} typ host\r\n" for n in range(100))
    assert len(read(SESSION.format("1") + audio("1", more=many)).candidates) == MAX_CANDIDATES


@pytest.mark.parametrize(
    ("sdp", "why"),
    [
        (None, "must be a text"),
        ({"sdp": "v=0"}, "must be a text"),
        ("", "does not begin with v="),
        ("garbage", "does not begin with v="),
        ("v=0\r\n" + "a=x\r\n" * 100_000, "characters, more than"),
        ("v=0\r\ns=-\r\n", "no media section"),
        (SESSION.format("0") + audio("0") * 1000, "characters, more than"),
        (SESSION.format("0") + "m=audio 9 RTP/AVP 0\r\n" * 1000, "1000 media sections, more than 128"),
        (SESSION.format("0") + "m=audio nine RTP/AVP 0\r\n", "is malformed"),
        (SESSION.format("0") + audio("0", codecs="a=rtpmap:0 PCMU/8000\r\n"), "neither audio in Opus"),
        (SESSION.format("0") + audio("0").replace("a=rtcp-mux\r\n", ""), "neither audio in Opus"),
        (SESSION.format("0") + audio("0", port=0), "neither audio in Opus"),
        (SESSION.format("0 0") + audio("0") + audio("0"), "the same mid"),
        (SESSION.format("0") + audio("0").replace("a=ice-ufrag:abcd\r\n", ""), "ice-ufrag is missing"),
        (SESSION.format("0") + audio("0").replace("abcd", "a b"), "ice-ufrag is malformed"),
        (SESSION.format("0") + audio("0").replace("p" * 24, "p"), "ice-pwd is malformed"),
        (SESSION.format("0") + audio("0").replace("sha-256", "md5"), "no fingerprint"),
        (SESSION.format("0") + audio("0").replace(PRINT, "AB:CD"), "no fingerprint"),
        (SESSION.format("0") + audio("0").replace("actpass", "holdconn"), "setup must be"),
        (SESSION.format("0") + audio("\x00" * 100), "mid is malformed"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_a_reason(sdp, why):
    with pytest.raises(PeerError, match=re.escape(why)):
        read(sdp)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_description_is_read_or_refused(draw):
    lines = OFFER.splitlines()
    for _ in range(draw.draw(st.integers(1, 4))):
        place = draw.draw(st.integers(0, len(lines) - 1))
        lines[place] = draw.draw(
            st.sampled_from(lines) | st.text(max_size=40) | st.just(lines[place][:-1]) | st.just(lines[place] + " 99999999999999999999")
        )
    with suppress(PeerError):
        assert read("\r\n".join(lines)).sections


US = Local("uuuu", "w" * 22, (("sha-256", PRINT),), "active", ("1 1 udp 1 127.0.0.1 4000 typ host",), "us", 5)
TAKEN = Ours("audio", "UDP/TLS/RTP/SAVPF", ("111", "110"), "1", "sendrecv", True, 111, {110: 48000}, Sent("stream", 99))


def test_a_refused_section_has_port_0_and_lies_outside_the_bundle():
    refused = Ours("video", "UDP/TLS/RTP/SAVPF", ("96",), "2", "inactive", taken=False)
    text = write(1, [TAKEN, refused], US)
    assert "a=group:BUNDLE 1\r\n" in text
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111 110\r\n" in text and "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n" in text


def test_what_is_written_can_be_read():
    told = read(write(1, [TAKEN, replace(TAKEN, mid="2", sent=Sent("other", 100))], US))
    assert [section.ssrcs for section in told.sections] == [{99}, {100}]
    assert told.sections[0].events == {110: 48000}
    assert told.candidates == US.candidates


def test_a_stream_is_named_by_its_msid_and_its_sender():
    text = write(1, [TAKEN], US)
    assert "a=msid:stream stream-audio\r\n" in text and "a=ssrc:99 cname:us\r\n" in text
