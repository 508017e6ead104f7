"""The messages for values that a setting does not accept. Each names the values that it does accept."""

from typing import Any, get_args

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

_RANGE = "must be between {low} and {high}, not {input}"
_NUMBER_ERRORS = ("int_parsing", "int_parsing_size", "int_from_float")
#: By the type of pydantic's error (https://docs.pydantic.dev/latest/errors/validation_errors). The first one is for the
#: ValueErrors of our own validators. Any other type keeps pydantic's message, which quotes no value.
MESSAGES = {
    "value_error": "{error}",
    **dict.fromkeys((*_NUMBER_ERRORS, "greater_than_equal", "less_than_equal"), _RANGE),
    "bool_parsing": "must be true or false, not {input}",
    "enum": "must be {words}, not {input}",
    "string_pattern_mismatch": "must be {title}, not {input}",
}


def message(details: ErrorDetails, field: FieldInfo) -> str:
    """The message for one of pydantic's errors about this setting."""
    template = MESSAGES.get(details["type"], "{msg}")
    return template.format(msg=details["msg"], input=quote(details["input"]), **details.get("ctx", {}), **_words(field))


def _words(field: FieldInfo) -> dict[str, Any]:
    """The words that describe the type of a setting."""
    if arguments := get_args(field.annotation):  # such as "Port | None"
        field = FieldInfo.from_annotation(arguments[0])
    limits = {type(limit): limit for limit in field.metadata}
    return {
        "low": limits[Ge].ge if Ge in limits else None,
        "high": limits[Le].le if Le in limits else None,
        "title": field.title,
        "words": " or ".join(getattr(field.annotation, "__members__", {}).values()),
    }


def quote(value: object) -> str:
    """A value as a message shows it, in 60 characters at most."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
