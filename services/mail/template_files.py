"""Reads template files: in UTF-8, and not too large."""

import difflib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from services.mail.errors import MailTemplateError
from services.mail.kinds import MailKind
from services.mail.languages import is_tag
from services.mail.sandbox import TemplateFault

#: Bytes of a template file. The built-in ones have about one thousand.
LARGEST_FILE = 64 * 1024
#: Folders of languages, each of which may have two files for each kind.
MOST_LANGUAGES = 100
ENDINGS = (".txt", ".html")

T = TypeVar("T")


def parse(path: Path, parser: Callable[[str], T]) -> T:
    """What ``parser`` makes of a file's text, whose lines are separated by a newline.

    Raises :class:`MailTemplateError`, which names the file and the line of a fault.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
        return parser(_decode(data))
    except OSError as error:
        raise MailTemplateError(f"{path} cannot be read: {error.strerror}") from None
    except TemplateFault as fault:
        raise MailTemplateError(f"{path}, line {fault.line}: {fault}") from None


def _decode(data: bytes) -> str:
    if len(data) > LARGEST_FILE:
        raise TemplateFault(f"the file is larger than {LARGEST_FILE} bytes", data.count(b"\n", 0, LARGEST_FILE) + 1)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateFault("the file is not in UTF-8", data.count(b"\n", 0, error.start) + 1) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def template_files(folder: Path) -> dict[tuple[str, MailKind, str], Path]:
    """The template files in a folder, by language in lower case, kind and ending.

    They are ``FOLDER/LANGUAGE/KIND.txt`` and ``.html``. Other files are ignored, but not one with such an ending and a
    name that is no kind, because it may be misspelt. Raises :class:`MailTemplateError`.
    """
    found: dict[tuple[str, MailKind, str], Path] = {}
    for language in _languages(folder):
        for path in _entries(language):
            if path.suffix in ENDINGS and not path.name.startswith("."):
                key = (language.name.lower(), _kind_of(path, tuple(MailKind)), path.suffix)
                if key in found:
                    raise MailTemplateError(f"{path} and {found[key]} are the same template: remove one of them")
                found[key] = path
    return found


def _languages(folder: Path) -> list[Path]:
    languages = [path for path in _entries(folder) if is_tag(path.name) and path.is_dir()]
    if len(languages) > MOST_LANGUAGES:
        raise MailTemplateError(f"{folder} has more than {MOST_LANGUAGES} languages")
    return languages


def _kind_of(path: Path, kinds: Collection[MailKind]) -> MailKind:
    if path.stem in kinds:
        return MailKind(path.stem)
    close = difflib.get_close_matches(path.stem, kinds, n=1)
    raise MailTemplateError(f"{path} is the template of no mail" + (f"; did you mean {close[0]}?" if close else ""))


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except NotADirectoryError:
        raise MailTemplateError(f"{folder} is not a folder") from None
    except FileNotFoundError:
        raise MailTemplateError(f"there is no folder {folder}") from None
    except OSError as error:
        raise MailTemplateError(f"{folder} cannot be read: {error.strerror}") from None
