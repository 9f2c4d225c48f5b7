"""What each mode does when something changes in a call, and what it cannot do, with the documented reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench import bxml
from workbench.errors import WorkbenchError
from workbench.modes import BridgeMode, ConferenceMode, Flow, Leg, Mode
from workbench.modes.base import speak
from workbench.modes.bridge import DAY
from workbench.story import Moment


@dataclass(frozen=True)
class Cannot:
    """A change that a verb has no means for; `label` says how sure that is."""

    reason: str
    label: str
    source: str

    def __str__(self) -> str:
        return f"cannot: {self.reason} ({self.label}, {self.source})"


@dataclass(frozen=True)
class Turn:
    """A moment in a flow: `calls` are the ids of its legs' calls as the platform knows them, `phone` gives a telephone by its name."""

    moment: Moment
    flow: Flow
    calls: Mapping[str, str]
    phone: Callable[[str], Any]

    @property
    def mode(self) -> Mode:
        """The mode that plays."""
        return self.flow.mode

    @property
    def leg(self) -> Leg:
        """The leg that it is about."""
        return self.flow.leg(self.moment.who)


Do = Callable[[Turn], None]
_TWO_ENDS = Cannot("a Transfer is a single call with two ends, and ends with its phone", "documented", "webrtc/voice-iw")
_ONE_TARGET = Cannot("of a Transfer's targets the first to answer is connected, and no other", "documented", "bxml/transfer")
_TWO_CALLS = Cannot("Bridge joins two calls; a third one would need a conference", "documented", "bxml/bridge")
_NO_MUTE = Cannot("to mute is a control of a conference's members", "documented", "bxml/conference")


def _aside(turn: Turn) -> None:
    turn.leg.redirect([speak(turn.moment.text), bxml.Pause(duration=DAY)])


def _wait(turn: Turn) -> None:
    turn.leg.redirect(bxml.Pause(duration=DAY))


def _ask_again(turn: Turn) -> None:
    """The mode's own handler says how a leg comes back."""
    turn.leg.redirect()


def _rejoin(turn: Turn) -> None:
    assert isinstance(turn.mode, BridgeMode)
    webrtc = turn.flow.webrtc
    if webrtc is not None:
        turn.mode.join(turn.leg, webrtc)


def _leave(turn: Turn) -> None:
    """A person hangs up; the WebRTC leg is ended by the application, by the id that the platform gives a Transfer's other end."""
    call = turn.calls.get(turn.moment.who)
    if call is None:
        return
    if turn.leg.endpoint:
        raise WorkbenchError("an endpoint is not told to leave: its device hangs up, or the phone's call ends")
    if turn.moment.who in turn.flow.legs and not turn.leg.webrtc:
        turn.phone(turn.moment.who).hangup()
    else:
        turn.mode.desk.voice.update_call(call, state="completed", about=turn.leg.about)


def _swap_bridge(turn: Turn) -> None:
    assert isinstance(turn.mode, BridgeMode)
    turn.leg.hangup()
    turn.mode.dial_phone(turn.phone(turn.moment.by), turn.flow)


def _swap_member(turn: Turn) -> None:
    turn.leg.hangup()
    turn.mode.call(turn.flow, turn.phone(turn.moment.by))


def _add_member(turn: Turn) -> None:
    turn.mode.call(turn.flow, turn.phone(turn.moment.who))


def _member(name: str, on: bool) -> Do:
    def change(turn: Turn) -> None:
        assert isinstance(turn.mode, ConferenceMode)
        (turn.mode.mute if name == "mute" else turn.mode.hold)(turn.leg, on)

    return change


# mode -> change -> what it does, or why it cannot
MEANS: Mapping[str, Mapping[str, Do | Cannot]] = {
    "transfer": {
        "announce": _aside,
        "back": _ask_again,
        "hold": _wait,
        "resume": _ask_again,
        "mute": _NO_MUTE,
        "unmute": _NO_MUTE,
        "swap": _TWO_ENDS,
        "join": _ONE_TARGET,
        "leave": _leave,
    },
    "bridge": {
        "announce": _aside,
        "back": _rejoin,
        "hold": _wait,
        "resume": _rejoin,
        "mute": _NO_MUTE,
        "unmute": _NO_MUTE,
        "swap": _swap_bridge,
        "join": _TWO_CALLS,
        "leave": _leave,
    },
    "conference": {
        "announce": _aside,
        "back": _ask_again,
        "hold": _member("hold", True),
        "resume": _member("hold", False),
        "mute": _member("mute", True),
        "unmute": _member("mute", False),
        "swap": _swap_member,
        "join": _add_member,
        "leave": _leave,
    },
}
# How each change is made, in words: a reader sees the difference between the verbs here.
HOW = {
    "transfer": {
        "announce": "redirect the call",
        "back": "a new Transfer",
        "hold": "redirect the call",
        "resume": "a new Transfer",
        "leave": "either end takes the call along",
    },
    "bridge": {
        "announce": "redirect the one leg",
        "back": "Bridge again",
        "hold": "redirect the one leg",
        "resume": "Bridge again",
        "swap": "call another phone, Bridge to the leg that waits",
        "leave": "the one that stays is asked what to do",
    },
    "conference": {
        "announce": "redirect the member out of the room",
        "back": "Conference again",
        "hold": "a control of the member",
        "resume": "a control of the member",
        "mute": "a control of the member",
        "unmute": "a control of the member",
        "swap": "call another phone into the room",
        "join": "call it into the room",
        "leave": "the others stay in the room",
    },
}
# With endpoints what joins is Connect, whatever the mode.
HOW_CONNECTED = {
    "transfer": {**HOW["transfer"], "back": "Connect again", "resume": "Connect again", "leave": "the phone's end ends the call"},
    "bridge": {
        **HOW["bridge"],
        **dict.fromkeys(("back", "resume"), "Connect again"),
        "swap": "call another phone, Connect to the endpoint that waits",
        "leave": "the endpoint waits for the next call",
    },
}
COSTS = {
    "transfer": "one call with two ends (documented)",
    "bridge": "two calls (documented)",
    "conference": "a call per leg, and the conference costs extra (documented)",
}
COSTS_CONNECTED = dict.fromkeys(HOW_CONNECTED, "one call, connected with an endpoint, which by itself costs nothing (documented)")
