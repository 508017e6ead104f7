"""``cloudkeep health``: the health check of a container, which needs no HTTP client of its own."""

import asyncio
import sys
from urllib.parse import urlsplit

from cloudkeep.client.running_server import find_server
from cloudkeep.settings.parsers import reachable_host
from cloudkeep.settings.settings import Settings
from cloudkeep.supervisor.readiness import check_readiness
from cloudkeep.supervisor.worker_identity import FRESH_SECONDS, living_workers

HEALTHY, UNHEALTHY = 0, 1


async def api_health(settings: Settings) -> int:
    """Print what the API of this data folder answers on /readyz. Returns the exit code."""
    host, port = reachable_host(settings.host), settings.port
    if url := find_server(settings.data_dir):
        parts = urlsplit(url)
        host, port = parts.hostname or host, parts.port or port
    api = await check_readiness(host, port)
    no_answer = f"No answer on port {port} for the data folder {settings.data_dir}."
    return _print(HEALTHY if api.is_ready else UNHEALTHY, api.line or no_answer)


async def worker_health(settings: Settings) -> int:
    """Print which workers of this data folder have sent a heartbeat lately. Returns the exit code."""
    silence = await asyncio.to_thread(living_workers, settings.data_dir, settings.worker_name)
    silent = sorted(name for name, seconds in silence.items() if seconds > FRESH_SECONDS)
    if not silence:
        return _print(UNHEALTHY, f"No worker runs in {settings.data_dir}.")
    if silent:
        return _print(UNHEALTHY, f"No heartbeat for more than {FRESH_SECONDS:g} s: {', '.join(silent)}.")
    return _print(HEALTHY, f"Running: {', '.join(sorted(silence))}.")


def _print(code: int, line: str) -> int:
    sys.stdout.write(f"{line}\n")
    return code
