"""A story that every mode can be asked to play: who calls, who answers when, and what changes while they talk. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from html import escape
from typing import Any

from workbench.errors import WorkbenchError

PHONES = ("phone", "phone 2", "phone 3")
WEBRTC = "webrtc"
CALLS = ("outbound", "inbound")
# What may change, in words; who it may happen to.
WORDS = {
    "announce": "{who} hears an announcement alone",
    "back": "{who} comes back from the announcement",
    "hold": "{who} is put on hold",
    "resume": "{who} is taken off hold",
    "mute": "{who} is muted",
    "unmute": "{who} is heard again",
    "swap": "{who} leaves, {by} is called in its place",
    "join": "{who} is called and joins",
    "leave": "{who} leaves",
}
# A change that ends another: nobody comes back who is not away.
ENDS = {"back": "announce", "resume": "hold", "unmute": "mute"}
# A call that nobody has answered by then is given up (callTimeout).
LONGEST_RING = 29.0
DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One change: to whom, `after` so many seconds of talking; `by` takes a place in a swap, `text` is what an announcement says."""

    change: str
    who: str = "phone"
    after: float = 5.0
    by: str = ""
    text: str = "This is for you alone."

    @property
    def words(self) -> str:
        """What happens, as a reader says it."""
        return WORDS[self.change].format(who=called(self.who), by=called(self.by))

    @classmethod
    def of(cls, value: Any, at: str) -> Moment:
        """From a Moment, a mapping of its fields, or a change and whom it happens to: "announce phone". `at` names it in errors."""
        if isinstance(value, Moment):
            return value
        if isinstance(value, str):
            change, _, who = value.partition(" ")
            value = {"change": change, **({"who": who} if who else {})}
        return cls(**_known(value, cls, at))


@dataclass(frozen=True, slots=True)
class Story:
    """Who calls (`outbound`: our application calls the phone; `inbound`: the phone calls us), and what changes then.

    `rings` gives the seconds until `phone`, `phone 2`, `phone 3` or `webrtc` answers; None: never. Who is not named answers as usual.
    At the end every phone hangs up. Raises WorkbenchError naming the field for what is no story.
    """

    name: str = "my story"
    calls: str = "outbound"
    rings: Mapping[str, float | None] = field(default_factory=dict)
    moments: tuple[Moment, ...] = ()

    def __post_init__(self) -> None:
        _demand(isinstance(self.name, str) and bool(self.name.strip()), "name", "a text")
        _demand(self.calls in CALLS, "calls", f"one of {', '.join(CALLS)}, not {self.calls!r}")
        _demand(isinstance(self.rings, Mapping), "rings", "a mapping of legs to seconds")
        for leg, seconds in self.rings.items():
            _rings(leg, seconds, self.calls)
        _demand(isinstance(self.moments, (list, tuple)), "moments", 'a list, such as ["announce phone", "back phone"]')
        moments = tuple(Moment.of(value, f"moments[{at}]") for at, value in enumerate(self.moments))
        # The one place where a frozen record is given its final shape.
        object.__setattr__(self, "moments", moments)
        _demand(not (moments and self.silent), "moments", f"empty while {' and '.join(self.silent)} never answers: nobody ever talks")
        _Stage(self.rings).play(moments)

    @property
    def silent(self) -> tuple[str, ...]:
        """Who of the first two never answers."""
        return tuple(leg for leg in ("phone", WEBRTC) if leg in self.rings and self.rings[leg] is None)

    @property
    def phones(self) -> tuple[str, ...]:
        """Every phone that takes part."""
        there = {"phone", *(name for moment in self.moments for name in (moment.who, moment.by))}
        return tuple(name for name in PHONES if name in there)

    @property
    def lines(self) -> tuple[str, ...]:
        """The story in sentences."""
        begins = "the phone calls us" if self.calls == "inbound" else "our application calls the phone"
        never = [f"{called(leg)} never answers" for leg in self.rings if self.rings[leg] is None]
        return (begins, *never, *(moment.words for moment in self.moments), "whoever is still there hangs up")

    @classmethod
    def of(cls, value: Any) -> Story:
        """From a Story, the name of a ready one, or a mapping of its fields."""
        if isinstance(value, Story):
            return value
        if isinstance(value, str):
            if value not in READY:
                raise WorkbenchError(f"story: there is none named {value!r}; there are {', '.join(READY)}, or give your own as a mapping")
            return READY[value]
        return cls(**_known(value, cls, ""))


def called(leg: str) -> str:
    """A leg, as it is called in a sentence."""
    return {WEBRTC: "the WebRTC leg", "phone": "the phone"}.get(leg, leg)


