"""The content coding of a response, chosen by Accept-Encoding (RFC 9110, section 12.5.3)."""

from collections.abc import Iterator
from functools import lru_cache

#: The codings that a build has, the smallest first, and the ending of their files.
SUFFIXES = {"br": ".br", "gzip": ".gz"}
#: Browsers send a few headers. A longer one is cut, so that nobody can keep the process busy or fill its memory.
_MAX_LENGTH = 256


def accepted_encodings(header: str) -> tuple[str, ...]:
    """The codings that the client accepts, the preferred one first, and of equal ones the smallest."""
    return _accepted(header[:_MAX_LENGTH].lower())


@lru_cache(64)
def _accepted(header: str) -> tuple[str, ...]:
    qualities = dict(_qualities(header))
    other = qualities.get("*", 0.0)
    ranked = {name: qualities.get(name, other) for name in SUFFIXES}
    plain = qualities.get("identity", 0.0)
    wanted = [name for name, quality in ranked.items() if quality > 0 and quality >= plain]
    return tuple(sorted(wanted, key=lambda name: -ranked[name]))


def _qualities(header: str) -> Iterator[tuple[str, float]]:
    for item in header.split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        yield name, next((_number(value[2:]) for value in parameters if value.startswith("q=")), 1.0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
