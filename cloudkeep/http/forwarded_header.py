"""Parses what proxies report of their peers: ``X-Forwarded-For``, and ``Forwarded`` (RFC 7239), read from the right.

Each proxy appends at the right end, so this end is well-formed whatever a client wrote to the left of it: a quotation
mark that the client left open must not swallow what the first proxy wrote. What is malformed, empty or hidden is a
:class:`ForwardedElement` without an address, and it is never skipped: a proxy that could not name its peer must not
vouch for what stands to the left.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.core.hosts import Address, parse_address

#: Characters of ``Forwarded`` that are read, from the right: enough for a hundred elements.
_MAX_LENGTH = 8 * 1024

#: RFC 7239, section 6: a port may follow, and may be hidden. Some proxies write the same into X-Forwarded-For.
_NODE = re.compile(r"(?:([0-9.]+)|\[([^\]:]*:[^\]]*)\])(?::(?:\d{1,5}|_[A-Za-z0-9._-]+))?", re.ASCII)
#: A token (RFC 9110, section 5.6.2).
_TCHARS = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
#: One parameter and its end. Spaces around it, which the grammar does not allow, are accepted: some proxies write them.
_PARAMETER = re.compile(rf'[ \t]*(?:({_TCHARS})=(?:({_TCHARS})|"((?:[^"\\]|\\.)*)"))?[ \t]*(?:;|\Z)')
_QUOTED_PAIR = re.compile(r"\\(.)")
_QUOTE_OR_COMMA = re.compile('[",]')


@dataclass(frozen=True)
class ForwardedElement:
    """What one proxy reports of its peer: the address and, where they are reported, the scheme and the Host."""

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
    """The parameters by name; none at all when the element is malformed or has one of them twice."""
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
