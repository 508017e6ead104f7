"""Tests of media types: the content decides where it is certain, else the name, else what the client declared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.validation import MIME_TYPE
from services.media.content_types.media_types import EXAMINED, examine, media_type, more_exact
from services.media.types import MediaFacts
from storage.drive.file_kinds import file_kind
from storage.drive.models import FileKind
from tests.services.media.content_types.samples import CERTAIN, EVERY, OFFICE, zipped

#: No signature, and no text.
BINARY = b"\0\1\2\3 no format has this \0"
TEXT = b"Gr\xc3\xbc\xc3\x9fe, and more of them.\n"


def typed(content: bytes, name: str, declared: str | None = None, facts: MediaFacts | None = None) -> str:
    """The type of a file with this content."""
    return media_type(examine(content, is_whole=True), name, declared, facts)


def facts_of(container: str, *, video: str | None = None) -> MediaFacts:
    """The facts of a probe that found sound, and perhaps video."""
    return MediaFacts(1.0, None, None, None, video, "aac", None, container)


@pytest.mark.parametrize("name", ["a", "a.bin", "a.exe", "a.mp4", "a.jpg"])
def test_the_content_decides_whatever_name_and_client_say(name: str) -> None:
    """A picture that is called a video stays a picture."""
    found = [(typed(content, name, "video/webm"), mime_type) for content, mime_type in EVERY]
    assert [each for each, _ in found] == [mime_type for _, mime_type in found]


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("clip.ts", "video/mp2t"),
        ("CLIP.MTS", "video/mp2t"),
        ("clip.m2ts", "video/mp2t"),
        ("clip.3gp", "video/3gpp"),
        ("clip.mp4.gz", "application/gzip"),
        ("logo.svgz", "application/gzip"),
        ("a.mp4.xz", "application/x-xz"),
        ("a.tar.bz2", "application/x-bzip2"),
        ("clip.mkv", "video/x-matroska"),
        ("song.opus", "audio/ogg"),
        (".mp4", "application/octet-stream"),
        ("mp4", "application/octet-stream"),
        ("a.", "application/octet-stream"),
    ],
)
def test_the_last_extension_decides_if_the_content_does_not(name: str, mime_type: str) -> None:
    """A compressed video is no video."""
    assert typed(BINARY, name) == typed(b"", name) == mime_type


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("notes.txt", "text/plain"),
        ("notes", "text/plain"),
        ("notes.unknown", "text/plain"),
        ("README.md", "text/markdown"),
        ("data.json", "application/json"),
        ("page.html", "text/html"),
        ("code.ts", "text/x-typescript"),
        ("clip.mp4", "text/plain"),
        ("picture.jpg", "text/plain"),
        ("report.docx", "text/plain"),
        ("drawing.svg", "image/svg+xml"),
    ],
)
def test_the_name_of_a_text_says_which_text_it_is(name: str, mime_type: str) -> None:
    """A text is never a video, a picture or a zip file, but whatever texts there are."""
    assert typed(TEXT, name) == mime_type


@pytest.mark.parametrize("content", [TEXT.decode().encode("utf-16"), b"\xfe\xff\0H\0i", b"\xef\xbb\xbfHi"])
def test_a_text_in_utf_16_or_with_a_mark_is_a_text(content: bytes) -> None:
    """The byte order mark says so."""
    assert typed(content, "notes.bin") == "text/plain"


@pytest.mark.parametrize("content", ["Grüße".encode("latin-1"), b"progress\x08\x08\x08" + b"and more of it " * 20])
def test_a_text_in_an_old_encoding_or_of_a_terminal_has_the_type_of_its_name(content: bytes) -> None:
    """Nothing shows that it is a text, so the name decides."""
    assert typed(content, "notes.log") == "text/plain"
    assert typed(content, "notes") == "application/octet-stream"


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "code.js", "notes.txt", "data.xml"])
def test_content_that_is_no_text_is_never_called_one(name: str) -> None:
    """Nothing runs it, and nothing shows it."""
    assert typed(BINARY, name, "text/html") == "application/octet-stream"


def test_the_end_of_the_examined_bytes_may_cut_a_character() -> None:
    """A long text is a text."""
    long = ("ü" * EXAMINED).encode()
    assert examine(b"a" + long).mime_type == "text/plain"
    assert examine("ü".encode()[:1], is_whole=True).mime_type is None


@pytest.mark.parametrize(
    ("name", "mime_type"),
    [
        ("report.docm", "application/vnd.ms-word.document.macroenabled.12"),
        ("report.dotx", OFFICE + "wordprocessingml.template"),
        ("report.xlsx", OFFICE + "wordprocessingml.document"),
        ("report.jar", OFFICE + "wordprocessingml.document"),
    ],
)
def test_an_office_document_is_of_the_program_that_its_folders_name(name: str, mime_type: str) -> None:
    """The name chooses among the types of this program."""
    content = CERTAIN[OFFICE + "wordprocessingml.document"][0]
    assert typed(content, name) == mime_type


def test_a_zip_file_may_have_a_more_exact_type_by_its_name() -> None:
    """Programs of Java and Android are zip files."""
    content = zipped(("META-INF/MANIFEST.MF", "Manifest-Version: 1.0"))
    assert typed(content, "a.jar") == "application/java-archive"
    assert typed(content, "a.docx") == OFFICE + "wordprocessingml.document"
    assert typed(content, "a.mp4") == "application/zip"


def test_the_clients_type_is_used_where_neither_content_nor_name_say_anything() -> None:
    """It is a hint."""
    assert typed(BINARY, "data", "application/x-own") == "application/x-own"
    assert typed(TEXT, "data", "text/x-own") == "text/x-own"
    assert typed(BINARY, "data.mp4", "application/x-own") == "video/mp4"


@pytest.mark.parametrize(
    ("container", "pictures", "sound"),
    [("mp4", "video/mp4", "audio/mp4"), ("ogg", "video/ogg", "audio/ogg"), ("asf", "video/x-ms-wmv", "audio/x-ms-wma")],
)
def test_a_container_with_sound_alone_is_audio(container: str, pictures: str, sound: str) -> None:
    """A probe finds that out."""
    assert typed(BINARY, "a", facts=facts_of(container)) == sound
    assert typed(BINARY, "a", facts=facts_of(container, video="h264")) == pictures


@pytest.mark.parametrize("mime_type", ["video/mp4", "video/webm", "video/x-matroska", "video/3gpp"])
def test_the_brand_of_a_file_does_not_hide_that_it_is_sound(mime_type: str) -> None:
    """Nor that there are pictures in a file that calls itself sound."""
    content = CERTAIN[mime_type][0]
    assert typed(content, "a.mp4", facts=facts_of("mp4")) == mime_type.replace("video/", "audio/")
    assert typed(CERTAIN["audio/mp4"][0], "a.m4a", facts=facts_of("mp4", video="h264")) == "video/mp4"


def test_a_probe_knows_the_streams_that_have_no_signature() -> None:
    """Dolby Digital begins with two bytes, and a tag may come before AAC."""
    assert typed(BINARY, "a.mp4", facts=facts_of("ac3")) == "audio/ac3"
    assert typed(CERTAIN["audio/mpeg"][1], "a.mp3", facts=facts_of("aac")) == "audio/aac"


def test_a_file_that_is_certainly_no_media_is_not_probed() -> None:
    """All others are, also those with an unknown type."""
    for content, mime_type in EVERY:
        is_media = file_kind(mime_type) in {FileKind.VIDEO, FileKind.AUDIO}
        assert examine(content).may_be_media == is_media, mime_type
    assert examine(BINARY).may_be_media
    assert not examine(TEXT).may_be_media


def test_the_same_bytes_under_another_name_get_the_type_of_that_name() -> None:
    """A file that shares the bytes of another one is not examined again."""
    assert more_exact("text/plain", "a.md") == "text/markdown"
    assert more_exact("application/zip", "a.jar") == "application/java-archive"
    assert more_exact("video/mp4", "a.jpg") == "video/mp4"


@given(st.binary(max_size=400), st.text(max_size=20), st.booleans())
def test_no_bytes_raise_an_error(content: bytes, name: str, is_whole: bool) -> None:
    """The result is always a media type."""
    assert MIME_TYPE.fullmatch(media_type(examine(content, is_whole=is_whole), name))


@given(st.sampled_from([sample for sample, _ in EVERY]), st.data())
def test_no_damaged_file_raises_an_error(sample: bytes, data: st.DataObject) -> None:
    """A file may end anywhere, and have any bytes in between."""
    start = data.draw(st.integers(0, len(sample)))
    end = data.draw(st.integers(start, len(sample)))
    noise = data.draw(st.binary(max_size=40))
    for content in (sample[:end], sample[:start] + noise + sample[end:], noise + sample[start:]):
        assert MIME_TYPE.fullmatch(media_type(examine(content), "a.ts"))


@pytest.mark.parametrize("filling", [b"<!---->", b"<? ?>", b"<", b"PK\3\4", b"OggS\0\2", b"\x42\x82", b"ID3\4", b"<a:"])
def test_the_bytes_of_a_stranger_cost_a_bounded_time(filling: bytes) -> None:
    """What comes after the examined bytes is not looked at."""
    for start in (b"", b"<?xml", b"\x1a\x45\xdf\xa3", b"RIFF", b"\xff\xfe"):
        content = start + filling * (4 * EXAMINED // len(filling))
        assert examine(content) == examine(content[:EXAMINED]) == examine(content, is_whole=True)
