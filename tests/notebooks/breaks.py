"""Every idea of the lessons, broken on purpose: a change to one cell, and the check that must notice.

`says` is the beginning of the check's message, so that each break belongs to one check. The change is made in the step of that check,
unless `at` names an earlier one: there `old`, found in exactly one code cell, is replaced by `new`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    """A change of a lesson, and the check that must fail."""

    step: str
    says: str
    old: str
    new: str
    at: str = ""


def handler(mode: str, event: str, answer: str, before: str = "") -> str:
    """A cell's handler, before a line."""
    return f"@wb.{mode}.on({event!r})\ndef broken(event, flow):\n    return {answer}\n\n\n{before}"


NOTHING_LEFT = Break("tidy", "no call, participant, session", "wb.close()", "pass")
DEAF = 'wb.local.disconnect(wb.participant("browser"))'
TO_BROWSER = "flow.connect_verb(flow.participant(){})"
DESTINATION = "bxml.Transfer([bxml.SipUri(wb.interconnect, uui=flow.participant().uui{})])"
COMPLETE = ', transfer_complete_url=flow.url("transferComplete")'
ASKED_TWICE = handler("transfer", "transferAnswer", "[]") + handler(
    "transfer", "{}", DESTINATION.format(", transfer_answer_url=flow.url('transferAnswer')")
)
# the leg that stays is hung up
NO_WAITING = handler("bridge", "bridgeTargetComplete", "bxml.Hangup()")

UNCHANGED = 'wb.transfer.redirect("phone", [bxml.SpeakSentence("We changed the call."), bxml.Pause(60)])\nawait wb.wait_for("redirect")'

TRANSFER = [
    Break(
        "step-01",
        "the platform must ask our callback server",
        "wb.ping()",
        "wb.local.application(wb.settings.application_id, callInitiatedCallbackUrl='http://127.0.0.1:9/')",
    ),
    Break("step-02", "a token names", 'side")\np1.claims', 'side")\np1 = type(p1)(p1.id, p1.name, p1.session_id, p2.token)'),
    Break("step-02", "two participants", 'wb.participant("phone side")', 'wb.participant("browser")'),
    Break("step-03", "the value says how", "uui = wb.uui(p2)", "uui = p2.token"),
    Break("step-03", "the platform takes 350", "uui = wb.uui(p2)", "uui = 'ab' * 100 + ';encoding=hex,' + wb.uui(p2)"),
    Break("step-03", "read back, the value", "uui = wb.uui(p2)", "uui = wb.uui(p1)"),
    Break("step-04", "what we build can be", "bxml.parse(document", "bxml.parse(bxml.Response(document.verbs * 2)"),
    Break("step-04", "exactly one destination", "uui=wb.uui(p2))]", "uui=wb.uui(p2)), bxml.PhoneNumber('+19195550111')]"),
    # the platform asks a second question
    Break("step-05", "one question is enough", "wb.transfer.take_inbound()", ASKED_TWICE.format("initiate") + "wb.transfer.take_inbound()"),
    Break(
        "step-05",
        "both directions",
        "wb.transfer.take_inbound()",
        handler("transfer", "initiate", "bxml.Pause(60)", "wb.transfer.take_inbound()"),
    ),
    Break("step-06", "nobody has replaced", 'wb.transfer.source("initiate")', handler("transfer", "initiate", "None")),
    # a phone that does not hang up
    Break("step-07", "both ends are down", 'phone.hangup()\n    await wb.wait_for("disconnect")', "pass"),
    # the call is changed before it ends
    Break(
        "step-07",
        "one webhook tells it",
        "phone.hangup()",
        "wb.transfer.redirect('phone')\n    await wb.wait_for('redirect')\n    phone.hangup()",
    ),
    # two calls instead of one
    Break(
        "step-07",
        "one call is ours",
        'legs = wb.transfer.calls()\n    phone.hangup()\n    await wb.wait_for("disconnect")',
        "phone.hangup()\n    await wb.wait_for('disconnect')\n    legs = wb.bridge.calls(wb.bridge.dial(wb.phone(5)))",
    ),
    # the order swapped
    Break(
        "step-08",
        "the phone is invited, then",
        "wb.transfer.dial(phone)",
        handler("transfer", "answer", f"[{TO_BROWSER.format('')}, bxml.SpeakSentence('Please wait.')]", "wb.transfer.dial(phone)"),
    ),
    Break("step-08", "and then they hear", "wb.transfer.dial(phone)", f"{DEAF}; wb.transfer.dial(phone)"),
    Break(
        "step-08", "we ended the call", 'wb.transfer.hangup("phone")', "wb.transfer.redirect('phone', '<Response><Nonsense/></Response>')"
    ),
    Break("hear", "the tone of each", "wb.transfer.dial(phone)", handler("transfer", "answer", "bxml.Pause(9)", "wb.transfer.dial(phone)")),
    Break("step-09", "the other side rang", "answer=False", "answer=True"),
    # a URL too many
    Break(
        "step-09",
        "without transferCompleteUrl nobody",
        "wb.transfer.dial(phone)",
        "wb.transfer.on('answer')(lambda event, flow: " + TO_BROWSER.format(COMPLETE) + ")\n    wb.transfer.dial(phone)",
    ),
    # a URL forgotten
    Break("step-10", "set transferCompleteUrl", COMPLETE, ""),
    Break(
        "step-10",
        "the answer to transferComplete is spoken",
        '@wb.transfer.on("answer")',
        handler("transfer", "transferComplete", "bxml.SpeakSentence('Goodbye.')", '@wb.transfer.on("answer")'),
    ),
    Break(
        "step-11",
        "the phone's call is still up",
        UNCHANGED,
        "wb.transfer.redirect('phone', bxml.Hangup())\nawait wb.wait_for('disconnect')",
    ),
    # nothing is changed
    Break("step-11", "nobody hears anybody", UNCHANGED, "pass"),
    Break("step-13", "the checker refuses", '.replace("</SpeakSentence>", "")', ""),
    Break("step-13", "what you sent is", "stop.send(mended)", "stop.send()"),
    Break("step-13", "the verbs are those", "stop.send(mended)", 'stop.send([bxml.SpeakSentence("Done by hand."), bxml.Pause(9)])'),
    Break("step-11", "any change to a Transfer", UNCHANGED, DEAF),
    Break("step-12", "the private number", ", transfer_caller_id=wb.number", ""),
    Break("step-12", "the courier sees", "transfer_caller_id=wb.number", "transfer_caller_id='+19195550101'"),
]

