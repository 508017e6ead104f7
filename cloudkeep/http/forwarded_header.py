"""Parses the headers in which proxies report their peers: ``X-Forwarded-For`` and ``Forwarded`` (RFC 7239).

Each proxy appends an element at the right end. Elements are read from there, because those to the left may be from the
client: a quotation mark that the client has left open must not hide the element of the first proxy. A malformed, empty
or hidden element is a :class:`ForwardedElement` without an address. It is never skipped, because a proxy that has not
named its peer does not confirm the elements to the left.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.core.hosts import Address, parse_address

#: The number of characters of ``Forwarded`` that are read, from the right: enough for a hundred elements.
_MAX_LENGTH = 8 * 1024

#: An address with an optional port, which may be obfuscated (RFC 7239, section 6). Some proxies write ports into
#: X-Forwarded-For as well.
_NODE = re.compile(r"(?:([0-9.]+)|\[([^\]:]*:[^\]]*)\])(?::(?:\d{1,5}|_[A-Za-z0-9._-]+))?", re.ASCII)
#: A token (RFC 9110, section 5.6.2).
_TCHARS = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
#: One parameter and its end. Spaces around it are accepted, because some proxies write them against the grammar.
_PARAMETER = re.compile(rf'[ \t]*(?:({_TCHARS})=(?:({_TCHARS})|"((?:[^"\\]|\\.)*)"))?[ \t]*(?:;|\Z)')
_QUOTED_PAIR = re.compile(r"\\(.)")
_QUOTE_OR_COMMA = re.compile('[",]')


@dataclass(frozen=True)
class ForwardedElement:
    """The peer that one proxy reports: its address and, if the proxy reports them, the scheme and the Host it used."""

    address: Address | None
    scheme: str | None = None
    host: str | None = None


def parse_x_forwarded_for(value: str) -> Iterator[ForwardedElement]:
    """The elements of ``X-Forwarded-For``, the last one first."""
    end = len(value)
    while end >= 0:
        comma = value.rfind(",", 0, end)
        entry = value[comma + 1 : end].strip(" \t")
        yield ForwardedElement(_parse_node(entry) or parse_address(entry))
        end = comma


def parse_forwarded(value: str) -> Iterator[ForwardedElement]:
    """The elements of ``Forwarded``, the last one first."""
    return map(_parse_element, _split(value[-_MAX_LENGTH:]))


def _split(value: str) -> Iterator[str]:
    end, is_quoted = len(value), False
    for match in reversed(list(_QUOTE_OR_COMMA.finditer(value))):
        start = match.start()
        if match[0] == '"':
            is_quoted ^= not _is_escaped(value, start)
        elif not is_quoted:
            yield value[start + 1 : end]
            end = start
    yield value[:end]


def _is_escaped(value: str, start: int) -> bool:
    first = start
    while first and value[first - 1] == "\\":
        first -= 1
    return (start - first) % 2 == 1


def _parse_element(element: str) -> ForwardedElement:
    parameters = _parse_parameters(element)
    return ForwardedElement(_parse_node(parameters.get("for", "")), parameters.get("proto"), parameters.get("host"))


def _parse_parameters(element: str) -> dict[str, str]:
    """The parameters by name. There are none if the element is malformed or has a parameter twice."""
    parameters: dict[str, str] = {}
    position = 0
    while position < len(element):
        match = _PARAMETER.match(element, position)
        name = match[1].lower() if match and match[1] else None
        if not match or name in parameters:
            return {}
        if name:
            parameters[name] = match[2] or _QUOTED_PAIR.sub(r"\1", match[3] or "")
        position = match.end()
    return parameters


def _parse_node(text: str) -> Address | None:
    match = _NODE.fullmatch(text)
    return parse_address(match[1] or match[2]) if match else None
