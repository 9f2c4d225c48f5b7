"""One plain sentence per message, for an audience that never saw BXML. Pure.

Every kind of message has one: a name that is not in these tables is told by its kind alone.
"""

from __future__ import annotations

from typing import Protocol

# Lanes that are nobody's phone or browser.
_PARTIES = {
    "Programmable Voice": "Bandwidth",
    "this notebook": "our application",
    "WebRTC": "the browser's side",
    "webrtc": "the browser's side",
}
# What the platform asks; the rest it only tells.
_ASKS = {
    "initiate": "{who} is calling our number",
    "answer": "{who} has answered",
    "redirect": "{who} was sent to us for new instructions",
    "gather": "{who} has pressed keys",
    "recordComplete": "a message of {who} is recorded",
    "transferAnswer": "the one who is called has answered, and is not connected yet",
    "transferComplete": "the connection with {who} is over, and the call goes on",
    "bridgeComplete": "the one that {who} talked with has left",
    "bridgeTargetComplete": "the one that {who} talked with has left",
    "referComplete": "{who} was passed on to somebody else",
    "conferenceCreated": "the conference has begun",
    "conferenceMemberJoin": "somebody has joined the conference",
    "conferenceMemberExit": "somebody has left the conference",
    "conferenceRedirect": "the whole conference was sent to us for new instructions",
}
_TELLS = {
    "disconnect": "the call with {who} is over",
    "transferDisconnect": "the call that was made to connect {who} is over",
    "conferenceCompleted": "the conference is over",
    "connectStatus": "how the connection stands",
    "dtmf": "{who} has pressed a key",
    "machineDetectionComplete": "whether a person or a machine has answered",
    "recordingAvailable": "the recording can be fetched",
    "conferenceRecordingAvailable": "the recording of the conference can be fetched",
    "transcriptionAvailable": "the recording's words can be fetched",
    "mediaStreamStarted": "the sound of {who} is being passed on",
    "mediaStreamRejected": "the sound of {who} could not be passed on",
    "mediaStreamStopped": "the sound of {who} is no longer passed on",
    "realTimeTranscriptionStarted": "what {who} says is being written down",
    "realTimeTranscriptionRejected": "what {who} says cannot be written down",
    "realTimeTranscriptionStopped": "what {who} says is no longer written down",
    "realTimeTranscriptionAvailable": "what {who} said can be read",
    "onConnect": "a browser has come",
    "onLeave": "a browser has left",
    "onDisconnect": "a browser is gone",
    "eligible": "a browser can take calls now",
    "ineligible": "a browser can take no calls now",
    "outboundConnectionRequest": "a browser wants to be connected with somebody",
}
_REQUESTS = {
    "createCall": "Our application asks Bandwidth to call {who}.",
    "updateCall": "Our application asks Bandwidth to change the call with {who}.",
    "updateCallBxml": "Our application gives the call with {who} new instructions.",
    "getCallState": "Our application asks how the call with {who} stands.",
    "listCalls": "Our application asks which calls there are.",
    "createSession": "Our application opens a room where browsers can meet phones.",
    "getSession": "Our application asks how this room stands.",
    "deleteSession": "Our application closes the room where browsers meet phones.",
    "createParticipant": "Our application asks for an entry ticket for somebody who talks by browser.",
    "getParticipant": "Our application asks about somebody who talks by browser.",
    "deleteParticipant": "Our application takes back an entry ticket.",
    "addParticipantToSession": "Our application lets somebody into the room.",
    "removeParticipantFromSession": "Our application takes somebody out of the room.",
    "listSessionParticipants": "Our application asks who is in the room.",
    "getParticipantSubscriptions": "Our application asks whom somebody hears.",
    "updateParticipantSubscriptions": "Our application says who is to hear whom.",
    "getConference": "Our application asks who is in the conference.",
    "listConferences": "Our application asks which conferences there are.",
    "updateConference": "Our application changes the whole conference.",
    "updateConferenceBxml": "Our application has something said to the whole conference.",
    "getConferenceMember": "Our application asks how {who} takes part in the conference.",
    "updateConferenceMember": "Our application changes what {who} may hear or say in the conference.",
    "createEndpoint": "Our application asks for an entry ticket for somebody who talks by browser.",
    "deleteEndpoint": "Our application takes back an entry ticket.",
    "updateCallRecordingState": "Our application pauses or resumes the recording.",
    "transcribeCallRecording": "Our application asks for the words of a recording.",
    "getStatistics": "Our application asks how busy the account is.",
}
# Verbs as things to do.
_VERBS = {
    "SpeakSentence": "say a sentence",
    "PlayAudio": "play a sound",
    "Transfer": "call the other side and connect the two",
    "Bridge": "connect the two calls",
    "Conference": "go into the conference",
    "Connect": "connect with the browser",
    "Forward": "pass the call on",
    "Refer": "ask the caller's phone to call somebody else",
    "Pause": "wait",
    "Ring": "let it ring",
    "Hangup": "hang up",
    "Gather": "wait for keys to be pressed",
    "StartGather": "listen for keys from now on",
    "StopGather": "listen for keys no more",
    "SendDtmf": "send key tones",
    "Record": "record a message",
    "StartRecording": "begin to record",
    "StopRecording": "stop recording",
    "PauseRecording": "pause the recording",
    "ResumeRecording": "go on recording",
    "Redirect": "ask again for instructions",
    "StartStream": "pass the sound on as it comes",
    "StopStream": "pass the sound on no more",
    "StartTranscription": "write down what is said",
    "StopTranscription": "write down no more",
    "Tag": "mark the call",
}
_HAPPENED = {
    "arrived": "{Who} calls.",
    "invite": "Bandwidth calls {who}.",
    "ringing": "{Who} is ringing.",
    "answered": "{Who} answers.",
    "ended": "The call with {who} ends{why}.",
    "speak": "A voice says{said}",
    "play": "A recorded sound is played to {who}.",
    "phoneSays": "{Who} says{said}",
    "keys": "{Who} presses keys.",
    "sendDtmf": "Bandwidth sends key tones to {who}.",
    "referSent": "Bandwidth asks {who} to call somebody else itself.",
    "joined": "{Who} and {other} can now talk with each other.",
    "parted": "{Who} and {other} no longer hear each other.",
    "memberJoined": "{Who} is in the conference.",
    "memberLeft": "{Who} has left the conference.",
    "memberChanged": "In the conference, {who} {how}.",
    "recordingStarted": "What is said is recorded from now on.",
    "recordingEnded": "The recording ends.",
    "recordingPaused": "The recording pauses.",
    "recordingResumed": "The recording goes on.",
    "gatherStarted": "Bandwidth waits for {who} to press keys.",
    "machineDetected": "Bandwidth has found out whether a person or a machine has answered.",
    "forwarded": "Bandwidth passes the call on to somebody else.",
    "onConnect": "{Who} opens its page and can be heard.",
    "onLeave": "{Who} closes its page.",
    "onDisconnect": "{Who} is gone.",
    "connectionLost": "{Who} loses its connection.",
    "deviceReplaced": "{Who} goes on in another place.",
    "inviteRefused": "{Who} does not take the call.",
    "documentRefused": "Bandwidth does not understand our application's answer.",
    "webhookTimeout": "Our application took too long to answer, so Bandwidth goes on without it.",
    "webhookFailed": "Our application gave Bandwidth nothing that it could use.",
    "webhookLost": "A message from Bandwidth never reached our application.",
    "bridgeFailed": "The two calls could not be connected.",
    "transferRefused": "The call could not be connected with the other side.",
    "conferenceFull": "The conference is full.",
    "playFailed": "The sound could not be played.",
}
_CAUSES = {
    "hangup": "somebody has hung up",
    "busy": "the line is busy",
    "timeout": "nobody answered",
    "rejected": "the call was declined",
    "callback-error": "our application did not answer well",
    "invalid-bxml": "our application's answer was not understood",
    "cancel": "it was called off",
    "application-error": "our application made a mistake",
}
# What becomes of a member of a conference.
_MEMBERS = {
    "muted": "is muted: it hears, and is not heard",
    "unmuted": "can be heard again",
    "on hold": "is on hold: it neither hears nor is heard",
    "no longer on hold": "is back from hold",
    "coaches": "now speaks to some of the others only",
    "coaches nobody": "now speaks to everybody again",
}
_KINDS = {
    "request": "Our application asks Bandwidth for something.",
    "answer": "Bandwidth has done it.",
    "webhook": "Bandwidth tells our application that something has happened.",
    "reply": "Our application answers.",
    "error": "Something went wrong.",
    "sip": "Bandwidth and {who} arrange the call.",
    "media": "Something about the sound of {who} changes.",
    "device": "Something about the browser changes.",
}


