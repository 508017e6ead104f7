"""Signs of life from a child to the supervisor, over a pipe that the child inherits.

The event loop sends them: the first one says that the process is ready, and when none comes any more, it stands still.
"""

import asyncio
import os
from contextlib import suppress

BEAT_SECONDS = 1.0


async def beat(pipe: int) -> None:
    """Send signs of life for ever. A supervisor that is gone, or reads none, stops nothing."""
    os.set_blocking(pipe, False)
    while True:
        with suppress(OSError):
            os.write(pipe, b".")
        await asyncio.sleep(BEAT_SECONDS)
