"""BXML, the language in which an application tells Bandwidth what to do with a call: build, parse, check and print.

Verbs are named and spelled as in Bandwidth's own SDK. Their dataclass fields are the one table of attributes, limits and defaults, which
`describe` shows.

    >>> print(Response([SpeakSentence("Hi", voice="julie"), Hangup()]).pretty())
    <?xml version="1.0" encoding="UTF-8"?>
    <Response>
      <SpeakSentence voice="julie">Hi</SpeakSentence>
      <Hangup/>
    </Response>
"""

from workbench.bxml.base import Attribute, Verb
from workbench.bxml.calling import (
    Bridge,
    Conference,
    Connect,
    Endpoint,
    Forward,
    Hangup,
    Pause,
    PhoneNumber,
    Redirect,
    Refer,
    Ring,
    SipUri,
    Tag,
    Transfer,
)
from workbench.bxml.describe import Row, describe, urls
from workbench.bxml.document import ALLOWED, LIMIT, VERBS, Bxml, Response, Where, check
from workbench.bxml.fields import relative
from workbench.bxml.media import (
    VOICES,
    CustomParam,
    Gather,
    PauseRecording,
    PlayAudio,
    Record,
    ResumeRecording,
    SendDtmf,
    SpeakSentence,
    StartGather,
    StartRecording,
    StartStream,
    StartTranscription,
    StopGather,
    StopRecording,
    StopStream,
    StopTranscription,
    StreamParam,
)
from workbench.bxml.parse import parse
from workbench.bxml.ssml import spoken
from workbench.errors import BxmlError

__all__ = [
    "ALLOWED",
    "LIMIT",
    "VERBS",
    "VOICES",
    "Attribute",
    "Bridge",
    "Bxml",
    "BxmlError",
    "Conference",
    "Connect",
    "CustomParam",
    "Endpoint",
    "Forward",
    "Gather",
    "Hangup",
    "Pause",
    "PauseRecording",
    "PhoneNumber",
    "PlayAudio",
    "Record",
    "Redirect",
    "Refer",
    "Response",
    "ResumeRecording",
    "Ring",
    "Row",
    "SendDtmf",
    "SipUri",
    "SpeakSentence",
    "StartGather",
    "StartRecording",
    "StartStream",
    "StartTranscription",
    "StopGather",
    "StopRecording",
    "StopStream",
    "StopTranscription",
    "StreamParam",
    "Tag",
    "Transfer",
    "Verb",
    "Where",
    "check",
    "describe",
    "parse",
    "relative",
    "spoken",
    "urls",
]
