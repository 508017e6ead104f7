"""The template of one kind of mail in one language: its subject, its text and, if there is one, its HTML."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from jinja2 import Template

from services.mail.kinds import MailContent, variables_of
from services.mail.sandbox import LONGEST_VALUE, TemplateFault, compile_template

#: Characters of a rendered subject. Mail programs show about 70.
LONGEST_SUBJECT = 250
#: The lines above the text: the subject and an empty one.
LINES_ABOVE = 2
SUBJECT = re.compile(r"subject:[ \t]*(.*)", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
#: As before, but lines and tabs are allowed.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Values = Mapping[str, str | int]


@dataclass(frozen=True)
class Rendered:
    """What a template makes of values."""

    subject: str
    text: str
    html: str | None


class Renderer(Protocol):
    """Renders a mail. Safe to use from many tasks."""

    def render(self, values: Values) -> Rendered:
        """The mail with these values, which must be all variables of its kind."""
        ...


@dataclass(frozen=True)
class MailTemplate:
    """A template of files. Rendering it cannot fail, and takes time and memory within known bounds."""

    subject: Template
    text: Template
    html: Template | None

    def render(self, values: Values) -> Rendered:
        """The mail with these values. Control characters in a value become spaces, and a long one is cut."""
        clean = {name: _clean(value) for name, value in values.items()}
        return Rendered(
            one_line(self.subject.render(clean)),
            self.text.render(clean)[LINES_ABOVE:],
            self.html.render(clean) if self.html else None,
        )


def compile_text(source: str, content: type[MailContent]) -> MailTemplate:
    """Compile ``Subject: …``, an empty line and a text. Raises :class:`services.mail.sandbox.TemplateFault`."""
    check_characters(source)
    subject, body = _split(source)
    variables = variables_of(content)
    template = MailTemplate(
        compile_template(subject, variables, is_html=False),
        # The line numbers of a fault are those of the file, which has two lines above the text.
        compile_template("\n" * LINES_ABOVE + body, variables, is_html=False),
        None,
    )
    for values in samples(content):
        subject = template.subject.render(values)
        if not subject.strip() or _CONTROL.search(subject) or len(subject) > LONGEST_SUBJECT:
            raise TemplateFault(f"the subject must be one line of 1 to {LONGEST_SUBJECT} characters", 1)
        _require_values(template.text.render(values), values, content.required)
    return template


def compile_html(source: str, content: type[MailContent]) -> Template:
    """Compile the HTML of a mail. Raises :class:`services.mail.sandbox.TemplateFault`."""
    check_characters(source)
    template = compile_template(source, variables_of(content), is_html=True)
    for values in samples(content):
        _require_values(template.render(values), values, content.required)
    return template


def _split(source: str) -> tuple[str, str]:
    """The subject and the text."""
    first, _, rest = source.partition("\n")
    second, _, body = rest.partition("\n")
    found = SUBJECT.fullmatch(first)
    if not found or not found[1].strip():
        raise TemplateFault("the first line must be 'Subject: ' and the subject", 1)
    if second.strip():
        raise TemplateFault("the line below the subject must be empty: a subject is one line", 2)
    if not body.strip():
        raise TemplateFault("there must be a text from the third line on", 3)
    return found[1].strip(), body


def samples(content: type[MailContent]) -> Iterator[Values]:
    """Two sets of values in which nothing is alike, so that a text cannot have a required value by chance."""
    for digits in ("7391528460", "2058641937"):
        yield {
            name: int(digits[0]) if kind is int else f"{digits}{name}" for name, kind in variables_of(content).items()
        }


def _require_values(rendered: str, values: Values, required: tuple[str, ...]) -> None:
    """Raise TemplateFault if a required value is not in the mail."""
    for name in required:
        if str(values[name]) not in rendered:
            raise TemplateFault(f"the mail must contain {{{{ {name} }}}}", 1)


def check_characters(source: str) -> None:
    """Raise TemplateFault for control characters, other than the ends of lines and tabs."""
    if found := _UNPRINTABLE.search(source):
        raise TemplateFault(f"the character {found[0]!r} cannot be in a mail", source.count("\n", 0, found.start()) + 1)


def one_line(text: str) -> str:
    """A subject without line breaks, and without what Python before 3.11.10 decodes in headers (CVE-2024-6923)."""
    return _CONTROL.sub(" ", text).replace("=?", "= ?")


def _clean(value: str | int) -> str | int:
    if isinstance(value, int):
        return value
    return _CONTROL.sub(" ", value[:LONGEST_VALUE]).encode(errors="replace").decode()
