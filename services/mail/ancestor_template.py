"""The template of the program that CloudKeep descends from: a JSON file with the subject and body of one mail.

Nothing in it is a placeholder: braces and percent signs stay what they are. The code is on a line below the body.
"""

import json
import re
from dataclasses import dataclass

from services.mail.sandbox import TemplateFault
from services.mail.template import LONGEST_SUBJECT, Rendered, Values, check_characters, one_line

KEYS = ("subject", "body")


@dataclass(frozen=True)
class AncestorTemplate:
    """The mail of a registration, in every language."""

    subject: str
    body: str

    def render(self, values: Values) -> Rendered:
        """The mail with the code."""
        return Rendered(one_line(self.subject), f"{self.body}\n\n{values['code']}\n", None)


def parse_ancestor_template(source: str) -> AncestorTemplate:
    """Parse the JSON text. Raises :class:`services.mail.sandbox.TemplateFault`."""
    try:
        document = json.loads(source, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as error:
        raise TemplateFault(f"is not JSON: {error.msg}", error.lineno) from None
    except (RecursionError, ValueError):  # a number of thousands of digits
        raise TemplateFault("must be an object with the keys 'subject' and 'body'", 1) from None
    if not isinstance(document, dict):
        raise TemplateFault("must be an object with the keys 'subject' and 'body'", 1)
    for key in document:
        if key not in KEYS:
            raise TemplateFault(
                f"has the unknown key {key[:40]!r}; the keys are 'subject' and 'body'", _line(source, key)
            )
    values = {key: _text_of(document, key, source) for key in KEYS}
    if not values["subject"].strip() or "\n" in values["subject"] or len(values["subject"]) > LONGEST_SUBJECT:
        reason = f"the subject must be one line of 1 to {LONGEST_SUBJECT} characters"
        raise TemplateFault(reason, _line(source, "subject"))
    return AncestorTemplate(values["subject"], values["body"].rstrip("\n"))


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key is there twice")
    return document


def _text_of(document: dict[str, object], key: str, source: str) -> str:
    if key not in document:
        raise TemplateFault(f"lacks the key {key!r}", 1)
    value = document[key]
    if not isinstance(value, str):
        raise TemplateFault(f"{key!r} must be a text", _line(source, key))
    try:
        value.encode()
        check_characters(value := value.replace("\r\n", "\n"))
    except (UnicodeEncodeError, TemplateFault):
        raise TemplateFault(f"{key!r} has a character that cannot be in a mail", _line(source, key)) from None
    return value


def _line(source: str, key: str) -> int:
    """The line on which a key is; 1 if it is written with escapes."""
    found = re.search(rf'"{re.escape(key)}"\s*:', source)
    return source.count("\n", 0, found.start()) + 1 if found else 1
