"""Fixtures of the scenarios: both sides joined in process, and a few times over sockets."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.scenarios.joined import Loop, World, start
from workbench import Workbench
from workbench.cassette import Cassette
from workbench.local import Local
from workbench.process import LocalProcess

REPLAYED = ("test_transfer", "test_bridge", "test_conference", "test_modes_contract")


def replayed(world: World) -> None:
    """Every flow is the same again: read back from its file, and put to the handlers there are."""
    for mode in world.parts.modes.values():
        for flow in mode.flows:
            cassette = world.wb.cassette(flow)
            assert Cassette.read(cassette.text()) == cassette
            found = world.wb.replay(cassette)
            assert found.same, found.difference


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """The platform's thread."""
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def workers() -> Iterator[ThreadPoolExecutor]:
    """The threads on which callbacks are answered; as many as the callback server has."""
    with ThreadPoolExecutor(16, "application") as workers:
        yield workers


@pytest.fixture
def world(request: pytest.FixtureRequest, loop: Loop, workers: ThreadPoolExecutor, tmp_path: Path) -> Iterator[World]:
    """Both sides in this process. What a scenario of the modes has done replays the same, unless it changed handlers in between."""
    world = start(loop, workers, tmp_path)
    yield world
    if request.module.__name__.endswith(REPLAYED) and "replaced" not in request.keywords:
        replayed(world)
    world.wb.close()
    assert world.joined is not None
    world.joined.close()
    assert world.wb.leftovers() == []
    assert loop.problems == []


@pytest.fixture(scope="module")
def child() -> Iterator[LocalProcess]:
    """A platform in a process of its own, shared by a module's tests."""
    process = LocalProcess()
    yield process
    process.close()


@pytest.fixture
def far_world(child: LocalProcess, tmp_path: Path) -> Iterator[World]:
    """Both sides over sockets."""
    workbench = Workbench(local_url=child.url, local_token=child.token, state_dir=tmp_path)
    world = World(workbench)
    yield world
    workbench.close()
    assert workbench.leftovers() == []
    platform = Local(child.url, child.token)
    platform.reset()
    platform.close()


@pytest.fixture(params=["in process", pytest.param("over sockets", marks=pytest.mark.sockets)])
def either_world(request: pytest.FixtureRequest) -> World:
    """The same scenario twice: joined in process, and over sockets with a platform in a process of its own."""
    found: World = request.getfixturevalue("world" if request.param == "in process" else "far_world")
    return found
