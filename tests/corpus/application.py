"""The application of a scenario: it answers webhooks as the file says, and notes every request it got."""

from __future__ import annotations

import asyncio
import io
import json
import wave
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.corpus.names import Names
from tests.corpus.scenario import Scenario
from workbench.simulator.webhooks import Answer, Outgoing

XML = (("Content-Type", "application/xml"),)


@dataclass(frozen=True)
class Told:
    """A webhook as it came: in which line of the scenario it would stand, its fields with what is known about it, and its JSON body."""

    seq: int
    line: str
    fields: Mapping[str, Any]
    body: Mapping[str, Any] | None = None


class Application:
    """What stands behind the scenario's URLs."""

    def __init__(self, scenario: Scenario, names: Names) -> None:
        self._answers: dict[str, Any] = {}
        self._files = scenario.files
        self._names = names
        self._held: dict[str, asyncio.Event] = {}
        self._count = 0
        self.told: list[Told] = []
        self.seconds = lambda: 0.0
        self.look = lambda: None
        for key, value in scenario.answers.items():
            self._answers[key] = list(value) if isinstance(value, list) else [value]

    async def __call__(self, request: Outgoing) -> Answer:
        """Answer one request of the platform."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        path = urlsplit(request.url).path
        if path in self._files:
            return Answer(200, (("Content-Type", "audio/wav"),), silence(self._files[path]))
        self.look()
        fields = self._fields(request)
        event = fields.get("eventType") or fields.get("event")
        if event is None:
            return Answer(404)
        self._count += 1
        line = f"{event} {self._names.who(fields)}".strip()
        authorization = headers.get("authorization", "")
        about = {"at": path, "method": request.method, "after": round(self.seconds(), 3), "rule": headers.get("x-workbench-rule")}
        if authorization:
            about["credentials"] = b64decode(authorization.partition(" ")[2]).decode()
        self.told.append(
            Told(int(headers.get("x-workbench-seq", self._count)), line, {**fields, **about}, fields if request.body else None)
        )
        return await self._answer(self._next(path, line, str(event)), authorization, line)

    def release(self, line: str) -> None:
        """Let a held answer go."""
        self._held.pop(line).set()

    @property
    def waiting(self) -> bool:
        """Whether an answer is held back, or will never come."""
        return any(_slow(answer) for answers in self._answers.values() for answer in answers)

    @staticmethod
    def _fields(request: Outgoing) -> dict[str, Any]:
        if request.method == "GET":
            return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
        return dict(json.loads(request.body or b"{}"))

    def _next(self, path: str, line: str, event: str) -> Any:
        """The answer due: by path, else by event and call, else by event; of several the last one stays."""
        for key in (path, line, event):
            if answers := self._answers.get(key):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return 200

    async def _answer(self, answer: Any, authorization: str, line: str) -> Answer:
        if isinstance(answer, int):
            return Answer(answer)
        if isinstance(answer, str) and answer.startswith("<"):
            document = self._names.fill(answer)
            whole = document.startswith(("<?xml", "<Response", "<Bxml"))
            return Answer(200, XML, (document if whole else f"<Response>{document}</Response>").encode())
        if answer == "refused":
            raise ConnectionRefusedError("the application is not there")
        if answer == "never":
            await asyncio.Event().wait()
        assert isinstance(answer, Mapping), f"an answer cannot be {answer!r}"
        if "challenge" in answer:
            right = b64decode(authorization.partition(" ")[2]).decode() == answer["challenge"]
            return await self._answer(answer["then"], "", line) if right else Answer(401, (("WWW-Authenticate", 'Basic realm="test"'),))
        if "later" in answer:
            held = self._held[line] = asyncio.Event()
            await held.wait()
            return await self._answer(answer["later"], authorization, line)
        if "bytes" in answer:
            room = answer["bytes"] - len("<Response><SpeakSentence></SpeakSentence></Response>")
            return Answer(200, XML, f"<Response><SpeakSentence>{'x' * room}</SpeakSentence></Response>".encode())
        headers = tuple(answer.get("headers", {}).items())
        return Answer(answer.get("status", 200), headers, self._names.fill(answer.get("text", "")).encode())


def _slow(answer: Any) -> bool:
    return answer == "never" or (isinstance(answer, Mapping) and "later" in answer)


def silence(seconds: float) -> bytes:
    """A WAV file of so many seconds."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(1)
        audio.setframerate(8000)
        audio.writeframes(b"\x80" * int(seconds * 8000))
    return file.getvalue()
