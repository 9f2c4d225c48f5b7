"""Clients of Bandwidth's APIs: one method per operation, plain dictionaries as results, `ApiError` for everything that fails.

Source of paths, fields and statuses: Bandwidth's specifications of the Voice API v2 and the WebRTC API v1. Keyword arguments are the
documented fields in snake_case (`answer_url` for answerUrl, `from_` for from); those that are None are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from workbench.recordings import Recordings
from workbench.records import About
from workbench.settings import Settings
from workbench.spending import Spending
from workbench.wire import Recorder, Wire, body_of, object_in, path_to

Json = dict[str, Any]


class Voice(Recordings):
    """The Programmable Voice API v2 of the settings' account. Thread-safe."""

    def __init__(
        self,
        settings: Settings,
        record: Recorder | None = None,
        *,
        spending: Spending | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`spending` is asked before anything that makes the platform call somebody; without it all is allowed."""
        self._settings = settings
        self.spending = spending or Spending()
        self._wire = Wire(settings, settings.voice_url, record, transport=transport)
        self.patience = self._wire.patience

    def create_call(
        self,
        *,
        to: str,
        from_: str,
        answer_url: str,
        application_id: str | None = None,
        about: About | None = None,
        **fields: Any,
    ) -> Json:
        """Queue an outbound call; returns its record, `callId` among it. The answer only says that it is queued.

        Raises SpendingError for one that is not allowed (`spending`).

        Further fields: answer_method, answer_fallback_url, answer_fallback_method, disconnect_url, disconnect_method, username, password,
        fallback_username, fallback_password, call_timeout (1..300 s, 30), callback_timeout (1..25 s, 15), uui, display_name, privacy,
        priority (1..5), tag, machine_detection.
        """
        body = body_of(fields, to=to, from_=from_, answer_url=answer_url, application_id=application_id or self._settings.application_id)
        # Whom the body names: a further field might name somebody else.
        with self.spending.charged(str(body["to"])):
            return object_in(self._wire.send("createCall", "POST", "/calls", json=body, about=about))

    def call(self, call_id: str, *, about: About | None = None) -> Json:
        """State of a call, kept for 7 days after its end."""
        return object_in(self._wire.send("getCallState", "GET", path_to("calls", call_id), about=about))

    def list_calls(self, *, about: About | None = None, **fields: Any) -> Iterator[Json]:
        """Calls, the oldest first, page after page as you go on.

        Fields: to, from_, min_start_time, max_start_time, disconnect_cause, page_size (1..10000).
        """
        return self._wire.pages("listCalls", "/calls", body_of(fields), about=about)

    def update_call(self, call_id: str, *, about: About | None = None, **fields: Any) -> None:
        """Redirect a call (`redirect_url=…`), or end it (`state="completed"`).

        Further fields: redirect_method, username, password, redirect_fallback_url, redirect_fallback_method, fallback_username,
        fallback_password, tag.
        """
        self._wire.send("updateCall", "POST", path_to("calls", call_id), json=body_of(fields), about=about)

    def update_call_bxml(self, call_id: str, document: str, *, about: About | None = None) -> None:
        """Replace the BXML that a call is running."""
        with self.spending.charged_document(document):
            self._wire.send("updateCallBxml", "PUT", path_to("calls", call_id, "bxml"), xml=document, about=about)

    def live_transcriptions(self, call_id: str, *, about: About | None = None) -> list[Json]:
        """What `<StartTranscription>` wrote down of a call: transcriptionId, transcriptionName and transcriptionUrl of each."""
        answer = self._wire.send("listRealTimeTranscriptions", "GET", path_to("calls", call_id, "transcriptions"), about=about)
        return answer if isinstance(answer, list) else []

    def live_transcription(self, call_id: str, transcription_id: str, *, about: About | None = None) -> Json:
        """A live transcription, its text under `tracks`; there once realTimeTranscriptionAvailable has told."""
        path = path_to("calls", call_id, "transcriptions", transcription_id)
        return object_in(self._wire.send("getRealTimeTranscription", "GET", path, about=about))

    def delete_live_transcription(self, call_id: str, transcription_id: str, *, about: About | None = None) -> None:
        """Delete a live transcription."""
        path = path_to("calls", call_id, "transcriptions", transcription_id)
        self._wire.send("deleteRealTimeTranscription", "DELETE", path, about=about)

    def list_conferences(self, *, about: About | None = None, **fields: Any) -> Iterator[Json]:
        """Conferences, page after page. Fields: name, min_created_time, max_created_time, page_size (1..1000)."""
        return self._wire.pages("listConferences", "/conferences", body_of(fields), about=about)

    def conference(self, conference_id: str, *, about: About | None = None) -> Json:
        """A conference with its `activeMembers`."""
        return object_in(self._wire.send("getConference", "GET", path_to("conferences", conference_id), about=about))

    def update_conference(self, conference_id: str, *, about: About | None = None, **fields: Any) -> None:
        """Have a conference ask for BXML (`redirect_url=…`), or end it (`status="completed"`; the field is not called state here).

        Further fields: redirect_method, username, password, redirect_fallback_url, redirect_fallback_method, fallback_username,
        fallback_password.
        """
        self._wire.send("updateConference", "POST", path_to("conferences", conference_id), json=body_of(fields), about=about)

    def update_conference_bxml(self, conference_id: str, document: str, *, about: About | None = None) -> None:
        """Play a document of conference verbs into a conference."""
        self._wire.send("updateConferenceBxml", "PUT", path_to("conferences", conference_id, "bxml"), xml=document, about=about)

    def member(self, conference_id: str, call_id: str, *, about: About | None = None) -> Json:
        """A member of a conference; its id is that of its call."""
        path = path_to("conferences", conference_id, "members", call_id)
        return object_in(self._wire.send("getConferenceMember", "GET", path, about=about))

    def update_member(self, conference_id: str, call_id: str, *, about: About | None = None, **fields: Any) -> None:
        """Change a member: mute, hold (booleans), call_ids_to_coach (list). What is left out stays as it is."""
        path = path_to("conferences", conference_id, "members", call_id)
        self._wire.send("updateConferenceMember", "PUT", path, json=body_of(fields), about=about)

    def statistics(self, *, about: About | None = None) -> Json:
        """The call queue: currentCallQueueSize, maxCallQueueSize."""
        return object_in(self._wire.send("getStatistics", "GET", "/statistics", about=about))

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


class WebRtc:
    """The WebRTC API v1 of the settings' account. Thread-safe. Nothing can be listed here but the participants of a session."""

    def __init__(self, settings: Settings, record: Recorder | None = None, *, transport: httpx.BaseTransport | None = None) -> None:
        # only Basic is documented for this API
        self._wire = Wire(settings, settings.webrtc_url, record, prefer_basic=True, transport=transport)
        self.patience = self._wire.patience

    def create_participant(
        self,
        *,
        callback_url: str | None = None,
        publish_permissions: Sequence[str] = ("AUDIO",),
        tag: str | None = None,
        device_api_version: str = "V3",
        about: About | None = None,
    ) -> Json:
        """A new participant: `{"participant": …, "token": …}`. The token is given only here. `tag`: at most 50 characters."""
        body = body_of(
            {},
            callback_url=callback_url,
            publish_permissions=list(publish_permissions),
            tag=tag,
            device_api_version=device_api_version,
        )
        return object_in(self._wire.send("createParticipant", "POST", "/participants", json=body, about=about))

    def participant(self, participant_id: str, *, about: About | None = None) -> Json:
        """A participant, without its token."""
        return object_in(self._wire.send("getParticipant", "GET", path_to("participants", participant_id), about=about))

    def delete_participant(self, participant_id: str, *, about: About | None = None) -> None:
        """Delete a participant. A participant may have vanished by itself: then this is a 404."""
        self._wire.send("deleteParticipant", "DELETE", path_to("participants", participant_id), about=about)

    def create_session(self, *, tag: str | None = None, about: About | None = None) -> Json:
        """A new session; the platform cleans it up after 9 hours. `tag`: at most 50 characters."""
        return object_in(self._wire.send("createSession", "POST", "/sessions", json=body_of({}, tag=tag), about=about))

    def session(self, session_id: str, *, about: About | None = None) -> Json:
        """A session."""
        return object_in(self._wire.send("getSession", "GET", path_to("sessions", session_id), about=about))

    def delete_session(self, session_id: str, *, about: About | None = None) -> None:
        """Delete a session; its participants stay."""
        self._wire.send("deleteSession", "DELETE", path_to("sessions", session_id), about=about)

    def session_participants(self, session_id: str, *, about: About | None = None) -> list[Json]:
        """The participants in a session."""
        found = self._wire.send("listSessionParticipants", "GET", path_to("sessions", session_id, "participants"), about=about)
        return found if isinstance(found, list) else []

    def add_participant(
        self,
        session_id: str,
        participant_id: str,
        subscriptions: Mapping[str, Any] | None = None,
        *,
        about: About | None = None,
    ) -> None:
        """Put a participant into a session, with its subscriptions (see `set_subscriptions`); without any it hears nobody."""
        path = path_to("sessions", session_id, "participants", participant_id)
        self._wire.send("addParticipantToSession", "PUT", path, json=subscriptions, about=about)

    def remove_participant(self, session_id: str, participant_id: str, *, about: About | None = None) -> None:
        """Take a participant out of a session, and its subscriptions with it. A phone call behind it is not hung up."""
        path = path_to("sessions", session_id, "participants", participant_id)
        self._wire.send("removeParticipantFromSession", "DELETE", path, about=about)

    def subscriptions(self, session_id: str, participant_id: str, *, about: About | None = None) -> Json | None:
        """Whom a participant hears, or None when nothing was ever set."""
        found = self._wire.send("getParticipantSubscriptions", "GET", _subscriptions(session_id, participant_id), about=about)
        return found if isinstance(found, dict) else None

    def set_subscriptions(
        self,
        session_id: str,
        participant_id: str,
        subscriptions: Mapping[str, Any] | None = None,
        *,
        about: About | None = None,
    ) -> None:
        """Replace whom a participant hears.

        `{"sessionId": …}` alone: everybody in the session, those added later too; with a non-empty `participants` list of
        `{"participantId", "streamAliases"}`: exactly those; None: nobody.
        """
        path = _subscriptions(session_id, participant_id)
        self._wire.send("updateParticipantSubscriptions", "PUT", path, json=subscriptions, about=about)

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()


def _subscriptions(session_id: str, participant_id: str) -> str:
    return path_to("sessions", session_id, "participants", participant_id, "subscriptions")
