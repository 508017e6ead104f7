"""Language tags of BCP 47, and which language a mail is written in."""

import re
from collections.abc import Iterator

#: A primary subtag and others. A tag is no path, so it has neither dots nor slashes.
TAG = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,6}")
#: Every built-in mail is written in it.
LAST_RESORT = "en"


def is_tag(text: str) -> bool:
    """Whether the text looks like a language tag, such as ``de`` or ``de-AT``."""
    return TAG.fullmatch(text) is not None


def candidates(locale: str | None, default: str) -> Iterator[str]:
    """The languages in which a mail for this locale may be written, the best first, all in lower case.

    These are ``locale``, then ``default``, then English, each followed by its shorter forms (RFC 4647, section 3.4:
    lookup). A locale that is no tag counts as none.
    """
    for tag in (locale or "", default, LAST_RESORT):
        if is_tag(tag):
            yield from _shorter_and_shorter(tag.lower())


def _shorter_and_shorter(tag: str) -> Iterator[str]:
    subtags = tag.split("-")
    while subtags:
        yield "-".join(subtags)
        subtags.pop()
        while subtags and len(subtags[-1]) == 1:  # a singleton only introduces the subtags after it
            subtags.pop()
