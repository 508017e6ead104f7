"""Texts: whether bytes are one, and the types that a text begins with."""

import codecs
import re

#: Control characters that no text has: all but tab, line feed, form feed, carriage return and escape
#: (https://mimesniff.spec.whatwg.org/#binary-data-byte).
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
#: The share of control characters in the logs of terminals and printers. In random bytes it is a tenth.
_MOST_CONTROL = 0.02
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
PLAIN, XML, HTML = "text/plain", "application/xml", "text/html"
#: The start of a text that has a type of its own.
_AT_START = {
    "%PDF-": "application/pdf",
    "%!PS": "application/postscript",
    "{\\rtf": "application/rtf",
    "!<arch>\n": "application/x-archive",
    "070701": "application/x-cpio",
    "070707": "application/x-cpio",
    "YUV4MPEG2 ": "video/x-yuv4mpeg",
    "WEBVTT": "text/vtt",
    "#EXTM3U": "application/vnd.apple.mpegurl",
    "BEGIN:VCARD": "text/vcard",
    "BEGIN:VCALENDAR": "text/calendar",
}
#: Types by the name of the root element, without its prefix.
_ROOTS = {
    "svg": "image/svg+xml",
    "html": "application/xhtml+xml",
    "rss": "application/rss+xml",
    "feed": "application/atom+xml",
    "gpx": "application/gpx+xml",
    "kml": "application/vnd.google-earth.kml+xml",
    "fictionbook": "application/x-fictionbook+xml",
    "ts": "text/vnd.trolltech.linguist",
}
#: Characters at the start of a text that are searched for its first element, behind comments and declarations.
_SEARCHED = 16_384
_ELEMENT = re.compile(r"<(?:[\w.-]{1,64}:)?([\w.-]{1,64})(?=[\s/>])")
_DOCTYPE = re.compile(r"<!doctype\s{1,64}([\w.-]{1,64})", re.IGNORECASE)


def decoded(start: bytes, *, is_whole: bool) -> str | None:
    """The text that these bytes begin, in UTF-8 or, with a byte order mark, UTF-16; None if they are no such text.

    Unless they are the whole file, they may end within a character.
    """
    encoding = _UTF16.get(start[:2])
    if encoding is None and _BINARY.search(start):
        return None
    try:
        text = codecs.getincrementaldecoder(encoding or "utf-8")().decode(start, is_whole)
    except UnicodeDecodeError:
        return None
    if encoding and _BINARY.search(text.encode("utf-8", "replace")):
        return None
    return text.removeprefix("\ufeff")


def may_be_text(start: bytes) -> bool:
    """Whether the bytes may be a text in an unknown encoding, or one with a few control characters of a terminal."""
    return b"\0" not in start and len(_BINARY.findall(start)) <= len(start) * _MOST_CONTROL


def by_text(text: str) -> str:
    """The media type of a text by how it begins; ``text/plain`` and ``application/xml`` are all the others."""
    head = text[:_SEARCHED].lstrip()
    for beginning, mime_type in _AT_START.items():
        if head.startswith(beginning):
            return mime_type
    return _by_markup(head) if head.startswith("<") else PLAIN


def _by_markup(head: str) -> str:
    is_xml = head.startswith("<?xml")
    rest = _behind_prolog(head)
    if doctype := _DOCTYPE.match(rest):
        if doctype[1].lower() == "html" and not is_xml:
            return HTML
        rest = _behind_prolog(_behind_doctype(rest))
    element = _ELEMENT.match(rest)
    root = element[1].lower() if element else ""
    if root == "html" and not is_xml:
        return HTML
    # Without a declaration only a picture is certain: many texts have an element somewhere.
    if root == "svg" or is_xml:
        return _ROOTS.get(root, XML)
    return PLAIN


def _behind_prolog(text: str) -> str:
    """The text behind comments and processing instructions, which may come before an element."""
    while True:
        for opening, closing in (("<!--", "-->"), ("<?", "?>")):
            if text.startswith(opening):
                end = text.find(closing, len(opening))
                text = text[end + len(closing) :].lstrip() if end >= 0 else ""
                break
        else:
            return text


def _behind_doctype(text: str) -> str:
    """The text behind a document type declaration, which may have declarations of its own in brackets."""
    end, subset = text.find(">"), text.find("[")
    if 0 <= subset < end:
        end = text.find(">", text.find("]", subset))
    return text[end + 1 :].lstrip() if end >= 0 else ""
