"""Bandwidth's OpenAPI documents, cut down to what the platform imitates and pointed at it, with a maintained validator behind them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("BANDWIDTH_SPECS") or ROOT.parent / "shared" / "specs")
HOST = "http://127.0.0.1:8010"
METHODS = ("get", "put", "post", "delete")
MISSING = f"Bandwidth's OpenAPI documents are not at {FOLDER} (BANDWIDTH_SPECS names another folder)"

# What belongs to the platform in the document of all products, and where each part is on the platform.
_PARTS = {"/endpoints": "/v2", "/calls": "/api/v2", "/conferences": "/api/v2", "/recordings": "/api/v2", "/statistics": "/api/v2"}
_FILES = {"2026": "bandwidth-2026.yml", "2023": "voice-v2-2023.yml", "webrtc": "webrtc-v1.yml"}
_BASES = {"2023": "/api/v2", "webrtc": "/v1"}

# Where a document cannot be right as it stands or the validator needs other words: (document, path in it, our value, why). In memory only.
CORRECTIONS: tuple[tuple[str, tuple[str, ...], Any, str], ...] = (
    (
        "2026",
        ("components", "securitySchemes", "OAuth2"),
        {"type": "http", "scheme": "bearer"},
        "a client-credentials token is sent as Bearer; the validator knows no OAuth2",
    ),
    (
        "webrtc",
        ("components", "schemas", "subscriptions", "readOnly"),
        False,
        "`subscriptions` is marked read-only and is the body of two requests: it may be written",
    ),
    (
        "2026",
        ("components", "schemas", "brtcErrorSource"),
        {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": {"type": "string"}},
        "of the four things that may be to blame an error names the one that is",
    ),
)

# Objects made of parts (`allOf`), put together: of a part alone the fields of the others are not documented.
COMPOSED = ("endpoint", "createEndpointResponseData")

# Documented properties we leave out, and newer ones that the older document does not know. By operation and the validator's complaint.
LEFT_OUT: dict[tuple[str, str], str] = {
    (
        "listConferences",
        "'activeMembers' is a required property",
    ): "the list's schema is that of one conference; the pages leave `activeMembers` out of lists",
    (
        "createParticipant",
        "participant.subscriptions: 'participants' is a required property",
    ): "the schema's own text: upon creation of a participant `subscriptions` is an empty object",
    (
        "createParticipant",
        "participant.subscriptions: 'sessionId' is a required property",
    ): "the schema's own text: upon creation of a participant `subscriptions` is an empty object",
    ("getRecordingTranscription", "Additional properties are not allowed ('clips' was unexpected)"): "new in 2026",
    ("getRecordingTranscription", "transcripts: Additional properties are not allowed ('speaker' was unexpected)"): "new in 2026",
    **{
        (name, "Additional properties are not allowed ('recordingName' was unexpected)"): "new in 2026"
        for name in (
            *("listConferenceRecordings", "getConferenceRecording", "listAccountCallRecordings", "listCallRecordings", "getCallRecording"),
        )
    },
}


def present() -> bool:
    """Whether the documents can be read here."""
    return all((FOLDER / name).exists() for name in _FILES.values())


@dataclass(frozen=True)
class Documented:
    """One operation as a document describes it."""

    name: str
    method: str
    path: str
    base: str
    statuses: tuple[int, ...]


class Request:
    """A request of httpx as the validator wants to see it."""

    def __init__(self, sent: httpx.Request, method: str | None = None) -> None:
        parts = urlsplit(str(sent.url))
        self.host_url, self.path = f"{parts.scheme}://{parts.netloc}", parts.path
        self.method = (method or sent.method).lower()
        self.body = sent.content or None
        self.content_type = sent.headers.get("content-type", "").lower()
        query = ImmutableMultiDict(parse_qsl(parts.query, keep_blank_values=True))
        self.parameters = RequestParameters(query=query, header=Headers(list(sent.headers.items())))


class Answer:
    """An answer of httpx as the validator wants to see it."""

    def __init__(self, got: httpx.Response) -> None:
        self.status_code = got.status_code
        self.content_type = got.headers.get("content-type", "").lower()
        self.headers = Headers(list(got.headers.items()))
        self.data = got.content or None


class Document:
    """One OpenAPI document: its operations, and checks of exchanges and webhooks against it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.raw = yaml.load((FOLDER / _FILES[name]).read_text(), Loader=yaml.CSafeLoader)
        for document, path, value, _ in CORRECTIONS:
            if document == name:
                _put(self.raw, path, value)
        for schema in COMPOSED if name == "2026" else ():
            self.raw["components"]["schemas"][schema] = _together(self.raw, self.raw["components"]["schemas"][schema])
        self.raw["paths"] = {path: item | {"servers": [{"url": HOST + base}]} for path, item, base in self._paths()}
        self._add_webhooks()
        texts = {"application/xml": bytes.decode}  # these schemas say string, and mean the document as it is
        self._requests = OpenAPI.from_dict(self.raw, config=Config(extra_media_type_deserializers=texts))
        whole = Config(additional_properties_default_policy="forbid", response_properties_default_policy="required")
        self._answers = OpenAPI.from_dict(self.raw, config=whole)

    def _paths(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        for path, item in self.raw["paths"].items():
            if path.startswith("/webhooks/"):
                continue
            base = _BASES.get(self.name) or next((base for part, base in _PARTS.items() if part in path), None)
            if base is not None:
                yield path, item, base

    def operations(self) -> list[Documented]:
        """Every operation, in the document's order."""
        return [
            Documented(item[method]["operationId"], method.upper(), path, base, tuple(int(status) for status in item[method]["responses"]))
            for path, item, base in self._paths()
            for method in METHODS
            if method in item
        ]

    def request_errors(self, sent: httpx.Request) -> list[str]:
        """What is wrong with a request by this document."""
        return [_words(error) for error in self._requests.iter_request_errors(Request(sent))]

    def answer_errors(self, got: httpx.Response, method: str) -> list[str]:
        """What is wrong with an answer, as one of the operation with this method.

        A field that is not documented is wrong, and one that is documented and missing.
        """
        return [_words(error) for error in self._answers.iter_response_errors(Request(got.request, method), Answer(got))]

    # Webhooks: no operation refers to their schemas, so each gets one of its own at /webhooks/{eventType}.

    def _add_webhooks(self) -> None:
        for schema, about in self.raw["components"]["schemas"].items():
            if schema.endswith("Callback") and "eventType" in about.get("properties", {}):
                body = {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}
                post = {"operationId": schema, "requestBody": body, "security": [], "responses": {"200": {"description": "taken"}}}
                self.raw["paths"][f"/webhooks/{schema}"] = {"servers": [{"url": HOST}], "post": post}

    def webhooks(self) -> list[str]:
        """The names of the webhooks' schemas."""
        return [path.rpartition("/")[2] for path in self.raw["paths"] if path.startswith("/webhooks/")]

    def webhook_errors(self, schema: str, body: Mapping[str, Any]) -> list[str]:
        """What is wrong with a webhook's body by a schema; a field that is not documented is wrong too."""
        sent = httpx.Request("POST", f"{HOST}/webhooks/{schema}", json=body)
        return [_words(error) for error in self._answers.iter_request_errors(Request(sent))]


@cache
def documents() -> dict[str, Document]:
    """All documents by name."""
    return {name: Document(name) for name in _FILES}


def _put(node: Any, path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        node = node[name]
    assert path[-1] in node, path
    node[path[-1]] = value


def _together(raw: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object with the properties of all its parts."""
    whole: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for part in schema.get("allOf", [schema]):
        if "$ref" in part:
            part = _together(raw, raw["components"]["schemas"][part["$ref"].rpartition("/")[2]])
        whole["properties"] |= part.get("properties", {})
        whole["required"] += part.get("required", [])
    return whole


def _place(complaint: Any) -> str:
    path = ".".join(str(step) for step in complaint.absolute_path if not isinstance(step, int))
    return f"{path}: " if path else ""


def _words(error: Exception) -> str:
    """An error in one line: the schema's complaints where there are any."""
    inner: BaseException | None = error
    while inner is not None:
        if found := getattr(inner, "schema_errors", None):
            return "; ".join(sorted(f"{_place(item)}{item.message}"[:200] for item in found))
        inner = inner.__cause__
    return f"{type(error).__name__}: {error}"[:200]
