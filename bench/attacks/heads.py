"""Request heads that never end, and more requests at once than a client needs."""

from bench.attacks.attacker import Attacker

BLOCK = 16 * 1024


async def endless_header(attacker: Attacker) -> None:
    """One header that never ends."""
    await attacker.flood(attacker.head("GET", "/healthz", end="X-Long: "), b"a" * BLOCK)


async def many_headers(attacker: Attacker) -> None:
    """Small headers without an end."""
    await attacker.flood(attacker.head("GET", "/healthz", end=""), b"X-A: a\r\n" * (BLOCK // 8))


async def endless_target(attacker: Attacker) -> None:
    """A request line that never ends."""
    await attacker.flood(b"GET /", b"a" * BLOCK)


async def pipelined_requests(attacker: Attacker) -> None:
    """Requests that do not wait for the response to the one before."""
    await attacker.flood(b"", attacker.head("GET", "/healthz") * 100, 4)


async def half_heads(attacker: Attacker) -> None:
    """Connections that have sent half of a head."""
    await attacker.crowd(attacker.head("GET", "/healthz", end="X-Half: "))


async def idle_connections(attacker: Attacker) -> None:
    """Connections that have sent nothing."""
    await attacker.crowd(b"")
