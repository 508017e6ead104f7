"""Decides the media type of a file: its content where that is certain, else its name, else what its client declared."""

from dataclasses import dataclass

from services.media.content_types.containers import by_container
from services.media.content_types.formats import formats_of, is_certainly_text
from services.media.content_types.names import by_name, by_name_of_text
from services.media.content_types.signatures import by_signature
from services.media.content_types.texts import PLAIN, by_text, decoded, may_be_text
from services.media.content_types.zips import by_zip_entries
from services.media.types import MediaFacts
from storage.drive.file_kinds import file_kind
from storage.drive.models import FileKind

UNKNOWN_TYPE = "application/octet-stream"
#: The bytes at the start of a file that are examined: those that formats keep their signatures in, the furthest in the
#: 17th block of a CD, and the first entries of a document that is a zip file.
EXAMINED = 64 * 1024
#: The types of containers that hold sound alone, by their type with pictures.
_SOUND = {
    "video/mp4": "audio/mp4",
    "video/webm": "audio/webm",
    "video/x-matroska": "audio/x-matroska",
    "video/ogg": "audio/ogg",
    "application/ogg": "audio/ogg",
    "video/3gpp": "audio/3gpp",
    "video/3gpp2": "audio/3gpp2",
    "video/x-ms-wmv": "audio/x-ms-wma",
}
_PICTURES = {sound: pictures for pictures, sound in _SOUND.items() if pictures != "application/ogg"}
#: Types by the container that ffprobe names.
_CONTAINERS = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "matroska": "video/x-matroska",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "mpegts": "video/mp2t",
    "mpeg": "video/mpeg",
    "ogg": "video/ogg",
    "asf": "video/x-ms-wmv",
    "mxf": "application/mxf",
    "dv": "video/dv",
    "wav": "audio/wav",
    "w64": "audio/x-w64",
    "aiff": "audio/aiff",
    "caf": "audio/x-caf",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "ac3": "audio/ac3",
    "eac3": "audio/eac3",
    "amr": "audio/amr",
}


@dataclass(frozen=True)
class Examined:
    """What the content of a file shows: its type, or None if it is not certain.

    ``may_be_text`` tells that content without a certain type may be a text.
    """

    mime_type: str | None
    may_be_text: bool = False

    @property
    def may_be_media(self) -> bool:
        """Whether the file may have sound or video. If not, no program needs to look for them."""
        return self.mime_type is None or file_kind(self.mime_type) in {FileKind.VIDEO, FileKind.AUDIO}


NOTHING = Examined(None, may_be_text=True)


def examine(start: bytes, *, is_whole: bool = False) -> Examined:
    """Examine the first bytes of a file, of which at most :data:`EXAMINED` are used. It raises no error.

    ``is_whole`` tells that they are the whole file.
    """
    is_whole, start = is_whole and len(start) <= EXAMINED, start[:EXAMINED]
    if not start:
        return NOTHING
    text = decoded(start, is_whole=is_whole)
    if text is not None:
        return Examined(by_text(text))
    found = by_signature(start) or by_zip_entries(start) or by_container(start)
    return Examined(found, may_be_text=may_be_text(start))


def media_type(examined: Examined, name: str, declared: str | None = None, facts: MediaFacts | None = None) -> str:
    """The media type of a file, without parameters.

    ``declared`` is a hint of the client, and ``facts`` are those of a probe, if there was one.
    """
    if facts and (examined.mime_type is None or examined.mime_type == "audio/mpeg"):
        found = _CONTAINERS.get(facts.container) or examined.mime_type or by_name(name) or UNKNOWN_TYPE
    elif examined.mime_type is None:
        found = _first_possible(examined, name, declared)
    else:
        found = more_exact(examined.mime_type, name, declared)
    return _with_facts(found, facts) if facts else found


def more_exact(found: str, name: str, declared: str | None = None) -> str:
    """A more exact type than that of the content, by the name: zip files, texts and XML are formats of many types."""
    named = by_name_of_text(name) if found == PLAIN else by_name(name)
    for candidate in (named, declared):
        if candidate and found in formats_of(candidate):
            return candidate
    return found


def _first_possible(examined: Examined, name: str, declared: str | None) -> str:
    named = by_name_of_text(name) if examined.may_be_text and examined is not NOTHING else by_name(name)
    for candidate in (named, declared):
        if candidate and (examined.may_be_text or not is_certainly_text(candidate)):
            return candidate
    return UNKNOWN_TYPE


def _with_facts(found: str, facts: MediaFacts) -> str:
    """The type of the same container with sound alone, or with pictures."""
    return _PICTURES.get(found, found) if facts.video_codec else _SOUND.get(found, found)
