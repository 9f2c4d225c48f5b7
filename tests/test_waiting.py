"""Waits for events, as far as they need no platform."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time

import pytest

from workbench.waiting import Waits, Wanted


@pytest.mark.skipif(os.name == "nt", reason="signals to oneself")
def test_an_interrupted_kernel_ends_a_wait_at_once():
    async def cell() -> None:
        await Waits().wait_for(Wanted("answer", None, lambda: None), 30)

    async def run() -> None:
        task = asyncio.create_task(cell())
        # As ipykernel does it: the handler cancels the task, and wakes nobody.
        former = signal.signal(signal.SIGINT, lambda *_: task.cancel())
        try:
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            await task
        finally:
            signal.signal(signal.SIGINT, former)

    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert time.monotonic() - began < 5
