"""SDP as text in sections: what a browser writes that aiortc does not, and what aiortc has to be told otherwise."""

from __future__ import annotations

import re

EVENTS = {126: 8000, 110: 48000}  # as Chromium numbers telephone-event


def split(sdp: str) -> list[str]:
    """The head and each media section."""
    return re.split(r"(?m)^(?=m=)", sdp)


def mid(section: str) -> str:
    """Which section it is."""
    found = re.search(r"(?m)^a=mid:(\S+)", section)
    assert found, section
    return found[1]


def bundled(sdp: str) -> list[str]:
    """The mids of the BUNDLE line."""
    found = re.search(r"(?m)^a=group:BUNDLE ?(.*?)\r?$", sdp)
    return found[1].split() if found else []


def direction(section: str) -> str:
    """sendrecv, sendonly, recvonly or inactive."""
    found = re.search(r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)\r?$", section)
    return found[1] if found else "sendrecv"


def stopped(section: str) -> bool:
    """Whether the section is rejected."""
    return re.match(r"m=\w+ 0 ", section) is not None


def with_keys(sdp: str) -> str:
    """Live audio sections that offer telephone-event too."""
    head, *sections = split(sdp)
    return head + "".join(_with_keys(one) if one.startswith("m=audio") and not stopped(one) else one for one in sections)


def _with_keys(section: str) -> str:
    first, rest = section.split("\r\n", 1)
    lines = "".join(f"a=rtpmap:{number} telephone-event/{rate}\r\n" for number, rate in EVENTS.items())
    return f"{first} {' '.join(map(str, EVENTS))}\r\n{rest}{lines}"


def payload_types(sdp: str, codec: str) -> dict[int, int]:
    """The payload types of a codec, with their clocks."""
    return {int(number): int(rate) for number, rate in re.findall(rf"(?mi)^a=rtpmap:(\d+) {codec}/(\d+)", sdp)}


def without(sdp: str, gone: set[str]) -> str:
    """As Chromium offers stopped transceivers: port 0, inactive, no stream, outside BUNDLE."""
    head, *sections = split(sdp)
    left = [one for one in bundled(sdp) if one not in gone]
    head = re.sub(r"a=group:BUNDLE.*\r\n", f"a=group:BUNDLE {' '.join(left)}\r\n", head)
    return head + "".join(_stop(one) if mid(one) in gone else one for one in sections)


def _stop(section: str) -> str:
    section = re.sub(r"^m=audio \d+", "m=audio 0", section)
    section = re.sub(r"(?m)^a=(msid|ssrc|ssrc-group|candidate|end-of-candidates)\b.*\r\n", "", section)
    return re.sub(r"(?m)^a=(sendrecv|sendonly|recvonly)\r$", "a=inactive\r", section)


def revived(answer: str, gone: dict[str, str]) -> str:
    """An answer with its rejected sections as they were once accepted: aiortc cannot take a rejected one."""
    head, *sections = split(answer)
    whole = " ".join([*bundled(answer), *(one for one in map(mid, sections) if one in gone and one not in bundled(answer))])
    head = re.sub(r"a=group:BUNDLE.*\r\n", f"a=group:BUNDLE {whole}\r\n", head)
    return head + "".join(gone.get(mid(one), one) for one in sections)


def senders(sdp: str) -> dict[int, str]:
    """The stream of every ssrc in sections that send."""
    found = {}
    for section in split(sdp)[1:]:
        msid = re.search(r"(?m)^a=msid:(\S+)", section)
        if section.startswith("m=audio") and msid and direction(section) in ("sendonly", "sendrecv") and not stopped(section):
            found |= {int(ssrc): msid[1] for ssrc in re.findall(r"(?m)^a=ssrc:(\d+)", section)}
    return found
