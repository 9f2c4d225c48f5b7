"""Conference: many calls in one room, each with its own controls (behaviour 4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from workbench import bxml
from workbench.errors import WorkbenchError
from workbench.modes.base import NOT_CALLED, Mode, speak
from workbench.modes.documents import Document, verbs_of
from workbench.modes.flow import Flow, Leg
from workbench.records import About, Event

if TYPE_CHECKING:
    from pandas import DataFrame


class Room(Flow):
    """A flow that is one conference. `name` is the conference's, `conference_id` that of its latest life, None before the first."""

    def __init__(self, mode: Mode, flow_id: str) -> None:
        super().__init__(mode, flow_id)
        self.name = ""
        self.conference_id: str | None = None

    def enter(self, **attributes: Any) -> bxml.Conference:
        """The verb that takes a call into the room. Only the first call's event URL counts, so every call names it."""
        self.name = self.name or self.session
        return bxml.Conference(self.name, conference_event_url=self.url("conferenceEvent", ""), **attributes)


class ConferenceMode(Mode):
    """The WebRTC leg and every phone leg run `<Conference>` with the same name, the session's id unless told otherwise.

    No documented way leads an endpoint into a room (brtc 7): with endpoints a room is one of phones.
    """

    name = "conference"
    flow_type = Room

    # -- calls ---------------------------------------------------------------------------------------------------------------------

    def start(self, name: str | None = None) -> Room:
        """Open a room and call the WebRTC side into it. Raises WorkbenchError with endpoints."""
        self._check_joins()
        room = self._begin()
        room.name = name or ""
        self.call_webrtc(room)
        return room

    @property
    def joins(self) -> bool:
        """Not with endpoints."""
        return self.desk.webrtc.callable

    def begin(self, phone: Any) -> Flow:
        """A room of its own, in no other one's name, with the WebRTC side and a phone in it. Raises WorkbenchError with endpoints."""
        self._check_joins()
        room = self.alone()
        self.call_webrtc(room)
        self.call(room, phone)
        return room

    def alone(self) -> Flow:
        """Open a room whose name no other has; the session's id is the name of many."""
        room = self._begin()
        room.name = f"{room.session}-{room.id}"
        return room

    def dial(self, phone: Any, **fields: Any) -> Flow:
        """Call a phone into the newest room, or into a new one with the WebRTC side in it, if that can be called."""
        room = self.room() or (self.start() if self.joins else self._begin())
        self.call(room, phone, **fields)
        return room

    def add(self, phone: Any, **fields: Any) -> Leg:
        """Call a phone into the newest room and give its leg."""
        return self.call(self.now, phone, **fields)

    def remove(self, leg: str | Leg, document: Document = None) -> None:
        """Take a leg out of the room: with a document it goes on with that, else its call ends."""
        if document is None:
            self.leg(leg).hangup()
        else:
            self.leg(leg).redirect(document)

    def mute(self, leg: str | Leg, on: bool = True) -> None:
        """A muted leg hears and is not heard."""
        self._member(leg, mute=on)

    def hold(self, leg: str | Leg, on: bool = True) -> None:
        """A leg on hold neither hears nor is heard."""
        self._member(leg, hold=on)

    def coach(self, leg: str | Leg, legs: Iterable[str | Leg] = ()) -> None:
        """Only these legs hear the coaching one; it hears all. With no legs, everybody hears it again."""
        self._member(leg, call_ids_to_coach=[self.leg(coached).id for coached in legs])

    def announce(self, document: str | Document) -> None:
        """Speak a text to the whole room, or play a document of the verbs a conference may run."""
        said = document is not None and isinstance(document, str) and not document.lstrip().startswith("<")
        verbs = (speak(str(document)),) if said else verbs_of(document)
        self.desk.voice.update_conference_bxml(self.conference_id, bxml.Bxml(verbs).to_bxml(), about=self._about)

    def complete(self) -> None:
        """End the conference for everyone: each call goes on with the verb after `<Conference>`."""
        self.desk.voice.update_conference(self.conference_id, status="completed", about=self._about)

    # -- the room ------------------------------------------------------------------------------------------------------------------

    def room(self) -> Room | None:
        """The newest room, unless everybody has left it; an inbound call joins it."""
        newest = self.flows[-1] if self.flows else None
        return newest if isinstance(newest, Room) and not newest.over else None

    @property
    def now(self) -> Room:
        """The newest room, open or not; WorkbenchError when there was none."""
        if not self.flows:
            raise WorkbenchError("there is no room yet; wb.conference.start() opens one")
        room = self.flows[-1]
        assert isinstance(room, Room)
        return room

    @property
    def conference_id(self) -> str:
        """Id of the newest room's conference; WorkbenchError while it has none."""
        if self.now.conference_id is None:
            raise WorkbenchError("the conference does not exist yet: it begins when the first call runs <Conference>")
        return self.now.conference_id

    def members(self) -> DataFrame:
        """Who is in the conference, as the platform says: leg, mute, hold, coached legs, call."""
        from pandas import DataFrame

        self.desk.settle()
        found = self.desk.voice.conference(self.conference_id, about=self._about).get("activeMembers") or []
        rows = [
            {
                "leg": self._name(member["callId"]),
                "mute": bool(member.get("mute")),
                "hold": bool(member.get("hold")),
                "coaches": ", ".join(self._name(call) for call in member.get("callIdsToCoach") or ()),
                "call": member["callId"],
            }
            for member in found
        ]
        return DataFrame(rows, columns=["leg", "mute", "hold", "coaches", "call"])

    def _name(self, call_id: str) -> str:
        leg = self.desk.board.leg(call_id)
        return leg.name if leg else call_id

    def _member(self, leg: str | Leg, **fields: Any) -> None:
        member = self.leg(leg)
        self.desk.voice.update_member(self.conference_id, member.id, about=member.about, **fields)

    def _check_joins(self) -> None:
        if not self.joins:
            raise WorkbenchError(f"conference: {NOT_CALLED}, and wb.conference.dial(phone) opens a room of phones")

    def _begin(self) -> Room:
        room = self.open()
        assert isinstance(room, Room)
        return room

    @property
    def _about(self) -> About:
        return About(flow=self.now.id, mode=self.name)

    # -- handlers ------------------------------------------------------------------------------------------------------------------

    def on_initiate(self, event: Event, flow: Room) -> Document:
        """A phone calls our number: greet it, then take it into the room."""
        if flow.webrtc is None and self.joins:
            self.call_webrtc(flow)
        return [speak("Welcome to the conference."), flow.enter()]

    def on_answer(self, event: Event, flow: Room) -> Document:
        """A leg has answered: a phone is greeted first; the WebRTC leg enters at once, or its sound may stay one-way."""
        if event.leg == "webrtc":
            return flow.enter()
        return [speak("Welcome to the conference."), flow.enter()]

    def on_redirect(self, event: Event, flow: Room) -> Document:
        """A redirected leg has left the room: it comes back."""
        return flow.enter()

    def before(self, event: Event, flow: Flow, leg: Leg | None) -> None:
        """The conference's id is news with each of its lives."""
        super().before(event, flow, leg)
        # Created and the first join are told at once, in either order.
        if isinstance(flow, Room) and event.event_type in ("conferenceCreated", "conferenceMemberJoin"):
            flow.conference_id = event.conference_id
