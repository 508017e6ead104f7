"""Commands as processes, which tests can interrupt."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from tests.cloudkeep.client.accounts.conftest import SECONDS, Ended, heed_interrupts


async def start(server: str, token: str, *arguments: str | Path) -> Process:
    """Start ``cloudkeep`` with these arguments, for this server and account."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", *map(str, arguments)),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "CLOUDKEEP_URL": server, "CLOUDKEEP_TOKEN": token},
        preexec_fn=heed_interrupts,
    )


async def end(process: Process) -> Ended:
    """Wait for its end."""
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate()
    return Ended(process.returncode, out.decode().splitlines(), err.decode().splitlines())


async def run(server: str, token: str, *arguments: str | Path) -> Ended:
    """Run ``cloudkeep`` to its end."""
    return await end(await start(server, token, *arguments))
