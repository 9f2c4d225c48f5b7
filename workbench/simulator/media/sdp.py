"""Session descriptions (SDP, RFC 8866 and 8829): read what a browser wrote, write what it is told. One transport carries every section."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MAX_LENGTH = 200_000  # characters
MAX_SECTIONS = 128
MAX_CANDIDATES = 32
OPUS = 111  # the payload type we offer, the one that browsers use

_MEDIA = re.compile(r"m=(\w+) (\d{1,5})(?:/\d+)? ([A-Za-z/]+) (.+)")
_ICE = re.compile(r"[A-Za-z0-9+/]{4,256}")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){15,63}")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~\w]{1,64}")
_DIRECTIONS = {"sendrecv", "sendonly", "recvonly", "inactive"}
_HASHES = {"sha-256", "sha-384", "sha-512"}


class PeerError(Exception):
    """A session description that cannot be followed, or a step out of turn; the message says why."""


@dataclass(frozen=True, slots=True)
class Section:
    """One media section of what the far end wrote. `live` is false for one that was stopped or lies outside the one transport."""

    kind: str
    protocol: str
    formats: tuple[str, ...]
    mid: str
    direction: str
    live: bool
    opus: int | None = None  # payload type
    events: dict[int, int] = field(default_factory=dict)  # payload type of telephone-event -> clock rate
    ssrcs: frozenset[int] = frozenset()
    sctp_port: int = 5000

    @property
    def usable(self) -> bool:
        """Whether we can take it: audio in Opus, or data channels."""
        return self.live and (self.opus is not None if self.kind == "audio" else self.kind == "application" and "SCTP" in self.protocol)

    @property
    def sends(self) -> bool:
        """Whether the far end sends in it."""
        return self.usable and self.direction in {"sendrecv", "sendonly"}

    @property
    def hears(self) -> bool:
        """Whether the far end receives in it."""
        return self.usable and self.direction in {"sendrecv", "recvonly"}


@dataclass(frozen=True, slots=True)
class Description:
    """What the far end wrote: its sections, and how its one transport is reached and known."""

    sections: tuple[Section, ...]
    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    lite: bool
    candidates: tuple[str, ...]


class _Lines:
    """The attributes of a section, with those of the session behind them."""

    def __init__(self, lines: Iterable[str], session: _Lines | None = None) -> None:
        self.values: dict[str, list[str]] = {}
        for line in lines:
            if line.startswith("a="):
                name, _, value = line[2:].partition(":")
                self.values.setdefault(name, []).append(value.strip())
        self.session = session

    def all(self, name: str) -> list[str]:
        return self.values.get(name) or (self.session.all(name) if self.session else [])

    def one(self, name: str) -> str | None:
        found = self.all(name)
        return found[0] if found else None

    def has(self, name: str) -> bool:
        return name in self.values


def read(sdp: object) -> Description:
    """The description in a text, or a PeerError that says what is wrong with it."""
    if not isinstance(sdp, str):
        raise PeerError("the SDP must be a text")
    if len(sdp) > MAX_LENGTH:
        raise PeerError(f"the SDP has {len(sdp)} characters, more than {MAX_LENGTH}")
    lines = [line.rstrip() for line in sdp.replace("\r\n", "\n").split("\n")]
    if not lines[0].startswith("v="):
        raise PeerError("the SDP does not begin with v=")
    starts = [index for index, line in enumerate(lines) if line.startswith("m=")]
    if not starts:
        raise PeerError("the SDP has no media section")
    if len(starts) > MAX_SECTIONS:
        raise PeerError(f"the SDP has {len(starts)} media sections, more than {MAX_SECTIONS}")
    session = _Lines(lines[: starts[0]])
    parts = [lines[start:end] for start, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
    return _described(session, [(part[0], _Lines(part[1:], session)) for part in parts])


def _described(session: _Lines, parts: Sequence[tuple[str, _Lines]]) -> Description:
    groups = [frozenset(group.split()[1:]) for group in session.all("group") if group.startswith("BUNDLE ")]
    bundle = groups[0] if groups else None
    sections: list[Section] = []
    for index, (first, lines) in enumerate(parts):
        sections.append(_section(first, lines, index, bundle, any(earlier.live for earlier in sections)))
    usable = [lines for section, (_, lines) in zip(sections, parts, strict=True) if section.usable]
    if not usable:
        raise PeerError("the SDP has neither audio in Opus with rtcp-mux nor data channels, bundled and not stopped")
    if len({section.mid for section in sections}) < len(sections):
        raise PeerError("two media sections have the same mid")
    leading = usable[0]
    return Description(
        tuple(sections),
        _credential(leading, "ice-ufrag", 4),
        _credential(leading, "ice-pwd", 22),
        _fingerprints(leading),
        _setup(leading),
        session.has("ice-lite"),
        tuple(_candidates(lines for section, (_, lines) in zip(sections, parts, strict=True) if section.live)),
    )


def _section(first: str, lines: _Lines, index: int, bundle: frozenset[str] | None, others: bool) -> Section:
    found = _MEDIA.fullmatch(first)
    if not found:
        raise PeerError(f"the media line {first[:80]!r} is malformed")
    kind, port, protocol, formats = found.groups()
    mid = lines.one("mid") or str(index)
    if not _TOKEN.fullmatch(mid):
        raise PeerError("a mid is malformed")
    # Port 0 means stopped, unless the section waits to share another's transport (RFC 8843: bundle-only).
    # Without BUNDLE each section wants a transport of its own: the first one gets ours.
    live = (port != "0" or lines.has("bundle-only")) and (mid in bundle if bundle is not None else not others)
    direction = next((name for name in _DIRECTIONS if lines.has(name)), None) or next(
        (name for name in _DIRECTIONS if lines.one(name) == ""), "sendrecv"
    )
    payloads = _payloads(lines) if kind == "audio" and lines.has("rtcp-mux") else {}
    return Section(
        kind,
        protocol,
        tuple(formats.split()),
        mid,
        direction,
        live,
        next((number for number, codec in payloads.items() if codec.startswith("opus/48000")), None),
        {
            number: int(codec.split("/")[1])
            for number, codec in payloads.items()
            if re.fullmatch(r"telephone-event/(8000|48000)(/1)?", codec)
        },
        frozenset(int(value.split()[0]) for value in lines.values.get("ssrc", ()) if re.match(r"\d{1,10}( |$)", value)),
        _port(lines.one("sctp-port")),
    )


def _payloads(lines: _Lines) -> dict[int, str]:
    """Payload types and their codecs. Numbers that look like RTCP beside it are no payload types (RFC 5761)."""
    found = (re.fullmatch(r"(\d{1,3}) ([\w-]+/\d{1,9}(?:/\d+)?)", value) for value in lines.values.get("rtpmap", ()))
    pairs = ((int(match[1]), match[2].lower()) for match in found if match)
    return {number: codec for number, codec in pairs if number < 64 or 96 <= number < 128}


def _port(value: str | None) -> int:
    return int(value) if value and re.fullmatch(r"[1-9]\d{0,4}", value) and int(value) < 65536 else 5000


def _credential(lines: _Lines, name: str, least: int) -> str:
    value = lines.one(name)
    if value is None:
        raise PeerError(f"{name} is missing")
    if len(value) < least or not _ICE.fullmatch(value):
        raise PeerError(f"{name} is malformed")
    return value


def _fingerprints(lines: _Lines) -> tuple[tuple[str, str], ...]:
    pairs = [(algorithm.lower(), value) for algorithm, _, value in (line.partition(" ") for line in lines.all("fingerprint"))]
    known = [(algorithm, value) for algorithm, value in pairs if algorithm in _HASHES and _FINGERPRINT.fullmatch(value)]
    if not known:
        raise PeerError("there is no fingerprint of a known kind (sha-256, sha-384, sha-512)")
    return tuple(known)


def _setup(lines: _Lines) -> str:
    setup = lines.one("setup")
    if setup not in {"actpass", "active", "passive"}:
        raise PeerError("setup must be actpass, active or passive")
    return setup


def _candidates(sections: Iterable[_Lines]) -> list[str]:
    """Addresses of the far end. Names that only multicast DNS knows (.local) are left out: their owner will call on us itself."""
    found = dict.fromkeys(value for lines in sections for value in lines.values.get("candidate", ()))
    words = ((value, value.split()) for value in found)
    fit = (value for value, parts in words if len(parts) >= 8 and parts[2].lower() == "udp" and not parts[4].endswith(".local"))
    return [value for value, _ in zip(fit, range(MAX_CANDIDATES), strict=False)]


@dataclass(frozen=True, slots=True)
class Sent:
    """What we send in a section."""

    msid: str
    ssrc: int


@dataclass(frozen=True, slots=True)
class Ours:
    """One media section as we write it. `opus` None: it is refused, or carries data channels."""

    kind: str
    protocol: str
    formats: tuple[str, ...]
    mid: str
    direction: str
    taken: bool
    opus: int | None = None
    events: dict[int, int] = field(default_factory=dict)
    sent: Sent | None = None


@dataclass(frozen=True, slots=True)
class Local:
    """How we are reached and known."""

    ufrag: str
    password: str
    fingerprints: tuple[tuple[str, str], ...]
    setup: str
    candidates: tuple[str, ...]
    cname: str
    session: int


def write(revision: int, sections: Sequence[Ours], us: Local) -> str:
    """Our description. A refused section has port 0 and lies outside the bundle, which browsers insist on."""
    bundle = " ".join(section.mid for section in sections if section.taken)
    lines = ["v=0", f"o=- {us.session} {revision} IN IP4 127.0.0.1", "s=-", "t=0 0"]
    lines += [f"a=group:BUNDLE {bundle}"] if bundle else []
    lines += ["a=msid-semantic: WMS *"]
    for section in sections:
        lines += _written(section, us)
    return "\r\n".join(lines) + "\r\n"


def _written(section: Ours, us: Local) -> list[str]:
    audio = section.kind != "application"
    lines = [f"m={section.kind} {9 if section.taken else 0} {section.protocol} {' '.join(section.formats)}", "c=IN IP4 0.0.0.0"]
    lines += ["a=rtcp:9 IN IP4 0.0.0.0", "a=rtcp-mux"] if audio else []
    lines += [f"a=mid:{section.mid}", f"a={section.direction}"]
    if section.opus is not None:
        lines += [f"a=rtpmap:{section.opus} opus/48000/2", f"a=fmtp:{section.opus} minptime=10;useinbandfec=1"]
        lines += [f"a=rtpmap:{number} telephone-event/{clock}" for number, clock in section.events.items()]
    if section.sent:
        lines += [f"a=msid:{section.sent.msid} {section.sent.msid}-audio", f"a=ssrc:{section.sent.ssrc} cname:{us.cname}"]
    if not audio and section.taken:
        lines += ["a=sctp-port:5000", "a=max-message-size:65536"]
    lines += [f"a=ice-ufrag:{us.ufrag}", f"a=ice-pwd:{us.password}"]
    lines += [f"a=fingerprint:{algorithm} {value}" for algorithm, value in us.fingerprints]
    lines += [f"a=setup:{us.setup}"]
    if section.taken:
        lines += [*(f"a=candidate:{candidate}" for candidate in us.candidates), "a=end-of-candidates"]
    return lines
