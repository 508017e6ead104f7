"""Sizes and times with units, such as ``10GB``, ``500GiB``, ``6h`` or ``1h30m``.

pydantic's ``ByteSize`` accepts ``10GB or so`` and ``1bit``, and its ``timedelta`` knows neither ``6h`` nor ``1h30m``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from cloudkeep.settings.messages import quote

Value = TypeVar("Value")
T = TypeVar("T")

#: SI prefixes count by 1000 (https://www.bipm.org/en/measurement-units/si-prefixes), IEC 80000-13's by 1024.
#: ``10G`` alone is refused: programs disagree whether it is 10 GB or 10 GiB.
SIZE_UNITS: dict[str, int] = {
    "b": 1,
    **{f"{prefix}b": 1000**power for power, prefix in enumerate("kmgtp", start=1)},
    **{f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgtp", start=1)},
}
SECONDS_BY_UNIT = {
    "ms": Decimal("0.001"),
    "s": Decimal(1),
    "m": Decimal(60),
    "min": Decimal(60),
    "h": Decimal(60 * 60),
    "d": Decimal(24 * 60 * 60),
    "w": Decimal(7 * 24 * 60 * 60),
}

#: A double counts bytes up to here exactly (2^53), as do clients in JavaScript.
LARGEST_SIZE = 2**53

_NUMBER = r"\d{1,16}(?:\.\d{1,9})?"
_SIZE = re.compile(rf"({_NUMBER})\s*([A-Za-z]*)", re.ASCII)
_PART = re.compile(rf"({_NUMBER})\s*([A-Za-z]+)\s*", re.ASCII)
_DURATION = re.compile(rf"{_NUMBER}|(?:{_PART.pattern})+", re.ASCII)


def parse_size(text: str, default_unit: str = "B") -> int | None:
    """The bytes of a size, rounded to whole ones, or None. The case of the unit does not matter.

    A number without a unit counts ``default_unit``.
    """
    match = _SIZE.fullmatch(text.strip())
    factor = SIZE_UNITS.get((match[2] or default_unit).lower()) if match else None
    if not match or factor is None or (factor == 1 and "." in match[1]):
        return None
    return int((Decimal(match[1]) * factor).to_integral_value())


def parse_duration(text: str) -> Decimal | None:
    """The seconds of a time such as ``90s`` or ``1h30m``, or None. The case of the units does not matter."""
    text = text.strip()
    if not _DURATION.fullmatch(text):
        return None
    parts = _PART.findall(text) or [(text, "s")]
    if not all(unit.lower() in SECONDS_BY_UNIT for _, unit in parts):
        return None
    return sum((Decimal(number) * SECONDS_BY_UNIT[unit.lower()] for number, unit in parts), Decimal())


@dataclass(frozen=True)
class SizeBetween:
    """A validator for a size. ``low`` and ``high`` are bytes, or bytes per second if ``what`` says so.

    A number without a unit counts ``default_unit``.
    """

    low: int
    high: int
    what: str = "a size"
    default_unit: str = "B"

    def __call__(self, value: str | int) -> int:
        """The size in bytes. Raises ValueError, whose message has the allowed range."""
        size = parse_size(value, self.default_unit) if isinstance(value, str) else value
        if size is None or not self.low <= size <= self.high:
            unit = "bytes" if self.default_unit == "B" else self.default_unit
            raise ValueError(
                f"must be {self.what} between {format_size(self.low)} and {format_size(self.high)}, "
                f"as in 10GB or 500GiB (a number without a unit counts {unit}), not {quote(value)}"
            )
        return size


@dataclass(frozen=True)
class DurationBetween:
    """A validator for a time. ``low`` and ``high`` are seconds. With ``whole``, fractions of a second are refused."""

    low: float
    high: float
    whole: bool = False

    def __call__(self, value: str | float) -> float:
        """The time in seconds. Raises ValueError, whose message has the allowed range."""
        seconds = parse_duration(value) if isinstance(value, str) else value
        if seconds is None or not self.low <= seconds <= self.high or (self.whole and seconds % 1):
            raise ValueError(
                f"must be a time between {format_duration(self.low)} and {format_duration(self.high)}, "
                f"as in 90s, 15m, 6h, 7d or 1h30m (a number without a unit counts seconds), not {quote(value)}"
            )
        return float(seconds)


def or_none(validate: Callable[[Value], T], *words: str) -> Callable[[Value | None], T | None]:
    """A validator for what ``validate`` takes, or for one of these words, in upper or lower case, for no limit."""

    def validate_or_none(value: Value | None) -> T | None:
        return None if value is None or str(value).strip().lower() in words else validate(value)

    return validate_or_none


def format_size(size: int) -> str:
    """Bytes in the largest binary unit that needs no fraction, as ``parse_size`` reads it: ``8PiB``."""
    exact = [unit for unit, factor in SIZE_UNITS.items() if unit.endswith("ib") and size and size % factor == 0]
    if not exact:
        return f"{size}B"
    return f"{size // SIZE_UNITS[exact[-1]]}{exact[-1][0].upper()}iB"


def format_duration(seconds: float) -> str:
    """Seconds in the largest unit up to days that needs no fraction, as ``parse_duration`` reads it: ``15m``."""
    exact = Decimal(str(seconds))
    unit = next((unit for unit in "dhm" if exact and exact % SECONDS_BY_UNIT[unit] == 0), "s")
    return f"{(exact / SECONDS_BY_UNIT[unit]).normalize():f}{unit}"
