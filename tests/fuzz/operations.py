"""Requests made out of Bandwidth's OpenAPI documents by schemathesis: right ones and wrong ones, with ids that mean something put in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import schemathesis
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)

from tests.conformance.specs import HOST, documents, present

CHECKS = [content_type_conformance, response_headers_conformance, response_schema_conformance]


@dataclass(frozen=True)
class Source:
    """Where requests of one operation come from."""

    label: str
    statuses: frozenset[int]
    cases: SearchStrategy[Case]


@cache
def sources() -> tuple[Source, ...]:
    """Every operation of every document, with right and with wrong data; none where the documents are missing."""
    if not present():
        return ()
    found = []
    for document in documents().values():
        paths = {path: item for path, item in document.raw["paths"].items() if not path.startswith("/webhooks/")}
        schema = schemathesis.openapi.from_dict({**document.raw, "paths": paths})
        bases = {item.name: (item.base, frozenset(item.statuses)) for item in document.operations()}
        for result in schema.get_all_operations():
            operation = result.ok()
            name = operation.definition.raw["operationId"]
            base, statuses = bases[name]
            operation.base_url = HOST + base
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                found.append(Source(f"{operation.label} {mode.value}", statuses, operation.as_strategy(generation_mode=mode)))
    return tuple(found)


def request(case: Case, ids: dict[str, Any]) -> httpx.Request:
    """The request of a case, with known ids in the places of its made-up ones."""
    case.path_parameters = {**(case.path_parameters or {}), **{name: ids[name] for name in case.path_parameters or {} if name in ids}}
    wanted = case.as_transport_kwargs(base_url=case.operation.base_url)
    wanted = {name: value for name, value in wanted.items() if name in ("method", "url", "headers", "params", "json", "data", "content")}
    headers = {**(wanted.pop("headers") or {}), "User-Agent": "fuzz"}
    data = wanted.pop("data", None)
    if isinstance(data, str | bytes):
        wanted["content"] = data
    wanted["params"] = {name: value for name, value in (wanted.get("params") or {}).items() if value is not None}
    return httpx.Request(**wanted, headers=headers)


def check(case: Case, answer: httpx.Response, statuses: frozenset[int]) -> None:
    """The answer by the case's own document; a status that is not documented is looked at elsewhere."""
    if answer.status_code in statuses:
        case.validate_response(Response.from_httpx(answer, verify=True), checks=CHECKS)
