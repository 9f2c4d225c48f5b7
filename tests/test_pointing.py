"""`use_local`: programs that know only Bandwidth's own addresses meet a local platform."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import bandwidth
import httpx
import psutil
import pytest
import requests
import urllib3
from bandwidth import Configuration
from bandwidth.exceptions import ForbiddenException, UnauthorizedException

from workbench import WorkbenchError, use_local
from workbench.process import LocalProcess

pytestmark = pytest.mark.sockets

CALLS = "https://voice.bandwidth.com/api/v2/accounts/9900000/calls"
AUTH = ("local", "local")


@pytest.fixture(scope="module")
def platform() -> Iterator[LocalProcess]:
    process = LocalProcess()
    yield process
    process.close()


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """No platform runs after a test that did not run before, and urllib3 is as it was."""
    before, method = children(), urllib3.HTTPConnectionPool.urlopen
    yield
    assert children() == before
    assert urllib3.HTTPConnectionPool.urlopen is method


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}


def list_calls(configuration: Configuration, account: str = "9900000") -> Any:
    """What a program with Bandwidth's SDK does; it says nothing of a host."""
    with bandwidth.ApiClient(configuration) as client:
        return bandwidth.CallsApi(client).list_calls(account)


def test_a_platform_is_started_and_ends_with_the_block() -> None:
    with use_local() as local:
        assert list_calls(Configuration(username="local", password="local")) == []
        assert list_calls(Configuration(client_id="local-client", client_secret="local-secret")) == []
        assert local.state()["account"] == "9900000"
        assert local.phone("+15550100001").set(ring_seconds=0).number == "+15550100001"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{local.url}/_local/state")


def test_it_knows_what_the_code_will_send() -> None:
    known = {"account_id": "5500000", "username": "ann", "password": "pa:s,s", "client_id": "c", "client_secret": "s"}
    with use_local(**known, application_id="my-application", number="+15550100009") as local:
        assert list_calls(Configuration(username="ann", password="pa:s,s"), "5500000") == []
        assert list_calls(Configuration(client_id="c", client_secret="s"), "5500000") == []
        with pytest.raises(ForbiddenException):
            list_calls(Configuration(username="ann", password="pa:s,s"))
        with pytest.raises(UnauthorizedException):
            list_calls(Configuration(username="ann", password="local"), "5500000")
        state = local.state()
    assert [application["applicationId"] for application in state["applications"]] == ["my-application"]
    assert [entry["number"] for entry in state["numbers"]] == ["+15550100009"]


def test_it_knows_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BW_ACCOUNT_ID": "5500001", "BW_USERNAME": "bob", "BW_PASSWORD": "pass", "BW_NUMBER": "+15550100008"}.items():
        monkeypatch.setenv(name, value)
    with use_local(username="ann") as local:
        assert list_calls(Configuration(username="ann", password="pass"), "5500001") == []
        assert [entry["number"] for entry in local.state()["numbers"]] == ["+15550100008"]


def test_a_platform_that_runs(platform: LocalProcess) -> None:
    with use_local(platform.url, token=platform.token) as local:
        assert requests.get(CALLS, auth=AUTH, timeout=5).json() == []
        assert local.state()["account"] == "9900000"
    assert platform.running
    with use_local(f"{platform.url}/"):  # without its token the controls are closed and the APIs are open
        assert requests.get(CALLS, auth=AUTH, timeout=5).json() == []


def test_one_inside_another(platform: LocalProcess) -> None:
    with use_local(platform.url), use_local(account_id="5500002"):
        assert requests.get(CALLS, auth=AUTH, timeout=5).status_code == 403
    with use_local(platform.url):
        with use_local(account_id="5500002"):
            pass
        assert requests.get(CALLS, auth=AUTH, timeout=5).status_code == 200


def test_the_same_one_again_and_inside_itself(platform: LocalProcess) -> None:
    here = use_local(platform.url)
    with here, here:
        assert httpx.get(CALLS, auth=AUTH).status_code == 200
    with here:
        assert httpx.get(CALLS, auth=AUTH).status_code == 200


def test_an_error_inside_passes_through_and_ends_it() -> None:
    with pytest.raises(ZeroDivisionError), use_local():
        raise ZeroDivisionError


def test_threads_that_begin_inside_are_in_it(platform: LocalProcess) -> None:
    statuses: list[int] = []
    with use_local(platform.url):
        thread = threading.Thread(target=lambda: statuses.append(requests.get(CALLS, auth=AUTH, timeout=5).status_code))
        thread.start()
        thread.join()
    assert statuses == [200]


def test_decorated_functions(platform: LocalProcess) -> None:
    @use_local(platform.url)
    def ask(account: str, *, status: int) -> bool:
        """What it did before."""
        return requests.get(CALLS.replace("9900000", account), auth=AUTH, timeout=5).status_code == status

    @use_local(platform.url)
    async def wait() -> int:
        async with httpx.AsyncClient(auth=AUTH) as client:
            return (await client.get(CALLS)).status_code

    assert (ask.__name__, ask.__doc__) == ("ask", "What it did before.")
    assert ask("9900000", status=200) and ask("1", status=403)
    assert asyncio.run(wait()) == 200


def test_a_decorated_generator_would_run_outside_and_is_refused() -> None:
    def values() -> Iterator[int]:
        yield 1

    async def later() -> Any:
        yield 1

    for function in (values, later):
        with pytest.raises(TypeError, match="generator"):
            use_local()(function)


def test_a_platform_that_is_not_there_is_said_before_anything_is_sent() -> None:
    said = r"no local platform at http://127.0.0.1:1: start one with `python -m workbench.simulator`"
    with pytest.raises(WorkbenchError, match=said), use_local("http://127.0.0.1:1"):
        pytest.fail("the block must not begin")


def test_a_server_that_is_no_platform_is_told_apart() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.handle_request).start()
        with pytest.raises(WorkbenchError, match="501"), use_local(f"http://127.0.0.1:{server.server_address[1]}"):
            pytest.fail("the block must not begin")


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1:8010", "127.0.0.1:8010", "http://127.0.0.1:8010/api/v2", "http://a:b", "http://[", "http://"]
)
def test_what_is_no_place_of_a_platform(url: str) -> None:
    with pytest.raises(WorkbenchError, match=r"no URL|is not where a local platform is"), use_local(url):
        pytest.fail("the block must not begin")


def test_settings_that_a_platform_cannot_have() -> None:
    with pytest.raises(WorkbenchError, match=r"numbers: 5550100001 is not an E.164 telephone number"), use_local(number="5550100001"):
        pytest.fail("the block must not begin")
    with pytest.raises(TypeError, match=r"takes url, token, account_id, .*not account"):
        use_local(account="1")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="has its own account_id"):
        use_local("http://127.0.0.1:8010", account_id="1")
