"""Asks the API on this machine whether it is ready."""

import asyncio
import json
from contextlib import suppress
from typing import NamedTuple

_TIMEOUT_SECONDS = 5.0


class Readiness(NamedTuple):
    """Whether the API accepts requests, whether nothing is missing or degraded, and a line that describes it.

    The line is empty where there was no response.
    """

    is_ready: bool
    is_whole: bool
    line: str


async def check_readiness(host: str, port: int) -> Readiness:
    """Request ``/readyz``. HTTP is written by hand here, because loading a client takes half a second."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                response = await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return Readiness(False, False, "")
    headers, _, body = response.decode(errors="replace").partition("\r\n\r\n")
    return _parse(headers.startswith("HTTP/1.1 200 "), body)


def _parse(is_ready: bool, body: str) -> Readiness:
    document = {}
    with suppress(ValueError, TypeError):
        document = dict(json.loads(body))
    if not is_ready:
        return Readiness(False, False, str(document.get("detail", "")))
    degraded = ", ".join(map(str, document.get("degraded", ())))
    return Readiness(True, not degraded, f"Ready, but degraded: {degraded}." if degraded else "Ready.")