BRIDGE = [
    Break("step-01", "two calls, two ids", 'wb.bridge.dial_phone(phone, flow, tag="phone side")', "webrtc_leg"),
    # the phone calls us
    Break(
        "step-01",
        "we placed both",
        'phone_leg = wb.bridge.dial_phone(phone, flow, tag="phone side")',
        "wb.bridge.take_inbound()\nphone.dial(wb.number)\nawait wb.wait_for('initiate')\nphone_leg = wb.bridge.flow.leg('phone')",
    ),
    Break("step-02", "whoever answers first", "if wb.only_classic", handler("bridge", "answer", "bxml.Ring(60)", "if wb.only_classic")),
    # a phone that is answered at once
    Break("step-02", "nobody hears anybody yet", "by_hand=True", "by_hand=False", at="step-01"),
    Break("step-03", "the second to answer", 'wb.bridge.source("answer")', handler("bridge", "answer", "wb.bridge.wait()")),
    Break("step-03", "now both hear", 'wb.bridge.source("answer")', DEAF),
    # the roles swapped
    Break(
        "step-03",
        "the platform remembers who ran",
        "second.leg, second.verbs",
        "wb.bridge.join('webrtc', 'phone')\nawait wb.wait_for('redirect')\nawait wb.until_joined('phone', 'browser')",
    ),
    Break("step-04", "the same two answers", "ring_seconds=0.05", "ring_seconds=1.0"),
    Break("step-04", "the same people", "phone.set(ring_seconds=1.0)", f"{DEAF}"),
    Break(
        "step-05",
        "in parallel nobody waits",
        "with wb.local.clock.still():",
        "phone.set(ring_seconds=0.0)\n    with wb.local.clock.still():",
    ),
    # the phone itself takes longer
    Break(
        "step-05",
        "an early leg costs",
        "wb.bridge.dial(phone, plan)",
        "wb.bridge.dial(phone.set(ring_seconds=3.0 if plan == 'early' else 1.0), plan)",
    ),
    # bridged, parted, and bridged again
    Break(
        "step-06",
        "exactly one of the two",
        'wb.bridge.hangup("phone")',
        "wb.bridge.announce('phone', 'One moment.')\nawait wb.wait_for('bridgeTargetComplete')\nwb.bridge.join('phone', 'webrtc')\n"
        "await wb.until_joined('phone', 'browser')\nwb.bridge.hangup('phone')",
    ),
    # the other side hangs up
    Break(
        "step-06",
        "it goes to the leg that stays",
        'wb.bridge.hangup("phone")\nawait wb.wait_for("disconnect", leg="phone")\nif wb.classic:\n'
        '    await wb.wait_for("bridgeTargetComplete", leg="webrtc")',
        "wb.bridge.hangup('webrtc')\nawait wb.wait_for('disconnect', leg='webrtc')\nawait wb.wait_for('bridgeComplete', leg='phone')",
    ),
    # a wrong handler
    Break(
        "step-06",
        "the WebRTC leg is still up",
        'wb.bridge.hangup("phone")',
        handler(
            "bridge", "bridgeTargetComplete", "bxml.Hangup()", "wb.bridge.hangup('phone')\nawait wb.wait_for('disconnect', leg='webrtc')"
        ),
    ),
    # a new leg for each caller
    Break("step-07", "the same WebRTC call", "wb.bridge.swap(caller)", "flow.close()\n    flow = wb.bridge.dial(caller)"),
    Break("step-07", "one call for WebRTC", "for caller in callers:", "for caller in callers[:1]:"),
    # no announcement
    Break(
        "step-08",
        "during the announcement",
        'wb.bridge.announce(caller, "This is for you alone.")\nawait wb.wait_for("redirect", leg=caller)\n'
        'if wb.classic:\n    await wb.wait_for("bridgeTargetComplete", leg="webrtc")\n',
        "",
    ),
    # the WebRTC leg is replaced
    Break(
        "step-08",
        "the WebRTC call is the same",
        'wb.bridge.join(caller, "webrtc")\nawait wb.wait_for("redirect", leg=caller)\n',
        "wb.bridge.hangup('webrtc')\nawait wb.wait_for('disconnect', leg='webrtc')\n"
        "wb.bridge.dial_webrtc(flow)\nawait wb.wait_for('answer', leg='webrtc')\n",
    ),
    Break(
        "step-08",
        "and it was up all the time",
        'wb.bridge.join(caller, "webrtc")\nawait wb.wait_for("redirect", leg=caller)\n',
        "wb.bridge.hangup('webrtc')\nawait wb.wait_for('disconnect', leg='webrtc')\n",
    ),
    Break("step-08", "together again", 'wb.bridge.join(caller, "webrtc")\nawait wb.wait_for("redirect", leg=caller)\n', ""),
    # the caller before stays
    Break("hear", "after each swap", "wb.bridge.swap(next_caller)", "pass"),
    # the call has ended instead of ringing
    Break(
        "step-09",
        "the failure tells its reason",
        "wb.bridge.dial_phone(phone, failing)",
        "ringing.hangup()\n    wb.bridge.dial_phone(phone, failing)",
    ),
    # a wrong handler
    Break(
        "step-09",
        "the caller is still up",
        'told = await wb.wait_for("bridgeComplete", flow=failing)',
        "wb.bridge.on('bridgeComplete')(lambda event, flow: bxml.Hangup())\n"
        "    told = await wb.wait_for('bridgeComplete', flow=failing)\n    await wb.wait_for('disconnect', leg='phone', flow=failing)",
    ),
    # the URL is not forgotten
    Break(
        "step-10",
        "nobody asked us",
        "return bxml.Bridge(waiting.id)",
        "wb.bridge.on('bridgeTargetComplete')(lambda event, flow: bxml.Hangup())\n    return wb.bridge.bridge(waiting)",
    ),
    # nobody leaves
    Break(
        "step-10", "without bridgeTargetCompleteUrl", 'wb.bridge.hangup(runner)\n    await wb.wait_for("disconnect", leg=target)', "pass"
    ),
    Break("step-11", "Bridge takes more ", "costs = wb.compare", ASKED_TWICE.format("answer") + "costs = wb.compare"),
    # nothing is changed
    Break("step-11", "a change to the call", '"announce phone", "back phone"', '"mute phone", "unmute phone"'),
    Break("step-11", "a Bridge lets one leg", "costs = wb.compare", NO_WAITING + "costs = wb.compare"),
    Break("step-12", "the recorded webhooks", "mended = wb.replay", 'wb.bridge.on("answer")(forgetful)\nmended = wb.replay'),
]

