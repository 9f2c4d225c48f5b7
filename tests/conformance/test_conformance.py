"""The platform by Bandwidth's own OpenAPI documents: every operation, every documented status."""

from __future__ import annotations

import asyncio
import re

import pytest
from starlette.routing import Route

from tests.simulator.shell import Platform

from . import page, report, specs, webhooks
from .cases import CASES
from .provoke import BY_NAME, Outcome, names, outcomes
from .specs import documents

pytestmark = pytest.mark.skipif(not specs.present(), reason=specs.MISSING)
NAMES = names() if specs.present() else []


@pytest.fixture(scope="module")
def everything() -> list[Outcome]:
    """All outcomes, found once."""
    return asyncio.run(page.all_outcomes())


@pytest.mark.parametrize("name", NAMES)
def test_every_documented_status_is_valid(everything: list[Outcome], name: str) -> None:
    own = [item for item in everything if item.operation == name]
    assert own
    assert [(item.document, item.status, item.errors) for item in own if item.errors] == []


def test_there_is_a_case_for_every_operation_and_no_other() -> None:
    assert {case.name for case in CASES} == set(NAMES)


def _routes() -> set[tuple[str, str]]:
    app = Platform().app
    return {
        (method, re.sub(r"{\w+}", "{}", route.path)) for route in app.routes if isinstance(route, Route) for method in route.methods or ()
    }


def test_every_operation_is_there() -> None:
    routes = _routes()
    for document in documents().values():
        for item in document.operations():
            assert (item.method, re.sub(r"{\w+}", "{}", item.base + item.path)) in routes, item.name


def test_the_published_page_is_that_of_a_fresh_run(everything: list[Outcome]) -> None:
    assert page.PAGE.read_text(encoding="utf-8") == report.markdown(everything, webhooks.seen()), "run: python3 run.py conformance"


# The checks check


async def test_a_wrong_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from workbench.simulator import voice_api

    monkeypatch.setattr(voice_api, "call_state", lambda call: {"callId": 5, "extra": True})
    found = {item.document: item.errors for item in await outcomes("getCallState") if item.status == 200}
    for errors in found.values():
        assert "answer: callId: 5 is not of type 'string'" in errors
        assert "answer: Additional properties are not allowed ('extra' was unexpected)" in errors
        assert "answer: 'accountId' is a required property" in errors
    assert set(found) == {"2026", "2023"}


async def test_a_wrong_status_and_a_wrong_error_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from starlette.responses import Response

    from workbench.simulator import voice_api

    monkeypatch.setattr(voice_api, "error", lambda *_: Response("no", 418))
    found = [item for item in await outcomes("getStatistics") if not item.skip and item.status >= 400]
    assert all(item.errors[0].startswith("answered 418") for item in found if item.status in (401, 403))


async def test_a_request_that_no_document_takes_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    case = replace(BY_NAME["updateConferenceMember"], body={"mute": False, "callIdsToCoach": None, "hold": None})
    monkeypatch.setitem(BY_NAME, case.name, replace(case, body={**case.body, "hold": "x"}))
    found = {item.status: item.errors for item in await outcomes(case.name) if item.document == "2026"}
    assert found[204][0].startswith("answered 400")
    assert "request: hold: 'x' is not of type 'boolean'" in found[404]
