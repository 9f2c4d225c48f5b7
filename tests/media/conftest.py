"""Tests of this folder open sockets; those of one module share a platform and one event loop."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.media.stage import Stage, staged


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform() -> AsyncIterator[Stage]:
    """The platform of a module."""
    async with staged() as stage:
        yield stage


@pytest_asyncio.fixture(loop_scope="module")
async def stage(platform: Stage) -> AsyncIterator[Stage]:
    """It, as at first, and tidied up afterwards."""
    yield platform
    await platform.reset()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "platform" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.sockets)
