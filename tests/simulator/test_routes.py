"""Whose sound goes where: for every ear the sources it hears."""

from __future__ import annotations

import json
from base64 import b64encode

from tests.simulator.rig import BASE, NUMBER, PHONE, PHONE_2, Rig
from workbench import bxml, tokens
from workbench.simulator import mixing, routes
from workbench.simulator.routes import Ear, Published


def test_a_phone_hears_what_is_said_to_its_call_and_then_nothing():
    rig = Rig(answer=[bxml.SpeakSentence("Hello, who is there?"), bxml.Pause(5)])
    call = rig.call(PHONE, "A")
    rig.advance(1.1)
    assert routes.routes(rig.engine) == {Ear(PHONE): (call,)}
    rig.advance(2)
    assert routes.routes(rig.engine) == {Ear(PHONE): ()}


def test_a_caller_hears_ring_back_until_it_is_answered():
    rig = Rig(initiate=[bxml.Ring(3, answer_call=False), bxml.Pause(2), bxml.SpeakSentence("Hello.")])
    call = rig.dial(PHONE)
    rig.advance(4)
    assert rig.engine.sounds[call].kind == "ring"
    assert routes.routes(rig.engine) == {Ear(PHONE): (call,)}
    rig.advance(1.1)
    assert rig.engine.sounds[call].kind == "speech"


def test_a_call_does_not_hear_what_is_said_to_the_one_it_is_joined_with():
    rig = Rig(answer=bxml.Transfer([bxml.PhoneNumber(PHONE_2)]))
    a = rig.call(PHONE, "A")
    rig.advance(1.5)
    assert routes.routes(rig.engine) == {Ear(PHONE): (a,)}
    rig.idle()
    assert routes.routes(rig.engine) == {Ear(PHONE): (PHONE_2,), Ear(PHONE_2): (PHONE,)}
    b = rig.engine.on_phone[PHONE_2]
    rig.engine.play(b, "speech", 2.0, text="For B alone.")
    assert routes.routes(rig.engine) == {Ear(PHONE): (PHONE_2,), Ear(PHONE_2): (b, PHONE)}


def test_a_browser_has_an_ear_for_each_participant_it_hears():
    rig = Rig(answer=lambda body: bxml.SpeakSentence("Hello.") if body["to"].startswith("sip") else None)
    session, browser = rig.browser()
    leg = rig.call(tokens.INTERCONNECT, "leg", uui=rig.uui(session))
    rig.advance(0.3)
    (ear,) = routes.ears(rig.engine, browser)
    assert ear.party == browser and ear.stream in routes.streams(rig.engine, browser)
    assert routes.routes(rig.engine)[ear] == (leg,)
    assert mixing.hears(rig.engine)[browser] == []


def test_the_tracks_of_a_call_are_its_far_end_and_what_that_hears():
    rig = Rig(answer=bxml.Transfer([bxml.PhoneNumber(PHONE_2)]))
    rig.call(PHONE, "A")
    rig.idle()
    a = rig.engine.calls[rig.engine.on_phone[PHONE]]
    assert routes.track(rig.engine, a, "inbound") == (PHONE,)
    assert routes.track(rig.engine, a, "outbound") == (PHONE_2,)
    assert NUMBER not in rig.engine.on_phone


def test_streams_are_named_by_whom_they_come_from_and_have_the_alias_of_a_device():
    rig = Rig(answer=lambda body: bxml.Pause(60))
    session, browser = rig.browser()
    other, token = rig.engine.create_participant(rig.now, {})
    rig.engine.add_participant(rig.now, session, other.id, {"sessionId": session})
    device = rig.engine.connect_device(rig.now, token)
    rig.engine.publish_audio(rig.now, device.id, True, "microphone")
    leg = rig.call(tokens.INTERCONNECT, "leg", uui=rig.uui(session))
    assert list(routes.streams(rig.engine, browser)) == [other.id], "a leg that rings publishes nothing"
    rig.advance(1)
    side = rig.engine.sip_legs[leg].id
    found = routes.streams(rig.engine, browser)
    assert found == {other.id: Published(other.id, alias="microphone"), side: Published(side, leg)}
    rig.engine.publish_audio(rig.now, device.id, False)
    assert list(routes.streams(rig.engine, browser)) == [side]


def test_a_subscription_to_an_alias_is_to_the_stream_that_is_published_by_it():
    rig = Rig(answer=lambda body: bxml.Pause(60))
    session, browser = rig.browser()
    other, token = rig.engine.create_participant(rig.now, {})
    rig.engine.add_participant(rig.now, session, other.id, {"sessionId": session})
    device = rig.engine.connect_device(rig.now, token)
    leg = rig.call(tokens.INTERCONNECT, "leg", uui=rig.uui(session))
    rig.advance(1)
    side = rig.engine.sip_legs[leg].id

    def heard(*aliases: str) -> list[str]:
        named = [{"participantId": one, "streamAliases": list(aliases)} for one in (other.id, side)]
        rig.engine.set_subscriptions(rig.now, session, browser, {"participants": named})
        found = list(routes.streams(rig.engine, browser))
        assert [ear.stream for ear in routes.ears(rig.engine, browser)] == found
        return found

    for alias, takes in (("mic", ["mic"]), (None, [])):
        rig.engine.publish_audio(rig.now, device.id, True, alias)
        assert heard() == [other.id, side]
        assert [one for one in ("mic", "screen") if other.id in heard(one)] == takes
        # A phone's stream has no alias.
        assert side not in heard("mic")
        assert heard("screen", "mic") == ([other.id] if takes else [])