CONFERENCE = [
    Break("step-01", "our handler named", "wb.conference.start()", "wb.conference.start(name='lobby')"),
    # two callers at once
    Break(
        "step-01",
        "one member so far",
        "room = wb.conference.start()",
        "room = wb.conference.dial(wb.phone())\nawait wb.wait_for('conferenceMemberJoin', leg='phone')",
    ),
    Break(
        "step-02",
        "two members",
        "wb.conference.add(phone)",
        "wb.conference.add(wb.phone(2))\nawait wb.wait_for('conferenceMemberJoin', leg='phone 2')\nwb.conference.add(phone)",
    ),
    # no greeting
    Break(
        "step-02",
        "WebRTC enters, the phone is greeted",
        "wb.conference.add(phone)",
        handler("conference", "answer", "flow.enter()", "wb.conference.add(phone)"),
    ),
    Break("step-02", "phone and browser hear", "wb.conference.add(phone)", f"{DEAF}\nwb.conference.add(phone)"),
    Break("step-03", "every pair is connected", "wb.hears() if wb.local", "wb.conference.mute('phone 2') if wb.local"),
    Break(
        "step-04",
        "one call fewer",
        'wb.conference.remove("phone 2")',
        "wb.conference.remove('phone 3')\n    await wb.wait_for('disconnect', leg='phone 3')\n    wb.conference.remove('phone 2')",
    ),
    # mute, hold and coach forgotten
    Break("step-05", "muted: nobody hears", 'wb.conference.mute("phone")\n', "pass\n"),
    Break("step-05", "on hold: neither", 'wb.conference.hold("phone")\n', "pass\n"),
    Break(
        "step-05",
        "coaching: only the coached",
        'wb.conference.coach("phone 3", ["phone"])',
        "wb.conference.coach('phone 3', ['phone', 'webrtc'])",
    ),
    # one on hold, mute and coach forgotten
    Break("hear", "three voices", "phone.set(tone=440.0)", "wb.conference.hold('phone 3')"),
    Break("hear", "muted: measured", 'wb.conference.mute("phone")\n', "pass\n"),
    Break("hear", "coaching: measured", 'wb.conference.coach("phone 3", ["phone"])', "pass"),
    # wrong handlers
    Break("step-06", "an allowed answer is spoken", 'return bxml.SpeakSentence("Welcome, phone 2.")', "return None"),
    Break("step-06", "one wrong verb refuses", ", bxml.Pause(1)]", "]"),
    Break(
        "step-06",
        "and the room goes on",
        "wb.local.clock.run_to_idle()",
        "wb.local.clock.run_to_idle()\n    wb.conference.remove('phone 4')\n    await wb.wait_for('disconnect', leg='phone 4')",
    ),
    # one leaves the full room; and comes back
    Break(
        "step-07",
        "twenty calls, the WebRTC leg",
        'refused = await wb.wait_for("disconnect")',
        "refused = await wb.wait_for('disconnect')\n        wb.conference.remove('phone 5')",
    ),
    Break(
        "step-07",
        "the one too many",
        'refused = await wb.wait_for("disconnect")',
        "wb.local.clock.run_to_idle()\n        wb.conference.remove('phone 3')\n"
        "        refused = await wb.wait_for('disconnect', leg='phone 3')\n"
        "        wb.conference.add(wb.phone(3))\n        wb.local.clock.run_to_idle()",
    ),
    # the clock is not moved far enough
    Break("step-08", "after 9 hours", "advance(10 * 3600)", "advance(8 * 3600)"),
    Break("step-08", "after 24 hours", "advance(14 * 3600)", "advance(13 * 3600)"),
    # nobody leaves between
    Break(
        "step-09",
        "a new life of the name",
        'lives = []\nfor _ in range(2):\n    if wb.classic:\n        wb.conference.start(name="same-name")\n',
        "wb.conference.start(name='same-name')\n"
        "lives = [(await wb.wait_for('conferenceCreated')).data['conferenceId']]\nfor _ in range(1):\n    if wb.classic:\n        pass\n",
    ),
    Break("step-10", "then the document was", "goodbye] if", "goodbye, bxml.Redirect('http://127.0.0.1:9/')] if"),
    Break("step-10", "the verb after Conference ran", "[flow.enter(), goodbye] if", "flow.enter() if"),
    Break("step-11", "every situation has an answer", '    "three browsers and no telephone": "?",\n', "", at="step-00"),
    Break(
        "step-11", "guess one of the four", "guesses = dict(SITUATIONS)", "guesses = dict.fromkeys(SITUATIONS, 'Telephone')", at="step-00"
    ),
    Break("step-12", "each step of freedom", 'story="support call"', "'conference', 'bridge', 'transfer', story='support call'"),
    Break("step-12", "a Transfer is one call", "costs = wb.compare", ASKED_TWICE.format("answer") + "costs = wb.compare"),
    Break("step-12", "an announcement breaks", 'story="support call"', "story={'moments': ['mute', 'unmute', 'mute']}"),
    Break("step-12", "and no Bridge", "costs = wb.compare", NO_WAITING + "costs = wb.compare"),
    # the caller leaves, and nobody comes
    Break("step-12", "a Transfer ends with", 'story="support call"', "story={'moments': ['announce', 'back', 'leave']}"),
    # it waits once, and not again
    Break(
        "step-12",
        "a WebRTC leg in a Bridge",
        "costs = wb.compare",
        "left = []\n"
        + handler("bridge", "bridgeTargetComplete", "bxml.Hangup() if left or left.append(1) else wb.bridge.wait()", "costs = wb.compare"),
    ),
]

BREAKS = {"01_transfer": [*TRANSFER, NOTHING_LEFT], "02_bridge": [*BRIDGE, NOTHING_LEFT], "03_conference": [*CONFERENCE, NOTHING_LEFT]}
