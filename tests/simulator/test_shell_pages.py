"""The pages of their own: open to a browser without the token of a start, and strict about what they may load."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest

from .shell import PHONE, Platform


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    platform = Platform(token="of this start")
    yield platform.client()
    await platform.close()


@pytest.mark.parametrize("path", ["/_local/softphone", f"/_local/handset/{PHONE}"])
async def test_a_page_loads_only_what_is_there(http: httpx.AsyncClient, path: str) -> None:
    page = await http.get(path)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self' blob:;") and "unsafe" not in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "style=" not in page.text and "<script>" not in page.text, "the policy lets nothing in the page itself run"
    wanted = re.findall(r'(?:src|href)="(/[^"]+)"', page.text)
    assert len(wanted) == 3
    while wanted:
        name = wanted.pop()
        answer = await http.get(name)
        assert answer.status_code == 200, name
        assert answer.headers["content-type"].split(";")[0] in ("text/css", "text/javascript")
        if name.endswith(".js"):
            wanted += [f"/_local/browser/{one}" for one in re.findall(r'from "\./([\w.]+)"', answer.text)]


@pytest.mark.parametrize("name", ["nothing.js", "..%2f__init__.py", "softphone", "%2e%2e", "elements.js/x"])
async def test_nothing_else_is_served(http: httpx.AsyncClient, name: str) -> None:
    assert (await http.get(f"/_local/browser/{name}")).status_code == 404


async def test_a_page_is_only_read(http: httpx.AsyncClient) -> None:
    assert (await http.post("/_local/softphone")).status_code == 405
