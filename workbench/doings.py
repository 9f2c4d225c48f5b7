"""What the local platform did, and what came of an event, in the words and with the arrow of a ladder. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.records import Event, Happened

End = Literal["lane", "other", "voice", "webrtc"]


@dataclass(frozen=True, slots=True)
class Doing:
    """An arrow between two ends: the lane of its call or browser, that of the `other` call, the Voice platform, WebRTC."""

    source: End
    target: End
    label: str
    kind: Literal["sip", "media", "device", "error"]
    note: str = ""


# What browsers do, which belongs to no call.
DEVICES = {
    "onConnect": "joins the session",
    "onLeave": "leaves the session",
    "onDisconnect": "is gone",
    "connectionLost": "lost its connection",
    "deviceReplaced": "was replaced by another device",
    "endpointConnected": "connects",
    "endpointDisconnected": "is gone",
}
# The far end did it; every other end comes from the platform.
_BY_FAR_END = frozenset({"call.hangup", "phone.hangup", "call.busy", "call.rejected", "phone.refuses"})
_TROUBLE = {
    "inviteRefused": "refused",
    "documentRefused": "document refused",
    "webhookTimeout": "waited too long for an answer",
    "webhookFailed": "got no document",
    "webhookLost": "event lost",
    "bridgeFailed": "cannot bridge",
    "transferRefused": "cannot transfer",
    "conferenceFull": "the conference is full",
    "playFailed": "cannot play the file",
}
_SELF = {
    "recordingStarted": "recording begins",
    "recordingEnded": "recording ends",
    "recordingPaused": "recording pauses",
    "recordingResumed": "recording goes on",
    "gatherStarted": "waits for keys",
    "machineDetected": "heard who answered",
    "forwarded": "forwards the call",
}


def told(one: Happened) -> Doing | None:
    """How a happening is drawn; None for what would only be in the way."""
    data, kind = one.data, one.kind
    if kind in DEVICES:
        return None if data.get("callId") else Doing("lane", "webrtc", DEVICES[kind], "device")
    if kind in _TROUBLE:
        why = data.get("error") or data.get("reason") or data.get("cause") or data.get("event") or ""
        return Doing("voice", "voice", f"{_TROUBLE[kind]}{f' · {why}' if why else ''}"[:60], "error", str(why))
    if kind in _SELF:
        return Doing("voice", "voice", _SELF[kind], "media")
    return _of_call(kind, data, getattr(one, "rule", ""))


def _of_call(kind: str, data: Mapping[str, Any], rule: str) -> Doing | None:
    seconds, text = data.get("seconds"), str(data.get("text") or "")
    match kind:
        case "arrived":
            return Doing("lane", "voice", "calls", "sip")
        case "invite":
            uui = str(data.get("uui") or "")
            return Doing("voice", "lane", "INVITE with token" if uui else "INVITE", "sip", f"User-to-User: {uui}" if uui else "")
        case "ringing":
            return Doing("lane", "voice", "rings", "sip")
        case "answered":
            inbound = data.get("direction") == "inbound"
            return Doing("voice", "lane", "answers", "sip") if inbound else Doing("lane", "voice", "answers", "sip")
        case "speak":
            return Doing("voice", "lane", f"speaks {seconds} s: {text}"[:40], "media", text)
        case "play":
            return Doing("voice", "lane", f"plays {seconds} s" if seconds else "plays a file", "media", str(data.get("url") or ""))
        case "phoneSays":
            return Doing("lane", "voice", f"says: {text}"[:40], "media", text)
        case "keys":
            return Doing("lane", "voice", f"presses {data.get('digits', '')}", "media")
        case "sendDtmf":
            return Doing("voice", "lane", f"sends keys {data.get('digits', '')}", "media")
        case "referSent":
            return Doing("voice", "lane", f"REFER to {data.get('to', '')}"[:40], "sip")
        case "joined":
            return Doing("lane", "other", "joined", "media", f"by {data.get('verb', '')}")
        case "connected":
            return Doing("lane", "webrtc", "connected", "media", "by Connect")
        case "streamUnavailable":
            return Doing("lane", "webrtc", "parted", "media")
        case "parted":
            return Doing("lane", "other", "parted", "media")
        case "memberJoined":
            return Doing("lane", "voice", "in the conference", "media")
        case "memberLeft":
            return Doing("lane", "voice", "out of the conference", "media")
        case "memberChanged":
            return Doing("voice", "lane", _changed(data), "media")
        case "ended":
            ends: tuple[End, End] = ("lane", "voice") if rule in _BY_FAR_END else ("voice", "lane")
            return Doing(*ends, f"ends · {data.get('cause')}", "sip", str(data.get("errorMessage") or ""))
    return None


def _changed(data: Mapping[str, Any]) -> str:
    words = {"mute": ("muted", "unmuted"), "hold": ("on hold", "no longer on hold")}
    said = [words[name][not data[name]] for name in words if isinstance(data.get(name), bool)]
    if "callIdsToCoach" in data:
        said.append("coaches" if data["callIdsToCoach"] else "coaches nobody")
    return ", ".join(said) or "changed"


def given(event: Event) -> str:
    """What an answer gave: a call, a participant, a session, by the beginning of its id."""
    response = event.data.get("response")
    if not isinstance(response, Mapping):
        return ""
    inner = response.get("participant") if isinstance(response.get("participant"), Mapping) else response
    number = str(response.get("callId") or (inner or {}).get("id") or "")
    token = " with token" if response.get("token") else ""
    return f" · {number[:10]}…{token}" if number else token


def failure(event: Event) -> str:
    """Why a webhook got no good answer, in a line."""
    if event.late:
        return "too late"
    last = (event.error or "").strip().splitlines()
    return f"{event.status} · {last[-1][:48]}" if last else f"{event.status} · refused"
