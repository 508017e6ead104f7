"""Which media types a GraphQL client sends and wants (RFC 9110, sections 8.3 and 12.5.1; GraphQL over HTTP, Accept)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

JSON = "application/json"
#: Of which a client knows that it comes from a GraphQL server, so that its status says something.
RESPONSE = "application/graphql-response+json"
EVENTS = "text/event-stream"
HTML = "text/html"

#: In the order in which they are chosen when the client does not mind.
ANSWERS = (JSON, RESPONSE)
#: Given to whoever names them: ``*/*`` comes from programs that read JSON.
ONLY_BY_NAME = (EVENTS, HTML)

#: Clients send the same few headers; a longer one is not worth remembering, and many would fill the memory.
_LONGEST_REMEMBERED = 256
_REMEMBERED = 256


@dataclass(frozen=True)
class _Range:
    """A media range of an Accept header, and how much it is wanted; ``place`` is where it stands."""

    name: str
    quality: float
    place: int


def accepted(header: str) -> tuple[str, ...]:
    """The types of ours that the client takes, the one it wants most first; without a header it is JSON."""
    return _accepted(header) if len(header) > _LONGEST_REMEMBERED else _remembered(header)


@lru_cache(_REMEMBERED)
def is_json(header: str) -> bool:
    """Whether a Content-Type promises JSON in UTF-8 (RFC 8259, section 8.1, knows no other)."""
    name, *parameters = header.split(";")
    return name.strip().lower() == JSON and _is_utf8(parameters)


def _accepted(header: str) -> tuple[str, ...]:
    if not header.strip():
        return (JSON,)
    ranges = list(_ranges(header))
    wanted = [(rank, name) for name in (*ANSWERS, *ONLY_BY_NAME) if (rank := _rank(name, ranges))]
    return tuple(name for _, name in sorted(wanted, key=lambda pair: pair[0]))


_remembered = lru_cache(_REMEMBERED)(_accepted)


def _ranges(header: str) -> Iterator[_Range]:
    for place, item in enumerate(header.split(",")):
        name, *parameters = item.split(";")
        if _is_utf8(parameters):
            yield _Range(name.strip().lower(), _quality(parameters), place)


def _rank(name: str, ranges: list[_Range]) -> tuple[float, int, int] | None:
    """The smaller, the more it is wanted; None when it is not. The most specific range decides."""
    patterns = (name,) if name in ONLY_BY_NAME else (name, "application/*", "*/*")
    for distance, pattern in enumerate(patterns):
        for found in ranges:
            if found.name == pattern:
                return (-found.quality, distance, found.place if distance == 0 else 0) if found.quality > 0 else None
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
    """Whether the parameters leave the encoding open or name ours."""
    pairs = (parameter.partition("=") for parameter in parameters)
    given = [value.strip().strip('"').lower() for key, _, value in pairs if key.strip().lower() == "charset"]
    return all(value in ("utf-8", "utf8") for value in given)
