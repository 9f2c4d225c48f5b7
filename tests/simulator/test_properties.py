"""What holds whatever happens: random phones, documents, requests and failures against the pure engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.simulator.rig import BASE, NUMBER, Rig
from workbench import bxml, tokens
from workbench.simulator import mixing, routes
from workbench.simulator.calls import TRANSITIONS, State
from workbench.simulator.effects import Refusal
from workbench.simulator.rules import RULES

NUMBERS = [*(f"+1919555012{digit}" for digit in range(5)), "sip:alice@example.com"]
SCRIPTS = st.sampled_from(
    [
        {},
        {"busy": True},
        {"reject": True},
        {"answer": False},
        {"hangup_after": 3},
        {"ring_seconds": 0.1},
        {"by_hand": True},
        {"refuses_with": 503},
        {"refer_answer": 405},
        {"says": "Hello there."},
        {"answered_by": "answering-machine"},
    ]
)
SERVERS = ["wss://app.test/yes", "wss://app.test/no", "wss://app.test/silent"]
BRIDGE_URLS = {"bridge_complete_url": "/complete", "bridge_target_complete_url": "/target"}


def target(address: str, **attributes: Any) -> bxml.PhoneNumber | bxml.SipUri:
    """A Transfer's target at a number or SIP URI."""
    kind = bxml.SipUri if address.startswith("sip:") else bxml.PhoneNumber
    return kind(address, **attributes)


