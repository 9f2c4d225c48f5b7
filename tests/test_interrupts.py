"""What is done when a cell is interrupted, in a real kernel."""

from __future__ import annotations

import asyncio

from jupyter_client.manager import start_new_async_kernel

from workbench.interrupts import when_interrupted

BEGIN = """
import asyncio
from workbench.interrupts import when_interrupted
done = []
end = when_interrupted(lambda: done.append(1))

async def waits():
    print("waiting")
    while True:
        await asyncio.sleep(0.01)
"""
COMPUTES = "print('computing')\nwhile True: pass"


def test_outside_a_notebook_there_are_no_cells():
    when_interrupted(lambda: None)()


async def test_every_interrupted_cell_is_heard_until_it_ends():
    manager, client = await start_new_async_kernel()

    async def run(code: str, *, interrupt: bool = False) -> str:
        said: list[str] = []
        sent: list[asyncio.Task[None]] = []

        def hear(message: dict) -> None:
            said.append(str(message["content"].get("text", "")))
            if interrupt and message["msg_type"] == "stream":
                sent.append(asyncio.create_task(manager.interrupt_kernel()))

        await client.execute_interactive(code, timeout=20, output_hook=hear)
        return "".join(said).strip()

    try:
        await run(BEGIN)
        await run("1 / 0")
        assert await run("print(len(done))") == "0"
        await run("await waits()", interrupt=True)
        assert await run("print(len(done))") == "1"
        await run(COMPUTES, interrupt=True)
        assert await run("print(len(done))") == "2"
        await run("end(); end()")
        await run(COMPUTES, interrupt=True)
        assert await run("print(len(done))") == "2"
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
