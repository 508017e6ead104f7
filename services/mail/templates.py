"""All templates of a server: the built-in ones, and those of the operator in their place."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from services.mail.ancestor_template import AncestorTemplate, parse_ancestor_template
from services.mail.errors import MailTemplateError
from services.mail.kinds import KINDS, MailKind
from services.mail.languages import LAST_RESORT, candidates
from services.mail.template import MailTemplate, Renderer, compile_html, compile_text
from services.mail.template_files import parse, template_files
from services.mail.template_folders import TemplateFolders

#: The folder of the templates that are part of CloudKeep.
BUILT_IN = Path(__file__).parent / "builtin"

Files = Mapping[tuple[str, MailKind, str], Path]


class MailTemplates:
    """The templates by language and kind."""

    def __init__(self, templates: Mapping[tuple[str, MailKind], Renderer], default_locale: str) -> None:
        self._templates = templates
        self._default_locale = default_locale

    def find(self, kind: MailKind, locale: str | None) -> Renderer:
        """The template for this locale, a tag of BCP 47; see :func:`services.mail.languages.candidates`."""
        for language in candidates(locale, self._default_locale):
            if template := self._templates.get((language, kind)):
                return template
        return self._templates[LAST_RESORT, kind]


def load_templates(folders: TemplateFolders, default_locale: str = LAST_RESORT) -> MailTemplates:
    """Read, compile and render every template with sample values.

    A file of the operator's replaces the built-in one of its language, kind and ending. A text of the operator's is
    sent without the built-in HTML, which has other words. Raises :class:`MailTemplateError`.
    """
    built_in, own = template_files(BUILT_IN), template_files(folders.own) if folders.own else {}
    templates: dict[tuple[str, MailKind], Renderer] = {}
    ancestor = _ancestor_template(folders)
    for language, kind in sorted({(language, kind) for language, kind, _ in (*built_in, *own)}):
        if ancestor and kind is MailKind.REGISTRATION and (language, kind, ".txt") not in own:
            templates[language, kind] = ancestor
        else:
            templates[language, kind] = _load(language, kind, own, built_in)
    return MailTemplates(templates, default_locale)


def _load(language: str, kind: MailKind, own: Files, built_in: Files) -> MailTemplate:
    text = own.get((language, kind, ".txt")) or built_in.get((language, kind, ".txt"))
    html = own.get((language, kind, ".html"))
    if text is None:
        raise MailTemplateError(f"{html} needs a {kind}.txt beside it")
    if html is None and (language, kind, ".txt") not in own:
        html = built_in.get((language, kind, ".html"))
    template = parse(text, partial(compile_text, content=KINDS[kind]))
    return replace(template, html=parse(html, partial(compile_html, content=KINDS[kind]))) if html else template


def _ancestor_template(folders: TemplateFolders) -> AncestorTemplate | None:
    files = folders.ancestor_files()
    if len(files) > 1:
        raise MailTemplateError(f"{files[0]} and {files[1]} are both there: remove one of them")
    return parse(files[0], parse_ancestor_template) if files else None
