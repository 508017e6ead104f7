"""What an operator reads about a value that does not fit its setting: what is allowed, in words."""

from typing import Any, get_args

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from cloudkeep.settings.parsers import quote

_RANGE = "must be {unit}between {low} and {high}, not {input}"
_NUMBER_ERRORS = ("int_parsing", "int_parsing_size", "int_from_float", "float_parsing", "finite_number")
#: By the type of pydantic's error (https://docs.pydantic.dev/latest/errors/validation_errors). The first one is what
#: our own parsers raise; a type that is not here keeps pydantic's message, which quotes nothing.
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
    """How the type of a setting is described."""
    if arguments := get_args(field.annotation):  # of "Port | None" and its kin
        field = FieldInfo.from_annotation(arguments[0])
    limits = {type(limit): limit for limit in field.metadata}
    return {
        "unit": "a number of seconds " if field.annotation is float else "",
        "low": limits[Ge].ge if Ge in limits else None,
        "high": limits[Le].le if Le in limits else None,
        "title": field.title,
        "words": " or ".join(getattr(field.annotation, "__members__", {}).values()),
    }
