"""Every webhook of every scenario of the corpus is read by the SDK's model of it, which knows each of its fields."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bandwidth import models

from tests.conformance.webhooks import EVENTS
from tests.corpus.scenario import FOLDER, paths
from tests.corpus.test_corpus import outcome
from tests.sdk.program import unknown

# Events without a model in the SDK, and fields that its models lack, each with its reason.
_STREAMS = "media streams have no models in the SDK"
_LIVE = "real-time transcriptions have no models in the SDK"
_WEBRTC = "participants belong to the classic WebRTC API, which the SDK has left out"
_ENDPOINTS = "the SDK's one model of endpoints' events is that of the specification; the guide's form, which the samples read, is another"
NO_MODEL = {
    **dict.fromkeys(("mediaStreamStarted", "mediaStreamRejected", "mediaStreamStopped"), _STREAMS),
    **dict.fromkeys([f"realTimeTranscription{what}" for what in ("Started", "Available", "Rejected", "Stopped")], _LIVE),
    **dict.fromkeys(("onConnect", "onLeave", "onDisconnect"), _WEBRTC),
    **dict.fromkeys((*EVENTS["Endpoints"], "connectStatus"), _ENDPOINTS),
}
_TEXT = "the SDK's model there is that of a transcript's text; the documented webhook tells where the transcription is"
NO_FIELD = {
    ("transferAnswer", "parentCallId"): "documented among the fields of the event, missing in the SDK's model",
    **{("transcriptionAvailable", f"transcription.{name}"): _TEXT for name in ("id", "status", "completedTime", "url")},
}
# The SDK calls this one by the recording, not by the verb.
NAMES = {"recordComplete": "RecordingCompleteCallback"}


def model_of(event: str) -> Any:
    """The SDK's model of an event."""
    return getattr(models, NAMES.get(event, f"{event[0].upper()}{event[1:]}Callback"), None)


def strange(body: dict[str, Any]) -> list[tuple[str, str]]:
    """What the SDK does not know of a webhook, without what has its reason."""
    event = str(body.get("eventType") or body.get("event") or "Connect status")
    model = model_of(event)
    if model is None:
        return [] if event in NO_MODEL else [(event, "no model")]
    read = model.from_dict(body)
    assert (read.event_type, read.to_dict()["eventType"]) == (event, event)
    return [(event, name) for name in unknown(read) if (event, name) not in NO_FIELD]


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.relative_to(FOLDER).with_suffix("").as_posix())
def test_webhooks_of_a_scenario(path: Path) -> None:
    assert [one for body in outcome(path).bodies for one in strange(dict(body))] == []
