"""The media types that a GraphQL client sends and accepts (RFC 9110, sections 8.3 and 12.5.1; GraphQL over HTTP)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

JSON = "application/json"
#: A response of this type has a meaningful status, because only a GraphQL server sends this type.
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"

#: The types of single responses, the default first.
RESPONSE_TYPES = (JSON, GRAPHQL_RESPONSE)
#: The types that are sent only to clients that name them: programs that send ``*/*`` expect JSON.
ONLY_BY_NAME = (EVENT_STREAM, HTML)

#: Most clients send the same few headers. Longer headers are not cached, because many of them would fill the memory.
_MAX_CACHED_LENGTH = 256
_CACHE_SIZE = 256
#: Characters of a header that are read. Browsers send fewer than 200; reading 64 KiB of ranges would take 60 ms.
_MAX_LENGTH = 2048


@dataclass(frozen=True)
class _Range:
    """A media range of an Accept header, its quality and its position there."""

    name: str
    quality: float
    position: int


def accepted(header: str) -> tuple[str, ...]:
    """The server's types that the client accepts, the preferred one first. Without a header it is JSON."""
    return _accepted(header) if len(header) > _MAX_CACHED_LENGTH else _accepted_cached(header)


@lru_cache(_CACHE_SIZE)
def is_json(header: str) -> bool:
    """Whether a Content-Type is JSON in UTF-8, the only encoding that RFC 8259, section 8.1, allows."""
    name, *parameters = header.split(";")
    return name.strip().lower() == JSON and _is_utf8(parameters)


def _accepted(header: str) -> tuple[str, ...]:
    if not header.strip():
        return (JSON,)
    ranges = list(_ranges(header))
    ranked = [(rank, name) for name in (*RESPONSE_TYPES, *ONLY_BY_NAME) if (rank := _rank(name, ranges))]
    return tuple(name for _, name in sorted(ranked, key=lambda pair: pair[0]))


_accepted_cached = lru_cache(_CACHE_SIZE)(_accepted)


def _ranges(header: str) -> Iterator[_Range]:
    for position, item in enumerate(header[:_MAX_LENGTH].split(",")):
        name, *parameters = item.split(";")
        if _is_utf8(parameters):
            yield _Range(name.strip().lower(), _quality(parameters), position)


def _rank(name: str, ranges: list[_Range]) -> tuple[float, int, int] | None:
    """The rank of a type, the preferred one lowest; None if it is not accepted. The most specific range decides."""
    patterns = (name,) if name in ONLY_BY_NAME else (name, "application/*", "*/*")
    for distance, pattern in enumerate(patterns):
        for each in ranges:
            if each.name == pattern:
                return (-each.quality, distance, each.position if distance == 0 else 0) if each.quality > 0 else None
    return None


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "q":
            try:
                return min(float(value), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def _is_utf8(parameters: list[str]) -> bool:
    """Whether the parameters name UTF-8, or no charset."""
    pairs = (parameter.partition("=") for parameter in parameters)
    charsets = [value.strip().strip('"').lower() for key, _, value in pairs if key.strip().lower() == "charset"]
    return all(charset in ("utf-8", "utf8") for charset in charsets)
