"""The rules the platform follows, one row each: what, how sure we are, and where it is written.

Every effect and every refusal names its rule. Labels: *documented* by Bandwidth's pages or specifications, *observed* in its published
samples, *assumed* by us where both are silent. Sources name the page (`bxml/transfer`, `webhooks/disconnect`, `voice-api`) or the sample;
`ours` marks what only the local platform has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Label = Literal["documented", "observed", "assumed"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One statement that constrains the platform."""

    id: str
    text: str
    label: Label
    source: str


D: Label = "documented"
S: Label = "observed"
C: Label = "assumed"

_ROWS: tuple[tuple[str, str, Label, str], ...] = (
    # Requests
    ("request.required", "createCall needs from, to, answerUrl and applicationId", D, "voice-api/createCall"),
    ("request.field", "a field of the wrong type is refused by name", C, "ours"),
    ("request.number", "numbers are E.164 with a plus sign; `to` may be a SIP URI", D, "voice-api/createCall"),
    ("request.url", "URLs are http or https and at most 2048 characters", D, "voice-api/createCall"),
    ("request.https", "https is needed beside credentials; loopback hosts are exempt here", D, "voice-api/createCall"),
    ("request.method", "methods are POST and GET", D, "voice-api/createCall"),
    ("request.range", "callTimeout is 1 to 300 s, callbackTimeout 1 to 25 s, priority 1 to 5", D, "voice-api/createCall"),
    ("request.length", "tag has at most 4096 characters, displayName 256, credentials 1024", D, "voice-api/createCall"),
    (
        "request.uui",
        "UUI is a comma-separated list of value;encoding=jwt, base64 or hex, at most 350 characters",
        D,
        "voice-api/createCall",
    ),
    ("request.application", "the application must exist in the account", D, "voice-api/errors"),
    ("request.enum", "state and status take only their documented words", D, "voice-api/updateCall"),
    ("call.unknown", "a call that does not exist answers 404; calls are kept 7 days", D, "voice-api/errors"),
    ("call.modify", "an ended or not yet answered call cannot be redirected", D, "voice-api/errors"),
    ("call.bxml", "a bad document in a request is refused and the call goes on", D, "voice-api/updateCallBxml"),
    ("call.bxml-relative", "a document in a request may not use relative URLs: nothing to resolve them against", C, "ours"),
    ("conference.unknown", "a conference or member that does not exist answers 404", D, "voice-api/getConference"),
    ("conference.ended", "a completed conference cannot be changed", C, "ours"),
    ("list.size", "a page of a list has 1 to 10,000 calls or 1 to 1,000 conferences", D, "voice-api/listCalls"),
    ("list.token", "a pageToken is one that the platform gave", C, "ours"),
    # Access
    ("account.missing", "a request without credentials, or of another scheme than Basic and Bearer, answers 401", D, "voice-api/errors"),
    ("account.invalid", "a wrong user, password or token answers 401", D, "voice-api/errors"),
    ("account.decode", "Basic credentials that are not base64 text are told so in their 401", C, "voice-api/errors"),
    ("account.colon", "Basic credentials without a colon are told so in their 401", C, "voice-api/errors"),
    ("account.rights", "a user without the API's role, and a path of another account, answer 403", D, "voice-api/errors"),
    ("account.off", "with credentials turned off nobody is asked for any", C, "ours"),
    ("oauth.client", "a token is issued to a client with its id and a secret; others get invalid_client", D, "voice-api/authentication"),
    ("oauth.grant", "the one grant is client_credentials", D, "voice-api/authentication"),
    ("oauth.request", "a token request is a form with one grant_type", C, "RFC 6749"),
    ("oauth.bearer", "the Voice API takes a Bearer token instead of Basic credentials", D, "voice-api/authentication"),
    ("oauth.webrtc", "the WebRTC API takes a Bearer token too, where only Basic is documented", C, "webrtc-api"),
    ("oauth.secrets", "a client has at most two active secrets", D, "account/credentials"),
    ("account.expired", "an access token is refused once its expires_in has passed", D, "voice-api/authentication"),
    ("account.field", "a user has a password, a client secrets, both rights", C, "ours"),
    ("account.unknown", "a user or client that does not exist answers 404", C, "ours"),
    ("application.field", "an application takes its documented settings only", C, "ours"),
    ("application.unknown", "an application that does not exist can neither be deleted nor own a number", C, "ours"),
    ("application.in-use", "an application with numbers cannot be deleted", C, "ours"),
    ("number.phone", "a number whose phone is in a call cannot become the account's", C, "ours"),
    ("number.unknown", "a number that the account does not own cannot be given up", C, "ours"),
    ("http.path", "a path that no operation has answers 404", D, "voice-api/errors"),
    ("http.method", "a method that a path does not take answers 405, naming those it takes", D, "voice-api/errors"),
    ("http.content-type", "bodies are application/json, documents application/xml; else 415", D, "voice-api/errors"),
    ("http.json", "a body that is no JSON object is refused", D, "voice-api/errors"),
    ("http.size", "a body of more than 1 MB is refused with 413", C, "ours"),
    # A call's life
    ("call.queue", "every outbound call is queued first", D, "voice-api/callQueueing"),
    ("call.start", "a dequeued call is initiated and its far end invited", D, "voice-api/callState"),
    ("call.ring", "no webhook tells that a call rings", D, "webhooks"),
    ("call.answer", "an answered outbound call asks its answerUrl for a document", D, "webhooks/answer"),
    ("call.initiate", "an inbound call asks its application for a document before it is answered", D, "webhooks/initiate"),
    ("call.initiate-unset", "an inbound call to an application without a URL is rejected", C, "ours"),
    ("call.answer-inbound", "the first answering verb answers an inbound call, without an event", D, "bxml/about"),
    ("call.timeout", "a call not answered within callTimeout after ringing began ends with cause timeout", D, "voice-api/createCall"),
    ("call.no-ring", "a call that does not ring within 30 s ends with cause timeout", D, "voice-api/createCall"),
    ("call.busy", "a busy callee ends the call with cause busy", D, "webhooks/disconnect"),
    ("call.rejected", "a callee that declines ends the call with cause rejected", D, "webhooks/disconnect"),
    ("call.unreachable", "a SIP address nobody answers for refuses with cause rejected", C, "ours"),
    ("call.hangup", "a party that hangs up ends the call with cause hangup", D, "webhooks/disconnect"),
    ("call.cancel", "a call given up while it rings ends with cause cancel", D, "webhooks/disconnect"),
    ("call.reject-inbound", "an inbound call refused before it was answered ends with cause rejected", C, "ours"),
    ("call.completed", "updateCall completed hangs up, cancels or rejects the call, by its state", D, "voice-api/updateCall"),
    ("call.redirect", "updateCall with a redirectUrl stops the running document and asks for another", D, "voice-api/updateCall"),
    ("call.replace", "updateCallBxml replaces the running document without a webhook", D, "voice-api/updateCallBxml"),
    ("call.wire", "a call to a number the account owns rings the application", D, "webhooks/initiate"),
    # Limits, off unless turned on
    ("limits.rate", "queued calls begin at the account's rate: 5 a second, inbound and outbound together", D, "voice/rateLimits"),
    ("limits.priority", "the queue is served by priority, 1 first, else in the order the calls came", D, "voice/callQueueing"),
    ("limits.queue", "a queue holds 5 minutes of calls; a call beyond it is refused with 429", D, "voice/callQueueing"),
    ("limits.sessions", "with 100 calls under way a further one is refused with 429", D, "voice/rateLimits"),
    ("limits.sessions-queued", "a call whose turn comes while too many are under way ends with cause account-limit", C, "ours"),
    ("limits.inbound", "an inbound call over a limit is rejected without any notification", D, "voice/rateLimits"),
    ("limits.transfer", "a Transfer over a limit gives transferComplete with cause account-limit", D, "voice/rateLimits"),
    ("limits.transfer-some", "targets of a Transfer that no longer fit a limit are not dialled", C, "ours"),
    ("limits.requests", "too many requests within a second are refused with 429; only the number is ours", D, "voice-api/errors"),
    ("limits.field", "a limit is a whole number, or null", C, "ours"),
    # Machine detection
    ("machine.field", "machineDetection is an object; a field of the wrong type is refused by name", C, "ours"),
    ("machine.mode", "the mode is sync or async, and async unless told", D, "voice-api/createCall"),
    ("machine.callback", "async detection needs a callbackUrl", D, "voice/machineDetection"),
    ("machine.range", "its timeouts and thresholds are 0 to 86400 s", C, "ours"),
    ("machine.whole", "decimals are not processed correctly at present; here they are, with a warning", D, "voice-api/createCall"),
    ("machine.sync", "in sync mode answer waits for the result and carries it, and no other event tells it", D, "voice/machineDetection"),
    ("machine.async", "in async mode machineDetectionComplete tells the result while the call goes on", D, "voice/machineDetection"),
    ("machine.timeout", "no result within detectionTimeout gives timeout", D, "voice-api/createCall"),
    ("machine.silence", "no speech within silenceTimeout gives silence", D, "voice-api/createCall"),
    ("machine.human", "speech shorter than speechThreshold gives human, speechEndThreshold after its end", D, "voice-api/createCall"),
    ("machine.threshold", "speech of speechThreshold or more gives answering-machine", D, "voice-api/createCall"),
    ("machine.recognised", "a machine is told as soon as it is recognised: after 4 s of its greeting here", C, "voice-api/createCall"),
    (
        "machine.delay",
        "with delayResult a machine is told machineSpeechEndThreshold after its greeting, or at detectionTimeout",
        D,
        "voice-api/createCall",
    ),
    ("machine.tone", "the tone at the end of a machine's message gives tone-detected", D, "webhooks/machineDetectionComplete"),
    ("machine.error", "a detection that fails gives error: after 1 s here", C, "webhooks/machineDetectionComplete"),
    ("machine.gone", "a call that ends before the result gives none", C, "ours"),
    # Webhooks
    ("webhook.failed", "a call whose document cannot be fetched ends with cause callback-error", D, "webhooks/disconnect"),
    ("webhook.fallback", "a failed delivery is tried once more at the fallback URL", D, "webhooks/about"),
    ("webhook.retry", "an asynchronous delivery is repeated once after a connection exception", D, "webhooks/about"),
    ("webhook.retry-sync", "so is a synchronous one without a fallback URL", C, "ours"),
    ("webhook.timeout", "an answer that takes longer than callbackTimeout is a failure", D, "webhooks/about"),
    ("webhook.late", "an answer that comes after its call moved on or ended is ignored", C, "ours"),
    ("webhook.lost", "an asynchronous webhook that cannot be delivered is lost", C, "ours"),
    # Documents
    ("bxml.invalid", "a bad document ends the call with cause invalid-bxml", D, "bxml/about"),
    ("bxml.empty", "an empty answer counts as an empty document", C, "ours"),
    ("bxml.end", "a document with no verb left hangs up", D, "bxml/about"),
    ("bxml.interrupt", "a new document stops the running verb and drops those after it", D, "voice-api/updateCall"),
    ("bxml.pause", "Pause is silence for its duration", D, "bxml/pause"),
    ("bxml.ring", "Ring plays a ring tone for its duration", D, "bxml/ring"),
    ("bxml.speak", "SpeakSentence takes the time its text takes to say", C, "ours"),
    ("bxml.play", "PlayAudio takes the length of its file", D, "bxml/playAudio"),
    ("bxml.play-failed", "a file that cannot be played ends the call with cause application-error", D, "bxml/playAudio"),
    ("bxml.redirect", "Redirect asks its URL for a new document", D, "bxml/redirect"),
    ("bxml.hangup", "Hangup ends the call, or rejects an unanswered inbound one", D, "bxml/hangup"),
    ("bxml.tag", "Tag replaces the tag of later webhooks", D, "bxml/tag"),
    ("bxml.not-simulated", "a verb that is not simulated yet is logged and passed over", C, "ours"),
    # Keys
    ("gather.terminating", "a terminating digit ends a Gather, and is told apart from its digits", D, "bxml/gather"),
    ("gather.max-digits", "a Gather ends with its maxDigits-th digit", D, "bxml/gather"),
    ("gather.inter-digit", "a Gather ends when interDigitTimeout passes after a digit", D, "bxml/gather"),
    ("gather.first-digit", "a Gather ends without digits when firstDigitTimeout passes after its prompts", D, "bxml/gather"),
    ("gather.repeat", "the prompts of a Gather are played repeatCount times while no digit comes", D, "bxml/gather"),
    ("gather.interrupt", "the first digit stops the prompts of a Gather", D, "bxml/gather"),
    ("gather.next", "without gatherUrl the digits are dropped and the next verb runs", D, "bxml/gather"),
    ("gather.speech", "speech is not recognised: a Gather that asks for it hears keys or silence, no partial results", C, "ours"),
    ("gather.speech-only", "a Gather for speech alone takes no keys", C, "bxml/gather"),
    ("gather.speech-timeout", "a Gather for speech ends when speechTimeout passes after its prompts", D, "bxml/gather"),
    ("gather.start", "StartGather tells keys while other verbs run, in links and conferences too, until StopGather", D, "bxml/startGather"),
    ("dtmf.told", "each key after StartGather is told by a dtmf of its own, whose answer is ignored", D, "webhooks/dtmf"),
    ("gather.paused", "StartGather pauses during a Gather: its keys are not told twice", D, "bxml/startGather"),
    ("gather.stop", "StopGather ends StartGather", D, "bxml/stopGather"),
    ("gather.newest", "a second StartGather takes the place of the first", C, "ours"),
    ("dtmf.send", "SendDtmf plays up to 50 keys into the call, then the next verb runs", D, "bxml/sendDtmf"),
    ("dtmf.tone", "a tone lasts toneDuration and is followed by toneInterval of silence", D, "bxml/sendDtmf"),
    ("dtmf.pause", "in SendDtmf a comma and w are half a second, W is a whole; they replace the interval", D, "bxml/sendDtmf"),
    ("dtmf.wire", "keys played into a call between two numbers of the account arrive at the other half", C, "ours"),
    ("dtmf.joined", "keys pressed in a linked call reach the far end of the other, but not its Gather or StartGather", C, "ours"),
    ("dtmf.conference", "keys pressed by a member reach the members that hear it", C, "ours"),
    # Transfer
    ("transfer.invite", "all targets of a Transfer ring at once, each a call of its own with parentCallId", D, "bxml/transfer"),
    ("transfer.answer", "transferAnswer asks for a document that runs on the answering leg alone", D, "webhooks/transferAnswer"),
    ("transfer.first", "the first target to answer wins, the others are cancelled", D, "bxml/transfer"),
    ("transfer.join", "the legs are joined when the winner is ready; an unanswered caller is answered then", C, "ours"),
    ("transfer.disconnect", "transferDisconnect tells the end of a leg, for whatever reason", D, "webhooks/transferDisconnect"),
    ("transfer.complete", "transferComplete goes out only while the A-leg is up, and its document runs there", D, "bxml/transfer"),
    ("transfer.next", "without transferCompleteUrl the next verb runs", D, "bxml/transfer"),
    ("transfer.single", "a Transfer is a single call: when the A-leg leaves, the other leg falls", D, "webrtc/voice-iw"),
    ("transfer.detach", "a B-leg redirected away leaves the transfer, which is over for the A-leg", C, "ours"),
    # Bridge
    ("bridge.join", "Bridge cancels what its target was running and joins both calls", D, "bxml/bridge"),
    ("bridge.unanswered", "an unanswered inbound call may be bridged, which answers it", S, "webrtc-phone-advanced-react"),
    ("bridge.failed", "a target that cannot be bridged gives bridgeComplete with a cause, or the next verb", D, "bxml/bridge"),
    ("bridge.busy", "a call that is in a bridge already cannot be bridged", C, "webhooks/bridgeComplete"),
    ("bridge.complete", "when the target leaves, the originator is asked at bridgeCompleteUrl", D, "bxml/bridge"),
    ("bridge.next", "without bridgeCompleteUrl the originator's next verb runs", D, "bxml/bridge"),
    ("bridge.target-complete", "when the originator leaves, the target is asked at bridgeTargetCompleteUrl", D, "bxml/bridge"),
    ("bridge.target-hangup", "without bridgeTargetCompleteUrl the target is hung up", D, "bxml/bridge"),
    # Conference
    ("conference.created", "a conference begins when its name is first used; the creator's URL gets its events", D, "bxml/conference"),
    ("conference.join", "a member that joins is told, the creator too", D, "webhooks/conferenceMemberJoin"),
    ("conference.exit", "a member that leaves is told", D, "webhooks/conferenceMemberExit"),
    ("conference.completed", "a conference ends when its last member leaves", D, "webhooks/conferenceCompleted"),
    ("conference.full", "a conference holds 20 calls", D, "bxml/conference"),
    ("conference.refused", "the 21st call ends with cause error", C, "ours"),
    ("conference.day", "a conference lasts at most 24 hours and ends as if completed by request", D, "bxml/conference"),
    ("conference.end", "after a conference ended by request its calls go on with the verb after it", D, "voice-api/updateConference"),
    ("conference.redirect", "updateConference with a redirectUrl asks for a document for the room", D, "voice-api/updateConference"),
    ("conference.verbs", "the room takes six verbs; one wrong verb refuses the whole document", D, "bxml/conference"),
    ("conference.queue", "documents for the room wait for each other", D, "bxml/conference"),
    ("conference.webhook", "a failed conference webhook leaves the conference as it is", C, "ours"),
    ("conference.member", "mute: hears and is not heard; hold: neither; coach: heard by the coached alone", D, "bxml/conference"),
    ("conference.coach", "one coach at a time: a new coach takes the place of the former", C, "bxml/conference"),
    # WebRTC
    ("webrtc.field", "a malformed body, permission, tag or subscription is refused", D, "webrtc-api"),
    ("webrtc.unknown", "an unknown participant or session, or a participant not in that session, answers 404", D, "webrtc-api"),
    ("webrtc.other-session", "a participant belongs to one session at most", D, "webrtc-api"),
    ("webrtc.full", "a session holds 20 participants", D, "webrtc/overview"),
    ("webrtc.outside", "a subscription may only name participants of the session", C, "ours"),
    ("webrtc.nine-hours", "sessions and subscriptions are cleaned up after 9 hours", D, "webrtc/callflow"),
    ("webrtc.connect", "onConnect tells that a participant's device connected", D, "webrtc/webhooks"),
    ("webrtc.leave", "onLeave tells that a participant's device was taken away", D, "webrtc/webhooks"),
    ("webrtc.deleted", "a participant or session deleted while its SIP leg is up hangs that leg up", C, "ours"),
    ("webrtc.newest", "a second device on the same token takes the place of the first", C, "ours"),
    ("interconnect.token", "the interconnect takes the participant token from the UUI and no other credential", D, "webrtc/voice-iw"),
    ("interconnect.refused", "a missing, forged, expired or unknown token is refused with cause rejected", C, "ours"),
    ("interconnect.answer", "the interconnect rings and answers by itself unless told otherwise", C, "ours"),
    # Phones, ours alone
    ("phone.script", "a simulated phone does what its script says", C, "ours"),
    ("phone.one-call", "a simulated phone is busy while it is in a call", C, "ours"),
    ("phone.keys", "keys pressed together on a simulated phone come 0.1 s apart", C, "ours"),
    ("phone.idle", "a phone without such a call cannot do that", C, "ours"),
    ("phone.field", "a phone's script takes only its documented fields", C, "ours"),
    ("local.loopback", "the controls answer to loopback hosts and their pages only, unless the platform is public", C, "ours"),
    ("local.token", "the controls of a workbench's own platform ask for the token of its start", C, "ours"),
    ("local.clock", "the clock takes pause, advance, run_to idle and resume", C, "ours"),
    ("local.rest", "a platform that never comes to rest stops being moved", C, "ours"),
    ("stream.bounded", "of what happened the last 100,000 entries are kept", C, "ours"),
)

RULES: Mapping[str, Rule] = {row[0]: Rule(*row) for row in _ROWS}
