"""Where Bandwidth's OpenAPI documents and pages contradict each other or themselves, and what the platform does."""

from __future__ import annotations

CHOICES: tuple[tuple[str, str, str, str], ...] = (
    ("length of `tag`", "2023: 256 characters", "2026: 4096 characters; BXML pages 256", "4096 in requests"),
    ("`from` without a number", "2023: four words such as `Restricted`", "2026: E.164 always, `privacy` hides it", "both are taken"),
    ("encodings in `uui`", "2023: `jwt`, `base64`", "2026: `hex` too", "all three are taken"),
    ("length of `uui`", "`<SipUri>` page: 256", "createCall: 350, and Bandwidth's own SDK writes 297", "350 everywhere"),
    ("redirect fields beside `completed`", "documented as not allowed", "published samples send them", "taken and ignored"),
    ("updateConference's field", "`status` in the schema", "its text says `state`", "`status`"),
    ("root of a document in `/bxml`", "`<Bxml>` in all examples", "`<Response>` in webhooks' answers", "both are taken"),
    ("numbers of getStatistics", "integers in both documents", "strings in the guide's example", "integers"),
    ("`activeMembers` in listConferences", "the list's schema is that of one conference", "the page leaves it out", "left out"),
    ("`parentCallId` of transferAnswer", "not in the schema", "in the page and its example", "sent"),
    ("`accountId`, `applicationId` of transferDisconnect", "in the schema", "not in the page and its examples", "sent"),
    ("`verstat` words", "2023: `TN-Verification-Passed`", "2026: `TN-Validation-Passed`", "the newer ones"),
    ("`tag` of an endpoint", "the document: `maximum: 1024`, which limits numbers", "a text's limit is meant", "1024 characters"),
    (
        "endpoint events",
        "the document: `eventType` with `DEVICE_CONNECTED`",
        "guide and samples: `event` with `endpointConnected`",
        "as the samples",
    ),
    ("types of endpoint errors", "component examples: `resource_not_found`", "the schema's example: `resource.not_found`", "underscores"),
    ("name of recordComplete", "the documents' event list: `recordingComplete`", "page and schema: `recordComplete`", "`recordComplete`"),
    ("examples of Voice errors", "every example is one copied body", "the error page lists type and text for each", "the page"),
    ("who adding a participant subscribes", "document: the participant of the path", "quick start: the others too", "the document"),
    ("listing of empty WebRTC sets", "200 with a list", "204 without a rule", "204 when empty, 200 else"),
)