class Platform(RuleBasedStateMachine):
    """Anybody does anything, in any order."""

    @initialize(seed=st.randoms(use_true_random=False))
    def start(self, seed: Any) -> None:
        self.choose = seed.choice
        self.rig = Rig()
        self.rig.answers = dict.fromkeys(("initiate", "answer", "redirect", "gather", "transferAnswer", "transferComplete"), self.answer)
        self.rig.answers |= dict.fromkeys(("bridgeComplete", "bridgeTargetComplete", "recordComplete"), self.answer)
        self.rig.answers |= {"conferenceMemberJoin": self.room, "conferenceCreated": self.room}
        self.rig.sockets = {"wss://app.test/no": "refused", "wss://app.test/silent": False}
        self.rig.audio = {f"{BASE}/song.wav": 2.0}
        self.session, _ = self.rig.browser()

    def room(self, _: Mapping[str, Any]) -> Any:
        return self.choose([None, bxml.SpeakSentence("Hello."), bxml.Pause(1), 500])

    def answer(self, body: Mapping[str, Any]) -> Any:
        return self.choose([self.document, self.document, self.document, self.document, lambda: 500, lambda: -1, lambda: "<Oops"])()

    def document(self) -> list[bxml.Verb]:
        return [self.verb() for _ in range(self.choose([0, 1, 1, 2, 3]))]

    def verb(self) -> bxml.Verb:
        calls = list(self.rig.engine.calls) or ["c-none"]
        number = self.choose(NUMBERS)
        return self.choose(
            [
                lambda: bxml.Pause(self.choose([0.1, 5, 100])),
                lambda: bxml.SpeakSentence("A sentence."),
                lambda: bxml.Ring(2),
                lambda: bxml.PlayAudio(f"{BASE}/{self.choose(['song.wav', 'song.ogg'])}"),
                lambda: bxml.Hangup(),
                lambda: bxml.Redirect("/redirect"),
                lambda: bxml.StartStream(destination=self.choose(SERVERS), name=self.choose("ab"), tracks=self.choose(["inbound", "both"])),
                lambda: bxml.StopStream(self.choose("ab"), wait=self.choose([True, False])),
                lambda: bxml.StartTranscription(self.choose("ab"), destination=self.choose([None, *SERVERS]), stabilized=False),
                lambda: bxml.StopTranscription(self.choose([None, "a"])),
                lambda: bxml.Gather(gather_url="/gather"),
                lambda: bxml.Record(record_complete_url="/recordComplete", max_duration=self.choose([1, 60]), silence_timeout=2),
                lambda: bxml.StartRecording(transcribe=True, multi_channel=True, recording_available_url="/available"),
                lambda: self.choose([bxml.PauseRecording(), bxml.ResumeRecording(), bxml.StopRecording()]),
                lambda: bxml.Gather(max_digits=1),
                lambda: bxml.StartGather("/keys"),
                lambda: bxml.Forward(number),
                lambda: bxml.Forward(NUMBER, diversion_treatment="stack"),
                lambda: bxml.Refer(bxml.SipUri("sip:bob@example.com"), refer_complete_url=self.choose([None, "/refer"])),
                lambda: bxml.SendDtmf("12"),
                lambda: bxml.Conference(self.choose(["one", "two"]), conference_event_url="/room"),
                lambda: bxml.Bridge(self.choose(calls), **BRIDGE_URLS),
                lambda: bxml.Transfer([target(number, transfer_answer_url="/screen")], transfer_complete_url="/t"),
                lambda: bxml.Transfer([target(number), target(self.choose(NUMBERS), transfer_disconnect_url="/d")]),
                lambda: bxml.Transfer([bxml.PhoneNumber(NUMBER)], transfer_complete_url="/t"),
                lambda: (
                    bxml.Transfer([bxml.SipUri(tokens.INTERCONNECT, uui=self.rig.uui(self.session))], call_timeout=5)
                    if len(self.rig.engine.session(self.session).participants) < 20
                    else bxml.Hangup()
                ),
            ]
        )()

    def attempt(self, action: Any) -> None:
        rule = "request.field"
        try:
            action()
        except Refusal as refusal:
            rule = refusal.rule
        assert rule in RULES
        self.rig.settle()

    @rule(number=st.sampled_from(NUMBERS), script=SCRIPTS)
    def script(self, number: str, script: dict[str, Any]) -> None:
        self.attempt(lambda: self.rig.engine.configure_phone(number, script))

    @rule(number=st.sampled_from(NUMBERS))
    def dial(self, number: str) -> None:
        self.attempt(lambda: self.rig.dial(number))

    @rule(to=st.sampled_from([*NUMBERS, NUMBER]))
    def create(self, to: str) -> None:
        self.attempt(lambda: self.rig.call(to, "call"))

    @rule(to=st.sampled_from([*NUMBERS, NUMBER]), mode=st.sampled_from(["sync", "async"]))
    def detect(self, to: str, mode: str) -> None:
        self.attempt(lambda: self.rig.call(to, "call", machineDetection={"mode": mode, "callbackUrl": f"{BASE}/found"}))

    @rule(number=st.sampled_from(NUMBERS), action=st.sampled_from(["phone_answer", "phone_reject", "phone_hangup"]))
    def handle(self, number: str, action: str) -> None:
        self.attempt(lambda: getattr(self.rig.engine, action)(self.rig.now, number))

    @rule(data=st.data(), error=st.sampled_from([None, "broken"]), text=st.sampled_from(["", '{"eventType":"clear"}']))
    def use_socket(self, data: st.DataObject, error: str | None, text: str) -> None:
        if self.rig.opened:
            number = data.draw(st.sampled_from(self.rig.opened)).connection_id
            self.attempt(lambda: self.rig.engine.stream_message(self.rig.now, number, text))
            self.attempt(lambda: self.rig.engine.stream_closed(self.rig.now, number, error))

    @rule(number=st.sampled_from(NUMBERS))
    def press(self, number: str) -> None:
        self.attempt(lambda: self.rig.engine.phone_keys(self.rig.now, number, "1"))

    @rule(number=st.sampled_from(NUMBERS))
    def speak(self, number: str) -> None:
        self.attempt(lambda: self.rig.engine.phone_say(self.rig.now, number, "One moment, please."))

    @rule(data=st.data())
    def press_on_device(self, data: st.DataObject) -> None:
        if self.rig.engine.devices:
            device = data.draw(st.sampled_from(list(self.rig.engine.devices)))
            self.attempt(lambda: self.rig.engine.device_keys(self.rig.now, device, "12"))

    @rule(data=st.data())
    def update(self, data: st.DataObject) -> None:
        if self.rig.engine.calls:
            call = data.draw(st.sampled_from(list(self.rig.engine.calls)))
            change = data.draw(st.sampled_from([{"state": "completed"}, {"redirectUrl": f"{BASE}/redirect"}]))
            self.attempt(lambda: self.rig.engine.update_call(self.rig.now, call, change))

    @rule(data=st.data())
    def end_conference(self, data: st.DataObject) -> None:
        if self.rig.engine.conferences:
            conference = data.draw(st.sampled_from(list(self.rig.engine.conferences)))
            self.attempt(lambda: self.rig.engine.update_conference(self.rig.now, conference, {"status": "completed"}))

    @rule(data=st.data())
    def replace(self, data: st.DataObject) -> None:
        if self.rig.engine.calls:
            call = data.draw(st.sampled_from(list(self.rig.engine.calls)))
            document = bxml.Bxml(self.document()).to_bxml().encode()
            self.attempt(lambda: self.rig.engine.update_call_bxml(self.rig.now, call, document))

    @rule(data=st.data(), change=st.sampled_from([{"mute": True}, {"hold": True}, {"mute": False, "hold": False}]))
    def change_member(self, data: st.DataObject, change: dict[str, Any]) -> None:
        members = list(self.rig.engine.in_conference.items())
        if members:
            call, conference = data.draw(st.sampled_from(members))
            self.attempt(lambda: self.rig.engine.update_member(self.rig.now, conference.conference_id, call, change))

    @rule(data=st.data())
    def say(self, data: st.DataObject) -> None:
        if self.rig.engine.conferences:
            conference = data.draw(st.sampled_from(list(self.rig.engine.conferences)))
            document = b"<Bxml><SpeakSentence>News.</SpeakSentence></Bxml>"
            self.attempt(lambda: self.rig.engine.update_conference_bxml(self.rig.now, conference, document))

    @rule(data=st.data())
    def delete_participant(self, data: st.DataObject) -> None:
        others = [item.id for item in self.rig.engine.participants.values() if item.tag == "phone side"]
        if others:
            participant = data.draw(st.sampled_from(others))
            self.attempt(lambda: self.rig.engine.delete_participant(self.rig.now, participant))

    @rule(seconds=st.sampled_from([0.1, 1, 7, 40]))
    def wait(self, seconds: float) -> None:
        self.rig.advance(seconds)

    @invariant()
    def links_join_the_living(self) -> None:
        engine = self.rig.engine
        for call_id, link in engine.links.items():
            assert engine.calls[call_id].active
            assert call_id in {link.a, link.b, *link.ringing}
            if link.joined:
                assert engine.calls[link.a].answered and engine.calls[link.b or ""].answered

    @invariant()
    def conferences_hold_the_living(self) -> None:
        engine = self.rig.engine
        for conference in engine.conferences.values():
            assert len(conference.members) <= 20
            assert all(engine.calls[call_id].answered for call_id in conference.members)
            assert (conference.completed_time is None) == bool(conference.members)

    @invariant()
    def streams_belong_to_the_living(self) -> None:
        engine = self.rig.engine
        for call_id, streams in engine.streams.items():
            assert engine.calls[call_id].active and streams
            for transcribes in (True, False):
                own = [stream for stream in streams if stream.transcribes is transcribes]
                assert sum(len(stream.tracks) for stream in own) <= 4
                assert len({stream.name for stream in own}) == len(own)
        connected = [stream for streams in engine.streams.values() for stream in streams if stream.connection is not None]
        assert set(engine.connections) == {stream.connection for stream in connected}

    @invariant()
    def recordings_are_of_the_living(self) -> None:
        engine = self.rig.engine
        running = {recording.recording_id for recording in (*engine.started_recordings.values(), *engine.record_verbs.values())}
        assert running == {one.recording_id for one in engine.recordings.values() if one.end_time is None}
        assert all(engine.calls[call_id].answered for call_id in engine.record_verbs)
        assert all(one.seconds(engine.now) >= 0 for one in engine.recordings.values())

    @invariant()
    def nobody_is_stuck(self) -> None:
        engine = self.rig.engine
        for call in engine.calls.values():
            waits = (
                any(not timer.cancelled for timer in call.timers) or call.call_id in engine.links or call.call_id in engine.in_conference
            )
            waits |= any(stream.turn == call.turn for stream in engine.streams.get(call.call_id, ()))
            assert waits or not call.active or call.state is State.QUEUED

    @invariant()
    def nobody_ends_twice(self) -> None:
        ended = Counter(happening.data["callId"] for happening in self.rig.happenings if happening.kind == "ended")
        assert set(ended.values()) <= {1}
        assert set(ended) == {call.call_id for call in self.rig.engine.calls.values() if not call.active}

    @invariant()
    def one_completion_for_each_bridge(self) -> None:
        parted = sum(h.kind == "parted" and h.data["verb"] == "Bridge" for h in self.rig.happenings)
        firsts = {
            (w.body["eventType"], w.body["callId"], w.body["eventTime"], w.seq) for w in self.rig.webhooks if w.rule.startswith("bridge.")
        }
        told = [event for event, *_ in firsts]
        failed = sum(h.kind == "bridgeFailed" for h in self.rig.happenings)
        assert len(told) == parted + failed

    @invariant()
    def nobody_hears_himself(self) -> None:
        for listener, others in self.rig.hears().items():
            assert listener not in others

    @invariant()
    def ears_hear_the_parties_that_the_matrix_has(self) -> None:
        engine, heard = self.rig.engine, {}
        for ear, sources in routes.routes(engine).items():
            assert ear.party not in sources and len(set(sources)) == len(sources)
            heard.setdefault(ear.party, set()).update(sources)
        parties = {party.id for party in mixing.parties(engine)}
        for party, others in mixing.hears(engine).items():
            assert heard.pop(party, set()) & parties == set(others)
        # Those who are heard by nobody yet: callers that hear ring back.
        assert all(sources <= engine.sounds.keys() for sources in heard.values())

    @invariant()
    def no_sound_outlives_its_source(self) -> None:
        engine = self.rig.engine
        for source, sound in engine.sounds.items():
            assert sound.until is None or sound.until >= sound.began
            call, conference = engine.calls.get(source), engine.conferences.get(source)
            assert call is None or call.active
            assert conference is None or conference.verb is not None
            assert call or conference or source in engine.on_phone or source in engine.participants
        assert all(engine.calls[call_id].answered for call_id in engine.speech)
        assert len({sound.number for sound in engine.sounds.values()}) == len(engine.sounds)

    def teardown(self) -> None:
        if not hasattr(self, "rig"):
            return
        engine = self.rig.engine
        self.rig.answers = {}
        for call_id in list(engine.calls):
            if engine.calls[call_id].active:
                self.attempt(lambda call_id=call_id: engine.update_call(self.rig.now, call_id, {"state": "completed"}))
        # Forwarded calls are out of the application's hands.
        while engine.on_phone:
            engine.phone_hangup(self.rig.now, next(iter(engine.on_phone)))
            self.rig.settle()
        self.rig.idle()
        assert not (engine.links or engine.in_conference or engine.rooms or engine.wires or engine.on_phone or engine.sip_legs)
        assert not (engine.key_hooks or engine.pressed or engine.detections or engine.detecting)
        assert all(call.verb is None and not call.program and not TRANSITIONS[call.state] for call in engine.calls.values())
        assert not (engine.started_recordings or engine.record_verbs)
        assert all(recording.status == "complete" for recording in engine.recordings.values())
        assert not engine.sounds or engine.sounds.keys() <= engine.participants.keys()
        assert not (engine.deliveries or engine.streams or engine.connections or engine.speech)


Platform.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPlatform = Platform.TestCase