class Told(Protocol):
    """A message of a ladder; see `workbench.messages.Message`."""

    @property
    def source(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def leg(self) -> str | None: ...
    @property
    def cause(self) -> str | None: ...
    @property
    def event(self) -> int | None: ...
    @property
    def note(self) -> str: ...


def sentence(message: Told) -> str:
    """What a message means, in one sentence."""
    words = _words(message)
    match message.kind:
        case "request":
            return _REQUESTS.get(message.name, _KINDS["request"]).format(**words)
        case "answer":
            return "Bandwidth has done it, and gives our application the ticket." if "token" in message.label else _KINDS["answer"]
        case "webhook":
            return _webhook(message, words)
        case "reply":
            return _reply(message.label)
        case "error" if message.event is not None:
            return _error(message)
    return _HAPPENED.get(message.name, _KINDS.get(message.kind, _KINDS["webhook"])).format(**words)


def who(lane: str) -> str:
    """A lane as one speaks of it: the phone, phone 2, the browser, Bandwidth, our application."""
    return _PARTIES.get(lane) or (f"the {lane}" if lane in ("phone", "browser") else lane)


def _words(message: Told) -> dict[str, str]:
    ends = [end for end in (message.source, message.target) if end not in ("Programmable Voice", "this notebook")]
    about = who(message.leg or (ends[0] if ends else "Programmable Voice"))
    if not message.leg and not ends:
        about = "the caller"
    others = [who(end) for end in ends if who(end) != about]
    why = _CAUSES.get(message.cause or "", "")
    # A long sentence is told in full by the note; a label is cut.
    said = f": “{message.note}”" if message.note else " something."
    how = " and ".join(_MEMBERS[word] for part in message.label.split(",") if (word := part.strip()) in _MEMBERS) or "is changed"
    return {
        "who": about,
        "Who": about[:1].upper() + about[1:],
        "other": others[0] if others else "the other side",
        "why": f", because {why}" if why else "",
        "said": said,
        "how": how,
    }


def _webhook(message: Told, words: dict[str, str]) -> str:
    if message.name in _ASKS:
        return f"Bandwidth asks our application what to do: {_ASKS[message.name].format(**words)}."
    told = _TELLS.get(message.name)
    return f"Bandwidth tells our application: {told.format(**words)}{words['why']}." if told else _KINDS["webhook"]


def _reply(label: str) -> str:
    doing = [_VERBS[verb] for part in label.split(",") if (verb := part.strip()) in _VERBS]
    if not doing:
        return "Our application has nothing for Bandwidth to do."
    return f"Our application answers: {', then '.join(doing)}."


def _error(message: Told) -> str:
    if message.source == "this notebook":
        late = "late" in message.label
        return "Our application answers too late." if late else "Our application makes a mistake, so Bandwidth gets no instructions."
    return "Bandwidth refuses what our application asked for." if message.name in _REQUESTS else "It did not work."
