"""The server that is attacked, and the means of the attacker."""

import json
from dataclasses import asdict, dataclass
from typing import Self

#: The sources of attacks, by name. Every address of 127.0.0.0/8 is this machine's own.
SOURCES = {
    "one": ("127.0.0.7",),
    "many": tuple(f"127.0.1.{number}" for number in range(1, 251)),
    "proxy": ("127.0.0.8",),
}
#: The address of the trusted proxy.
PROXY = SOURCES["proxy"][0]
#: The addresses that the proxy reports for the attacker and for the honest client (RFC 5737, documentation).
ATTACKER_BEHIND_PROXY, HONEST_BEHIND_PROXY = "198.51.100.7", "198.51.100.9"
#: The address of the honest client, where it does not come through the proxy.
HONEST = "127.0.0.9"


@dataclass(frozen=True)
class Target:
    """A server on this machine, and what an attacker with an account has there.

    ``rate`` is in bytes a second for all connections together. ``source`` is a key of ``SOURCES``. ``chunks`` and
    ``download`` are the paths of signed URLs; the chunks are those of the open upload ``upload_id``, ``chunk_size``
    bytes each.
    """

    port: int
    source: str
    seconds: float
    connections: int
    rate: int
    token: str = ""
    upload_id: str = ""
    chunk_size: int = 0
    chunks: tuple[str, ...] = ()
    download: str = ""

    @property
    def host(self) -> str:
        """The value of the Host header."""
        return f"127.0.0.1:{self.port}"

    def to_json(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Self:
        """Read what :meth:`to_json` has written."""
        values = json.loads(line)
        return cls(**{**values, "chunks": tuple(values["chunks"])})