class _Stage:
    """Who is where while the moments go by, so that none is about somebody who is not there."""

    def __init__(self, rings: Mapping[str, float | None]) -> None:
        self._never = {leg for leg, seconds in rings.items() if seconds is None}
        self._here = {"phone", WEBRTC}
        self._gone: set[str] = set()
        self._state: dict[str, str] = {}

    def play(self, moments: tuple[Moment, ...]) -> None:
        for at, moment in enumerate(moments):
            where = f"moments[{at}]"
            _shape(moment, where)
            who = moment.who
            if moment.change == "join":
                self._come(who, f"{where}.who")
                continue
            _demand(who in self._here, f"{where}.who", f"somebody who is there: {who} is not; there are {', '.join(sorted(self._here))}")
            if moment.change in ENDS:
                before = ENDS[moment.change]
                _demand(self._state.pop(who, "") == before, f"{where}.change", f"{moment.change} only after {before} of the same leg")
            elif moment.change in ENDS.values():
                busy = self._state.get(who)
                _demand(busy is None, f"{where}.change", f"something else while {who} is in {busy!r}")
                self._state[who] = moment.change
            else:
                self._leave(who)
            if moment.change == "swap":
                self._come(moment.by, f"{where}.by")

    def _come(self, who: str, where: str) -> None:
        new = who in PHONES and who not in self._here | self._gone | self._never
        _demand(new, where, f"a phone that answers and has not been there yet, one of {', '.join(PHONES[1:])}; not {who or 'nobody'}")
        self._here.add(who)

    def _leave(self, who: str) -> None:
        self._here.discard(who)
        self._gone.add(who)
        self._state.pop(who, None)


def _shape(moment: Moment, where: str) -> None:
    _demand(
        isinstance(moment.change, str) and moment.change in WORDS, f"{where}.change", f"one of {', '.join(WORDS)}, not {moment.change!r}"
    )
    # Of the WebRTC leg nothing but its end is asked: the person in the browser is the one whom the story is about.
    legs = (*PHONES, WEBRTC) if moment.change in ("leave", "mute", "unmute") else PHONES
    _demand(moment.who in legs, f"{where}.who", f"one of {', '.join(legs)}, not {moment.who!r}")
    _demand(_number(moment.after) and 0 <= moment.after <= DAY, f"{where}.after", f"seconds from 0 to {DAY:g}, not {moment.after!r}")
    _demand(isinstance(moment.text, str) and bool(moment.text.strip()), f"{where}.text", "a sentence")
    _demand(moment.change == "swap" or not moment.by, f"{where}.by", f"left out: {moment.change} has nobody take a place")


def _rings(leg: Any, seconds: Any, calls: str) -> None:
    where = f"rings[{leg!r}]"
    _demand(leg in (*PHONES, WEBRTC), where, f"about one of {', '.join((*PHONES, WEBRTC))}")
    _demand(not (leg == "phone" and calls == "inbound"), where, "left out: it calls us, so it does not ring")
    within = seconds is None or (_number(seconds) and 0 <= seconds <= LONGEST_RING)
    _demand(within, where, f"seconds from 0 to {LONGEST_RING:g}, or None for never; not {seconds!r}")


def _known(value: Any, record: type, at: str) -> dict[str, Any]:
    """A mapping whose names are the record's fields."""
    names = [one.name for one in fields(record)]
    _demand(isinstance(value, Mapping), at, f"a mapping with {', '.join(names)}; not {value!r}")
    unknown = [str(name) for name in value if name not in names]
    _demand(not unknown, f"{at}.{unknown[0]}".lstrip(".") if unknown else at, f"left out: the fields are {', '.join(names)}")
    _demand(record is Story or "change" in value, f"{at}.change", f"there: one of {', '.join(WORDS)}")
    return dict(value)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _demand(held: bool, where: str, rule: str) -> None:
    if not held:
        raise WorkbenchError(f"story{f', {where}' if where else ''}: has to be {rule}")


READY = {
    one.name: one
    for one in (
        Story("basic"),
        Story("inbound call", calls="inbound"),
        Story("support call", moments=(Moment("announce", text="One moment, I look it up."), Moment("back"), Moment("swap", by="phone 2"))),
        Story("call an expert in", moments=(Moment("hold"), Moment("resume"), Moment("join", "phone 2"), Moment("leave", "phone 2"))),
        Story("webrtc leaves", moments=(Moment("leave", WEBRTC),)),
        Story("listen only", moments=(Moment("mute"), Moment("unmute"))),
        Story("nobody answers", rings={"phone": None}),
    )
}


EXAMPLE = """{
    "name": "mine",
    "calls": "inbound",
    "rings": {"phone 2": 3},
    "moments": ["hold phone", "resume phone", {"change": "swap", "by": "phone 2"}],
}"""


class Stories:
    """The ready stories, as a cell shows them."""

    def __repr__(self) -> str:
        told = [f"{name}: {' → '.join(story.lines)}" for name, story in READY.items()]
        return "\n".join([*told, f"Your own: wb.compare(story={EXAMPLE})"])

    def _repr_html_(self) -> str:
        rows = "".join(f"<dt><code>{escape(name)}</code></dt><dd>{escape(' → '.join(one.lines))}</dd>" for name, one in READY.items())
        return f"<dl>{rows}</dl><p>Your own:</p><pre>wb.compare(story={escape(EXAMPLE)})</pre>"
