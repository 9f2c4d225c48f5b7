"""Fixtures of the simulator's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .shell import Platform


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    """A platform in process whose clock stands still."""
    platform = Platform()
    yield platform
    await platform.close()
