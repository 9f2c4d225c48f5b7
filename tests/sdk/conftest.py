"""One platform as a process of its own, and an application on a socket, for all tests with Bandwidth's SDK."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sdk.application import Application
from tests.sdk.program import BASIC, OAUTH2, Program
from workbench.local import Local
from workbench.process import LocalProcess


@pytest.fixture(scope="session")
def local() -> Iterator[Local]:
    process = LocalProcess()
    handle = Local(process.url, process.token)
    yield handle
    handle.close()
    process.close()


@pytest.fixture(scope="session")
def application() -> Iterator[Application]:
    server = Application()
    yield server
    server.close()


@pytest.fixture(scope="session", params=[BASIC, OAUTH2], ids=["basic", "oauth2"])
def program(request: pytest.FixtureRequest, local: Local, application: Application) -> Program:
    return Program(local, application, request.param)
