"""The engine: every operation of the platform as a method. Inputs carry `now`, effects come out; it does no I/O and knows no clock."""

from __future__ import annotations

from dataclasses import dataclass

from workbench import bxml
from workbench.simulator import conferences, lifecycle, playback, program, record, streams, verbs
from workbench.simulator.calls import Call
from workbench.simulator.core import Delivery, Kind
from workbench.simulator.local_operations import LocalOperations
from workbench.simulator.recording_operations import RecordingOperations
from workbench.simulator.voice_operations import VoiceOperations


@dataclass(slots=True)
class Engine(VoiceOperations, RecordingOperations, LocalOperations):
    """Bandwidth's platform as a state machine. Methods raise Refusal, and then nothing has changed."""

    def __post_init__(self) -> None:
        self.applications = {application.application_id: application for application in self.config.applications}
        self.numbers, self.limits = dict(self.config.numbers), self.config.limits

    # What the shell reports

    def webhook_done(self, now: float, delivery_id: int, status: int | None, body: bytes, error: str | None = None) -> None:
        """A webhook was answered, or its connection failed (`error` set). Late ones are ignored."""
        self.tick(now)
        delivery = self.deliveries.pop(delivery_id, None)
        if delivery is not None:
            self.conclude(delivery, status, body, connection_failed=error is not None)

    def audio_fetched(self, now: float, fetch_id: int, seconds: float | None, error: str | None = None) -> None:
        """An audio file was fetched: its length, or what went wrong."""
        self.tick(now)
        done = self.fetches.pop(fetch_id, None)
        if done is None:
            return self.drop(fetch_id)
        return done(fetch_id, seconds, error)

    def stream_opened(self, now: float, connection_id: int) -> None:
        """A stream's connection stands and its first message was sent."""
        self.tick(now)
        if connection_id in self.connections:
            streams.opened(self, self.connections[connection_id])

    def stream_failed(self, now: float, connection_id: int, error: str) -> None:
        """A stream's connection could not be made."""
        self.tick(now)
        if connection_id in self.connections:
            streams.failed(self, self.connections[connection_id], error)

    def stream_message(self, now: float, connection_id: int, text: str | None) -> None:
        """The application sent a message on a stream; None stands for one that is no text."""
        self.tick(now)
        if connection_id in self.connections:
            playback.receive(self, self.connections[connection_id], text)

    def stream_closed(self, now: float, connection_id: int, error: str | None) -> None:
        """The application closed a stream's connection, or it broke (`error` set)."""
        self.tick(now)
        if connection_id in self.connections:
            streams.closed(self, self.connections[connection_id], error)

    def voice_heard(self, now: float, call_id: str, speaks: bool, ago: float = 0.0) -> None:
        """There is a voice in what the devices at a call's far end send, or none since `ago` seconds."""
        self.tick(now)
        if call_id in self.calls:
            record.voice(self, self.calls[call_id], speaks, ago)

    def settled(self, delivery: Delivery, body: bytes | None) -> None:
        """Use a webhook's answer on the call or conference it belongs to."""
        if delivery.kind is Kind.CONFERENCE:
            conference = self.conferences[delivery.conference_id or ""]
            return conferences.receive(self, conference, body, delivery.url)
        if delivery.kind is Kind.NONE:
            if body is None:
                self.happen("webhookLost", "webhook.lost", event=delivery.body.get("eventType") or delivery.body.get("event"))
            elif body:
                self.follow("webhook.async")
            return None
        call = self.calls[delivery.call_id or ""]
        if not call.active or call.turn != delivery.turn:
            return self.happen("answerIgnored", "webhook.late", callId=call.call_id, event=delivery.body["eventType"])
        if body is None:
            message = f"The {delivery.body['eventType']} webhook could not be delivered, or its answer was no 2XX"
            return lifecycle.end(self, call, "callback-error", message, rule="webhook.failed")
        return program.receive(self, call, body, delivery.url)

    def execute(self, call: Call, verb: bxml.Verb) -> bool:
        """Start a verb on a call; True when it is over already."""
        return verbs.execute(self, call, verb)
