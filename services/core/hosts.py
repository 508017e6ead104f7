"""Hosts and ports as requests and settings name them (RFC 3986, section 3.2.2)."""

import re
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

#: Names, IPv4 addresses, or IPv6 addresses in brackets, and perhaps a port. Underscores are in names of containers.
_AUTHORITY = re.compile(r"([a-z0-9_](?:[a-z0-9_.-]{0,253}[a-z0-9_.])?|\[[0-9a-f:.]{2,45}\])(?::(\d{0,5}))?", re.ASCII)
_MAX_PORT = 65_535
LOCALHOST = "localhost"


@dataclass(frozen=True)
class Authority:
    """A host in lower case, an IPv6 address in brackets, and the port if there is one."""

    host: str
    port: int | None = None

    def __str__(self) -> str:
        return self.host if self.port is None else f"{self.host}:{self.port}"

    @cached_property
    def address(self) -> Address | None:
        """The address where the host is one and not a name."""
        return parse_address(self.host.strip("[]"))


def parse_address(text: str) -> Address | None:
    """An address without its zone. An IPv4 address that is mapped into IPv6 becomes one of IPv4."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def is_loopback(host: str) -> bool:
    """Whether a host in lower case is the machine itself: a loopback address, or a loopback name (RFC 6761, 6.3)."""
    address = parse_address(host.strip("[]"))
    return address.is_loopback if address else host == LOCALHOST or host.endswith(f".{LOCALHOST}")


def parse_authority(text: str) -> Authority:
    """The parts of ``host`` or ``host:port``. Raises ValueError for anything else."""
    match = _AUTHORITY.fullmatch(text.lower())
    port = int(match[2]) if match and match[2] else None
    if not match or port == 0 or (port or 0) > _MAX_PORT:
        raise ValueError("is neither host nor host:port")
    authority = Authority(match[1], port)
    if authority.host.startswith("[") and not isinstance(ip_address(authority.host[1:-1]), IPv6Address):
        raise ValueError("is no IPv6 address in brackets")
    return authority


def to_ascii(host: str) -> str:
    """A host as browsers send it: in lower case, international names in Punycode. Raises ValueError."""
    return host.lower() if host.isascii() else host.encode("idna").decode("ascii").lower()
