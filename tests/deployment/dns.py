"""A name server on 127.0.0.1 that knows one name, like that of the engine for the name of a service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Address

_A, _IN = 1, 1


class NameServer(asyncio.DatagramProtocol):
    """Answers every query with ``addresses``, which may change (RFC 1035, section 4)."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.transport: asyncio.DatagramTransport

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self.transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one query."""
        end = data.index(0, 12) + 5
        question, kind = data[12:end], int.from_bytes(data[end - 4 : end - 2])
        found = [IPv4Address(each).packed for each in self.addresses] if kind == _A else []
        head = data[:2] + (0x8580).to_bytes(2) + (1).to_bytes(2) + len(found).to_bytes(2) + bytes(4)
        record = (0xC00C).to_bytes(2) + _A.to_bytes(2) + _IN.to_bytes(2) + bytes(4) + (4).to_bytes(2)
        self.transport.sendto(head + question + b"".join(record + address for address in found), addr)


@asynccontextmanager
async def name_server(addresses: list[str]) -> AsyncIterator[NameServer]:
    """Run a name server on a free port."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: NameServer(addresses), ("127.0.0.1", 0))
    server.transport = transport
    try:
        yield server
    finally:
        transport.close()
