"""Tests of the kinds of files."""

import pytest

from storage.drive.file_kinds import file_kind
from storage.drive.models import FileKind

KINDS = {
    FileKind.VIDEO: ["video/mp4", "video/mp2t", "video/x-matroska", "application/mxf", "VIDEO/MP4"],
    FileKind.AUDIO: ["audio/mpeg", "audio/ogg", "audio/x-anything", "application/ogg"],
    FileKind.IMAGE: ["image/jpeg", "image/svg+xml", "image/heic"],
    FileKind.DOCUMENT: [
        "text/plain",
        "text/html",
        "application/pdf",
        "application/epub+zip",
        "application/json",
        "application/geo+json",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.ms-excel",
    ],
    FileKind.ARCHIVE: ["application/zip", "application/gzip", "application/x-xz", "application/vnd.x+zip"],
    FileKind.OTHER: [
        "application/octet-stream",
        "font/woff2",
        "model/gltf-binary",
        "",
        "nonsense",
        "/",
        "application/",
    ],
}


@pytest.mark.parametrize(("mime_type", "kind"), [(each, kind) for kind, types in KINDS.items() for each in types])
def test_a_media_type_has_one_kind(mime_type: str, kind: FileKind) -> None:
    """Unknown and malformed types are OTHER."""
    assert file_kind(mime_type) is kind
