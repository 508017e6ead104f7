"""What proxies write of whoever spoke to them: ``X-Forwarded-For``, and ``Forwarded`` (RFC 7239), read from the right.

Each proxy adds at the right end, so that this end is well-formed whatever a client wrote left of it: a quotation mark
that the client left open must not swallow what the first proxy says. What is malformed, empty or hidden is a
:class:`Hop` without an address, and it is never skipped: a proxy that could not say who spoke to it must not lend its
credit to what stands left of it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

#: Characters of ``Forwarded`` that are read, from the right: room for a hundred elements.
_LONGEST = 8 * 1024

#: RFC 7239, section 6: a port may follow, and may be hidden. Some proxies write the same into X-Forwarded-For.
_NODE = re.compile(r"(?:([0-9.]+)|\[([^\]:]*:[^\]]*)\])(?::(?:\d{1,5}|_[A-Za-z0-9._-]+))?", re.ASCII)
#: A token of RFC 9110, section 5.6.2.
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
#: One parameter and what ends it. Around it space is taken, which the grammar does not have but people write.
_PARAMETER = re.compile(rf'[ \t]*(?:({_WORD})=(?:({_WORD})|"((?:[^"\\]|\\.)*)"))?[ \t]*(?:;|\Z)')
_ESCAPED = re.compile(r"\\(.)")
_MARK = re.compile('[",]')


@dataclass(frozen=True)
class Hop:
    """What one proxy says of whoever spoke to it: by which address and, where it says so, by which scheme."""

    address: Address | None
    scheme: str | None = None


def parse_address(text: str) -> Address | None:
    """An address without the zone that it has on some machine; one of IPv4 that is mapped into IPv6 is of IPv4."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def x_forwarded_for(value: str) -> Iterator[Hop]:
    """The hops of ``X-Forwarded-For``, the last one first."""
    end = len(value)
    while end >= 0:
        comma = value.rfind(",", 0, end)
        entry = value[comma + 1 : end].strip(" \t")
        yield Hop(_node(entry) or parse_address(entry))
        end = comma


def forwarded(value: str) -> Iterator[Hop]:
    """The hops of ``Forwarded``, the last one first."""
    return map(_hop, _elements(value[-_LONGEST:]))


def _elements(value: str) -> Iterator[str]:
    end, quoted = len(value), False
    for mark in reversed(list(_MARK.finditer(value))):
        start = mark.start()
        if mark[0] == '"':
            quoted ^= not _is_escaped(value, start)
        elif not quoted:
            yield value[start + 1 : end]
            end = start
    yield value[:end]


def _is_escaped(value: str, start: int) -> bool:
    first = start
    while first and value[first - 1] == "\\":
        first -= 1
    return (start - first) % 2 == 1


def _hop(element: str) -> Hop:
    parameters = _parameters(element)
    return Hop(_node(parameters.get("for", "")), parameters.get("proto"))


def _parameters(element: str) -> dict[str, str]:
    """The parameters by name; none at all when the element is malformed or one of them comes twice."""
    found: dict[str, str] = {}
    place = 0
    while place < len(element):
        parameter = _PARAMETER.match(element, place)
        name = parameter[1].lower() if parameter and parameter[1] else None
        if not parameter or name in found:
            return {}
        if name:
            found[name] = parameter[2] or _ESCAPED.sub(r"\1", parameter[3] or "")
        place = parameter.end()
    return found


def _node(text: str) -> Address | None:
    found = _NODE.fullmatch(text)
    return parse_address(found[1] or found[2]) if found else None