def test_a_leg_hears_by_alias_too():
    rig = Rig(answer=lambda body: bxml.Pause(60))
    session, browser = rig.browser()
    leg = rig.call(tokens.INTERCONNECT, "leg", uui=rig.uui(session))
    rig.advance(1)
    call, side = rig.engine.calls[leg], rig.engine.sip_legs[leg].id
    rig.engine.set_subscriptions(rig.now, session, side, {"participants": [{"participantId": browser, "streamAliases": ["mic"]}]})
    assert routes.track(rig.engine, call, "inbound") == ()
    rig.engine.publish_audio(rig.now, rig.engine.participants[browser].device_id, True, "mic")
    assert routes.track(rig.engine, call, "inbound") == (browser,)


def test_an_endpoint_has_an_ear_for_the_call_it_is_connected_with():
    rig = Rig()
    endpoint, _ = rig.endpoint()
    rig.answers["answer"] = bxml.Connect([bxml.Endpoint(endpoint)])
    assert routes.ears(rig.engine, endpoint) == {}
    call = rig.call(PHONE, "A")
    rig.advance(1)
    assert routes.routes(rig.engine) == {Ear(PHONE): (endpoint,), Ear(endpoint, call): (PHONE,)}
    assert routes.streams(rig.engine, endpoint) == {call: Published(None, call)}
    assert (routes.ears(rig.engine, "nobody"), routes.streams(rig.engine, "nobody")) == ({}, {})


def test_members_on_hold_hear_nothing_of_what_is_played_into_their_conference_and_muted_ones_do():
    rig = Rig(answer=bxml.Conference("room"))
    first, second = rig.call(PHONE, "A"), rig.call(PHONE_2, "B")
    rig.idle()
    room = rig.engine.in_conference[first].conference_id
    rig.engine.update_conference_bxml(rig.now, room, b"<Bxml><SpeakSentence>News for all.</SpeakSentence></Bxml>")
    assert routes.routes(rig.engine) == {Ear(PHONE): (room, PHONE_2), Ear(PHONE_2): (room, PHONE)}
    rig.engine.update_member(rig.now, room, second, {"mute": True})
    assert routes.routes(rig.engine) == {Ear(PHONE): (room,), Ear(PHONE_2): (room, PHONE)}
    rig.engine.update_member(rig.now, room, second, {"mute": False, "hold": True})
    assert routes.routes(rig.engine) == {Ear(PHONE): (room,), Ear(PHONE_2): ()}


def test_what_an_application_plays_on_a_stream_is_heard_at_the_far_end_of_its_call_alone():
    rig = Rig(
        answer=[
            bxml.StartStream(destination="wss://app.test/media", mode="bidirectional", name="s"),
            bxml.Transfer([bxml.PhoneNumber(PHONE_2)]),
        ]
    )
    rig.call(PHONE, "A")
    rig.idle()
    (stream,) = rig.opened
    media = {"contentType": "audio/pcmu", "payload": b64encode(bytes(8000)).decode()}
    rig.engine.stream_message(rig.now, stream.connection_id, json.dumps({"eventType": "playAudio", "media": media}))
    found = routes.routes(rig.engine)
    assert found == {Ear(PHONE): (rig.engine.connections[stream.connection_id].stream_id, PHONE_2), Ear(PHONE_2): (PHONE,)}
    rig.advance(1.1)
    assert routes.routes(rig.engine) == {Ear(PHONE): (PHONE_2,), Ear(PHONE_2): (PHONE,)}


def test_both_halves_of_a_call_between_two_numbers_pass_on_what_is_said_to_the_other():
    rig = Rig(answer=bxml.Pause(60), initiate=[bxml.SpeakSentence("Welcome at the other number."), bxml.Pause(60)])
    rig.answers["redirect"] = bxml.Transfer([bxml.PhoneNumber(NUMBER)])
    call = rig.call(PHONE, "A")
    rig.advance(1)
    rig.engine.update_call(rig.now, call, {"redirectUrl": f"{BASE}/redirect"})
    rig.advance(0.1)
    inbound = next(one for one in rig.engine.calls.values() if one.direction == "inbound")
    assert routes.routes(rig.engine) == {Ear(PHONE): (inbound.call_id,)}
    assert mixing.hears(rig.engine) == {PHONE: []}
