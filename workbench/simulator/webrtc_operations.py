"""WebRTC: every operation on participants, sessions and subscriptions as a method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.simulator import requests, webrtc
from workbench.simulator.core import Core
from workbench.simulator.effects import Refusal
from workbench.simulator.records import Participant, Session, Subscription

Fields = Mapping[str, Any]


class WebRtcOperations(Core):
    """What the WebRTC API may ask of the engine. Methods raise Refusal, and then nothing has changed."""

    __slots__ = ()

    def create_participant(self, now: float, fields: Fields) -> tuple[Participant, str]:
        """A new participant and its token."""
        self.tick(now)
        checked = requests.participant(fields)
        if fields.get("publishPermissions") is None:
            self.follow("webrtc.permissions-default")
        return webrtc.create_participant(self, *checked)

    def participant(self, participant_id: str) -> Participant:
        """A participant by id. Raises Refusal 404."""
        if participant_id not in self.participants:
            raise Refusal(404, f"participant {participant_id} not found", "webrtc.unknown")
        return self.participants[participant_id]

    def delete_participant(self, now: float, participant_id: str) -> None:
        """Forget a participant; its SIP leg is hung up."""
        self.tick(now)
        webrtc.delete_participant(self, self.participant(participant_id))

    def create_session(self, now: float, fields: Fields) -> Session:
        """A new session."""
        self.tick(now)
        return webrtc.create_session(self, requests.webrtc_tag(fields))

    def session(self, session_id: str) -> Session:
        """A session by id. Raises Refusal 404."""
        if session_id not in self.sessions:
            raise Refusal(404, f"session {session_id} not found", "webrtc.unknown")
        return self.sessions[session_id]

    def delete_session(self, now: float, session_id: str) -> None:
        """Forget a session; the SIP legs in it are hung up."""
        self.tick(now)
        webrtc.delete_session(self, self.session(session_id))

    def session_participants(self, session_id: str) -> list[Participant]:
        """The participants of a session, in the order they were added."""
        return [self.participants[participant_id] for participant_id in self.session(session_id).participants]

    def add_participant(self, now: float, session_id: str, participant_id: str, fields: Fields | None) -> None:
        """Add a participant to a session and, when a body is sent, replace its subscriptions."""
        self.tick(now)
        session, participant = self.session(session_id), self.participant(participant_id)
        wanted = self._subscription(session, participant, fields)
        webrtc.join_session(self, participant, session)
        if fields is not None:
            participant.subscription = wanted
            self._follow_level(wanted)

    def remove_participant(self, now: float, session_id: str, participant_id: str) -> None:
        """Take a participant out of a session; a phone call goes on without media."""
        self.tick(now)
        webrtc.leave_session(self, self._member(session_id, participant_id))

    def subscriptions(self, session_id: str, participant_id: str) -> Subscription | None:
        """What a participant is subscribed to."""
        return self._member(session_id, participant_id).subscription

    def set_subscriptions(self, now: float, session_id: str, participant_id: str, fields: Fields | None) -> None:
        """Replace what a participant is subscribed to."""
        self.tick(now)
        participant = self._member(session_id, participant_id)
        participant.subscription = self._subscription(self.session(session_id), participant, fields)
        self.follow("subscription.replaced")
        self._follow_level(participant.subscription)

    def _subscription(self, session: Session, participant: Participant, fields: Fields | None) -> Subscription | None:
        requests.subscriptions(session.id, fields)
        wanted = webrtc.as_subscription(session.id, fields)
        webrtc.check_subscription(session, participant, wanted)
        return wanted

    def _follow_level(self, wanted: Subscription | None) -> None:
        if wanted is None:
            self.follow("subscription.none")
        else:
            self.follow("subscription.session" if wanted.everybody else "subscription.participants")
            if any(aliases for _, aliases in wanted.participants):
                self.follow("subscription.alias")

    def _member(self, session_id: str, participant_id: str) -> Participant:
        participant = self.participant(participant_id)
        if participant_id not in self.session(session_id).participants:
            raise Refusal(404, f"participant {participant_id} is not in session {session_id}", "webrtc.unknown")
        return participant
