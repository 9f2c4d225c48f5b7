"""Programmable Voice: every operation on calls and conferences as a method."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from workbench import bxml
from workbench.errors import BxmlError
from workbench.simulator import admission, bodies, conferences, forward, lifecycle, machine_fields, program, requests, sip, transcripts
from workbench.simulator.calls import Call, Conference, Member, State
from workbench.simulator.core import Core, Kind
from workbench.simulator.effects import Refusal
from workbench.simulator.limits import DOCUMENTED
from workbench.simulator.tracks import Transcript

Fields = Mapping[str, Any]


class VoiceOperations(Core):
    """What the Voice API may ask of the engine. Methods raise Refusal, and then nothing has changed."""

    __slots__ = ()

    def create_call(self, now: float, fields: Fields) -> Call:
        """Queue an outbound call; it starts at the next timer."""
        self.tick(now)
        checked = requests.create_call(fields)
        detection = machine_fields.wanted(checked)
        if checked["applicationId"] not in self.applications:
            raise Refusal(400, f"Could not create call: Application id {checked['applicationId']} not found", "request.application")
        admission.check_queue(self)
        call = Call(
            call_id=self.ids("call"),
            account_id=self.config.account_id,
            application_id=checked["applicationId"],
            direction="outbound",
            from_=checked["from"],
            to=checked["to"],
            state=State.QUEUED,
            answer=requests.hook(checked, "answer"),
            disconnect=requests.hook(checked, "disconnect"),
            enqueued_time=self.now,
            last_update=self.now,
            tag=checked.get("tag") or None,
            call_timeout=float(checked.get("callTimeout", 30)),
            callback_timeout=float(checked.get("callbackTimeout", 15)),
            priority=int(checked.get("priority", 5)),
            uui=checked.get("uui"),
        )
        sip.identify(self, call, bool(checked.get("privacy")), checked.get("displayName"))
        self.calls[call.call_id] = call
        self._taken(fields, requests.CREATE_CALL)
        self.follow("request.defaults")
        if "username" in checked:
            self.follow("request.login")
        self.happen("queued", "call.queue", callId=call.call_id, **{"from": call.from_, "to": call.to})
        if detection is not None:
            self.detections[call.call_id] = detection
        admission.enqueue(self, call)
        return call

    def admit(self, now: float) -> None:
        """Count a request against the account's rate. Raises Refusal 429."""
        self.tick(now)
        admission.check_request(self)

    def _taken(self, fields: Fields, known: Collection[str]) -> None:
        """A request is accepted: note what of it was passed over."""
        if None in fields.values():
            self.follow("request.null")
        if unknown := requests.unknown(fields, known):
            self.happen("fieldsIgnored", "request.unknown", fields=unknown)

    def call(self, call_id: str) -> Call:
        """A call by id. Raises Refusal 404."""
        if call_id not in self.calls:
            raise Refusal(404, f"Call [{call_id}] not found", "call.unknown")
        return self.calls[call_id]

    def list_calls(self, fields: Mapping[str, str]) -> list[Call]:
        """Calls that match, oldest first. Raises Refusal 400 for a time that is none."""
        wanted = list(self.calls.values())
        self.follow("list.filter" if fields else "list.order")
        for name, value in (("to", "to"), ("from", "from_"), ("disconnectCause", "cause")):
            if fields.get(name):
                wanted = [call for call in wanted if getattr(call, value) == fields[name]]
        earliest, latest = self._period(fields, "StartTime")
        return [call for call in wanted if _within(earliest, call.start_time, latest)]

    def _period(self, fields: Mapping[str, str], name: str) -> tuple[str | None, str | None]:
        """The earliest and the latest moment a list asks for, both included."""
        earliest, latest = requests.moment(fields, f"min{name}"), requests.moment(fields, f"max{name}")
        if earliest or latest:
            self.follow("list.period")
        return earliest, latest

    def statistics(self) -> tuple[int, int]:
        """How many calls are queued, and how many may be; without limits the documented number is shown."""
        self.follow("statistics.queue")
        return len(self.queue), self.limits.capacity or DOCUMENTED.capacity or 0

    def update_call(self, now: float, call_id: str, fields: Fields) -> None:
        """End a call, or give it the document of another URL."""
        self.tick(now)
        call, checked = self.call(call_id), requests.update_call(fields)
        self._check_ours(call)
        if checked["state"] == "completed":
            if not call.active:
                raise self._conflict(call)
            self._taken(fields, requests.UPDATE_CALL)
            self._redirect_ignored(fields)
            return lifecycle.give_up(self, call)
        self._check_changeable(call)
        self._taken(fields, requests.UPDATE_CALL)
        if "tag" in checked:
            call.tag = checked["tag"] or None
            self.follow("call.tag" if call.tag else "bxml.tag-clear")
        hook = requests.hook(checked, "redirect")
        assert hook is not None
        lifecycle.interrupt(self, call)
        return lifecycle.ask(self, call, "redirect", hook, "call.redirect")

    def _redirect_ignored(self, fields: Fields) -> None:
        if beside := sorted(requests.UPDATE_CALL & fields.keys() - {"state"}):
            self.happen("fieldsIgnored", "request.redirect-ignored", fields=beside)

    def update_call_bxml(self, now: float, call_id: str, document: bytes) -> None:
        """Give a call another document at once."""
        self.tick(now)
        call = self.call(call_id)
        document_verbs = self._document(document, bxml.Where.CALL)
        self._check_ours(call)
        self._check_changeable(call)
        lifecycle.interrupt(self, call)
        self.happen("replaced", "call.replace", callId=call.call_id)
        program.run(self, call, document_verbs, None)

    def _document(self, document: bytes, where: bxml.Where) -> Sequence[bxml.Verb]:
        try:
            root = bxml.parse(document, where)
        except BxmlError as error:
            raise Refusal(400, str(error), "call.bxml" if where is bxml.Where.CALL else "conference.verbs") from error
        if isinstance(root, bxml.Response):
            self.follow("bxml.root")
        relative = next((url for _, _, url in bxml.urls(root) if bxml.relative(url)), None)
        if relative is not None:
            raise Refusal(400, f"{relative} is relative, but there is no URL to resolve it against", "call.bxml-relative")
        return root.verbs

    def _check_changeable(self, call: Call) -> None:
        waiting = call.direction == "outbound" and call.state in (State.QUEUED, State.INITIATED)
        if waiting or not call.active:
            raise self._conflict(call)
        if not call.answered:
            self.follow("call.modify-inbound")

    def _check_ours(self, call: Call) -> None:
        """Raises Refusal 409 for a forwarded call, which the application has given away."""
        if forward.forwarding(self, call):
            raise Refusal(409, self._conflict(call).description, "forward.control")

    @staticmethod
    def _conflict(call: Call) -> Refusal:
        return Refusal(409, f"Call [{call.call_id}] cannot be modified in its current state", "call.modify")

    # Live transcriptions

    def list_transcriptions(self, call_id: str) -> list[Transcript]:
        """A call's transcriptions that are available, oldest first. Raises Refusal 404."""
        self.call(call_id)
        return list(self.transcripts.get(call_id, {}).values())

    def transcription(self, call_id: str, transcription_id: str) -> Transcript:
        """A transcription by id. Raises Refusal 404."""
        self.call(call_id)
        return transcripts.find(self, call_id, transcription_id)

    def delete_transcription(self, now: float, call_id: str, transcription_id: str) -> None:
        """Forget a transcription. Raises Refusal 404."""
        self.tick(now)
        self.call(call_id)
        transcripts.delete(self, call_id, transcription_id)

    # Conferences

    def conference(self, conference_id: str) -> Conference:
        """A conference by id. Raises Refusal 404."""
        if conference_id not in self.conferences:
            raise Refusal(404, f"Conference [{conference_id}] not found", "conference.unknown")
        return self.conferences[conference_id]

    def list_conferences(self, fields: Mapping[str, str]) -> list[Conference]:
        """Conferences that match, oldest first. Raises Refusal 400 for a time that is none."""
        wanted = list(self.conferences.values())
        self.follow("list.filter" if fields else "list.order")
        if fields.get("name"):
            wanted = [conference for conference in wanted if conference.name == fields["name"]]
        earliest, latest = self._period(fields, "CreatedTime")
        return [conference for conference in wanted if _within(earliest, conference.created_time, latest)]

    def update_conference(self, now: float, conference_id: str, fields: Fields) -> None:
        """End a conference, or play the document of another URL to it."""
        self.tick(now)
        conference, checked = self._active_conference(conference_id), requests.update_conference(fields)
        self._taken(fields, requests.UPDATE_CONFERENCE)
        if checked["status"] == "completed":
            self._redirect_ignored(fields)
            return conferences.complete(self, conference)
        hook = requests.hook(checked, "redirect")
        assert hook is not None
        body = bodies.conference_event(self, "conferenceRedirect", conference)
        timeout = conference.callback_timeout
        return self.send(hook, body, "conference.redirect", kind=Kind.CONFERENCE, conference=conference, timeout=timeout)

    def update_conference_bxml(self, now: float, conference_id: str, document: bytes) -> None:
        """Play a document to a conference."""
        self.tick(now)
        conference = self._active_conference(conference_id)
        conferences.play(self, conference, self._document(document, bxml.Where.CONFERENCE), None)

    def _active_conference(self, conference_id: str) -> Conference:
        conference = self.conference(conference_id)
        if conference.completed_time is not None:
            # No 409 is documented for conferences.
            raise Refusal(404, f"Conference [{conference_id}] not found", "conference.ended")
        return conference

    def member(self, conference_id: str, call_id: str) -> Member:
        """A member by its call's id. Raises Refusal 404."""
        member = self.conference(conference_id).members.get(call_id)
        if member is None:
            raise Refusal(404, f"Member [{call_id}] not found", "conference.member-unknown")
        return member

    def update_member(self, now: float, conference_id: str, call_id: str, fields: Fields) -> None:
        """Change a member's mute, hold and coach; no webhook tells."""
        self.tick(now)
        member, checked = self.member(conference_id, call_id), requests.update_member(fields)
        self._taken(fields, requests.UPDATE_MEMBER)
        member.mute = checked.get("mute", member.mute)
        member.hold = checked.get("hold", member.hold)
        conferences.note(self, member)
        if checked.keys() < requests.UPDATE_MEMBER:
            self.follow("conference.partial")
        if "callIdsToCoach" in checked:
            conferences.set_coach(self, self.conference(conference_id), member, checked["callIdsToCoach"])
        self.happen("memberChanged", "conference.member", conferenceId=conference_id, callId=call_id, **checked)


def _within(earliest: str | None, moment: float | None, latest: str | None) -> bool:
    """Whether a moment, in the milliseconds that were shown of it, lies between two such texts; one that has not come lies in no limits."""
    if moment is None:
        return earliest is None and latest is None
    shown = bodies.iso(moment)
    return (earliest is None or earliest <= shown) and (latest is None or shown <= latest)
