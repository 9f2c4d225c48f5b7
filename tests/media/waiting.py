"""Waiting for what must come, never for a number of seconds."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any


async def until(happened: Callable[[], Any], seconds: float = 10.0, what: str = "what was waited for") -> Any:
    """The first true value of `happened`, asked again and again; it may be a coroutine's."""
    end = time.monotonic() + seconds
    while True:
        value = happened()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: {value!r} after {seconds} s")
        await asyncio.sleep(0.01)
