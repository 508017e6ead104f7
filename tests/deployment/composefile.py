"""A Compose file as ``docker compose`` reads it: merge keys resolved and variables replaced."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

_VARIABLE = re.compile(r"\$\$|\$\{(\w+)(?:(:-|:\?)((?:[^${}]|\$\{[^{}]*\})*))?\}|\$")


class VariableMissing(ValueError):
    """A ``${NAME:?message}`` without a value. The message is the file's."""


def load(path: Path, variables: Mapping[str, str]) -> Any:
    """The file's content. Raises :class:`VariableMissing`."""
    return _replaced(YAML(typ="safe", pure=True).load(path), variables)


def _replaced(value: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(each, variables) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each, variables) for each in value]
    return interpolated(value, variables) if isinstance(value, str) else value


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """``${NAME}``, ``${NAME:-default}``, ``${NAME:?message}`` and ``$$``, as the Compose Specification has them."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        if not found[1]:
            raise ValueError(f"a lone $ in {text!r}")
        given = variables.get(found[1], "")
        if given or not found[2]:
            return given
        if found[2] == ":?":
            raise VariableMissing(f"{found[1]}: {found[3]}")
        return interpolated(found[3], variables)

    return _VARIABLE.sub(value, text)


def environment_file(text: str) -> dict[str, str]:
    """The variables of an ``.env``."""
    lines = (line.partition("=") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: value for name, _, value in lines}
