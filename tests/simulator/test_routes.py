"""Whose sound goes where: for every ear the sources it hears."""

from __future__ import annotations

from tests.simulator.rig import NUMBER, PHONE, PHONE_2, Rig
from workbench import bxml, tokens
from workbench.simulator import mixing, routes
from workbench.simulator.routes import Ear


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
