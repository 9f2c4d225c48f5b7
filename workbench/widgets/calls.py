"""The calls and conferences there are now, by name, each with what it does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from workbench.errors import WorkbenchError
from workbench.records import About
from workbench.widgets import text
from workbench.widgets.lookout import Lookout, Picture
from workbench.widgets.panel import Panel, action, module
from workbench.widgets.publisher import Publisher


class VoiceLike(Protocol):
    """What is changed through the Voice API; see `workbench.clients.Voice`."""

    def update_call(self, call_id: str, **fields: Any) -> Any: ...

    def update_conference(self, conference_id: str, **fields: Any) -> Any: ...

    def update_member(self, conference_id: str, call_id: str, **fields: Any) -> Any: ...


class Calls(Panel):
    """Calls that have not ended and conferences that go on."""

    _esm = module("calls.js")

    def __init__(
        self, voice: VoiceLike, publisher: Publisher, lookout: Lookout, *, about: Callable[[str], About | None] = lambda call_id: None
    ) -> None:
        self._voice = voice
        # Requests for a leg of a mode belong into the table of that mode.
        self._about = about
        self._lookout = lookout
        super().__init__(publisher, "Calls and conferences", view=_view(lookout.look()))
        self._unsubscribe = lookout.subscribe(lambda picture: publisher.put(self, _view(picture)))

    @action
    def hang_up(self, call: str) -> None:
        """End a call, given by its name in the panel or its id."""
        found = self._call(call)
        self._voice.update_call(found["id"], state="completed", about=self._about(found["id"]))
        self._done(f"{found['name']} is ended.")

    @action
    def mute(self, call: str, on: bool = True) -> None:
        """Mute a member of a conference (it hears and is not heard), or undo it with `on=False`."""
        found, room = self._member(call)
        self._voice.update_member(room, found["id"], mute=on, about=self._about(found["id"]))
        self._done(f"{found['name']} is {'muted: it hears and is not heard' if on else 'heard again'}.")

    @action
    def hold(self, call: str, on: bool = True) -> None:
        """Hold a member of a conference (it neither hears nor is heard), or undo it with `on=False`."""
        found, room = self._member(call)
        self._voice.update_member(room, found["id"], hold=on, about=self._about(found["id"]))
        self._done(f"{found['name']} is {'on hold: it neither hears nor is heard' if on else 'back from hold'}.")

    @action
    def end_conference(self, name: str) -> None:
        """End a conference for everybody; each call goes on with the verb after `<Conference>`."""
        for room in _view(self._lookout.look())["conferences"]:
            if name in (room["whole"], room["name"], room["id"]):
                members = [member["id"] for member in room["members"]]
                about = next((found for member in members if (found := self._about(member))), None)
                self._voice.update_conference(room["id"], status="completed", about=about)
                self._done(f"The conference {room['name']} is ended.")
                return
        raise WorkbenchError(f"there is no conference {name!r} now")

    def html(self) -> str:
        """Calls and conferences as static HTML."""
        view = _view(self._lookout.look())
        rows = [[call["name"], call["parties"], call["state"], call["doing"], call["since"]] for call in view["calls"]]
        for room in view["conferences"]:
            rows.append([room["name"], ", ".join(member["name"] for member in room["members"]), "conference", "", room["since"]])
        return text.table_html(self.title, ["call", "from → to", "state", "doing", "since"], rows)

    def close(self) -> None:
        """Take the panel off the page."""
        self._unsubscribe()
        super().close()

    def _call(self, wanted: str) -> dict[str, Any]:
        calls = _view(self._lookout.look())["calls"]
        for call in calls:
            if wanted in (call["id"], call["name"], call["leg"]):
                return dict(call)
        raise WorkbenchError(f"there is no call {wanted!r} now; there are {', '.join(call['name'] for call in calls) or 'none'}")

    def _member(self, wanted: str) -> tuple[dict[str, Any], str]:
        call = self._call(wanted)
        if not call["conference"]:
            raise WorkbenchError(f"{call['name']} is in no conference")
        return call, call["conference"]

    def _done(self, message: str) -> None:
        self.say(message)
        self._lookout.nudge()


def _view(picture: Picture) -> dict[str, Any]:
    legs = {leg["call"]: leg for leg in picture["legs"] if leg["call"]}
    rooms = {room["conferenceId"]: room for room in picture["conferences"]}
    calls = [_call(call, legs.get(call["callId"]), legs.get(call.get("parentCallId")), rooms) for call in picture["calls"]]
    names = {call["id"]: call["name"] for call in calls}
    for call in calls:
        call["doing"] = " ".join(names.get(word, word) for word in call["doing"])
    return {"calls": calls, "conferences": [_room(room, names) for room in rooms.values()], "error": picture["error"]}


def _call(call: dict[str, Any], leg: dict[str, Any] | None, parent: dict[str, Any] | None, rooms: dict[str, Any]) -> dict[str, Any]:
    parties = f"{text.party(call.get('from'))} → {text.party(call.get('to'))}"
    room = rooms.get(call.get("conferenceId") or "")
    state = "ringing" if call.get("ringing") and call["state"] != "answered" else call["state"]
    return {
        "id": call["callId"],
        "leg": leg["name"] if leg else "",
        "name": f"{leg['flow']} · {leg['name']}" if leg else f"{parent['flow']} · B leg" if parent else parties,
        "parties": parties,
        "state": state,
        "since": since(call.get("answerTime") or call.get("startTime")),
        "doing": _doing(call, room),
        "conference": call.get("conferenceId"),
    }


def _doing(call: dict[str, Any], room: dict[str, Any] | None) -> list[str]:
    """Words, among them ids of other calls that become names."""
    link = call.get("link")
    if room is not None:
        return [f"in the conference {text.short(room['name'])}"]
    if link and link["joined"]:
        return ["joined with", str(link["b"] if call["callId"] == link["a"] else link["a"]), f"by <{link['verb']}>"]
    return [f"runs <{call['verb']}>"] if call.get("verb") else []


def _room(room: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    members = [
        {"id": call, "name": names.get(call, "an ended call"), "mute": bool(one.get("mute")), "hold": bool(one.get("hold"))}
        for one in room.get("members") or ()
        for call in [one["callId"]]
    ]
    return {
        "id": room["conferenceId"],
        "whole": room["name"],
        "name": text.short(room["name"]),
        "since": since(room.get("createdTime")),
        "members": members,
    }


def since(time: str | None) -> str:
    """Local time of day from the platform's ISO text."""
    return datetime.fromisoformat(time).astimezone().strftime("%H:%M:%S") if time else ""
