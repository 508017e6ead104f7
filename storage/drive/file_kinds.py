"""The kind of a file by its media type, for filters and icons."""

from storage.drive.models import FileKind

#: Kinds by the top-level type. Texts and mails are documents.
_BY_TOP_LEVEL = {
    "video": FileKind.VIDEO,
    "audio": FileKind.AUDIO,
    "image": FileKind.IMAGE,
    "text": FileKind.DOCUMENT,
    "message": FileKind.DOCUMENT,
}
#: Kinds by the suffix of RFC 6839, for types that are in no other table.
_BY_SUFFIX = {
    "json": FileKind.DOCUMENT,
    "xml": FileKind.DOCUMENT,
    "yaml": FileKind.DOCUMENT,
    "zip": FileKind.ARCHIVE,
    "gzip": FileKind.ARCHIVE,
    "zstd": FileKind.ARCHIVE,
}
_VIDEOS = frozenset(
    {
        "application/mxf",
        "application/vnd.ms-asf",
        "application/vnd.rn-realmedia",
        "application/x-matroska",
    }
)
#: Documents of offices and books, and formats of text that are not below ``text/``.
_DOCUMENTS = frozenset(
    {
        "application/epub+zip",
        "application/ecmascript",
        "application/javascript",
        "application/json",
        "application/json5",
        "application/mbox",
        "application/msword",
        "application/pdf",
        "application/postscript",
        "application/rtf",
        "application/sql",
        "application/toml",
        "application/typescript",
        "application/vnd.ms-excel",
        "application/vnd.ms-powerpoint",
        "application/vnd.ms-word",
        "application/vnd.visio",
        "application/x-abiword",
        "application/x-fictionbook+xml",
        "application/x-ipynb+json",
        "application/x-javascript",
        "application/x-latex",
        "application/x-mobipocket-ebook",
        "application/x-ndjson",
        "application/x-ole-storage",
        "application/x-sh",
        "application/x-subrip",
        "application/x-tex",
        "application/x-yaml",
        "application/xml",
        "application/yaml",
    }
)
#: Families of office documents; the rest of each type names the kind of document.
_DOCUMENT_FAMILIES = (
    "application/vnd.amazon.",
    "application/vnd.apple.keynote",
    "application/vnd.apple.numbers",
    "application/vnd.apple.pages",
    "application/vnd.ms-excel.",
    "application/vnd.ms-powerpoint.",
    "application/vnd.ms-word.",
    "application/vnd.oasis.opendocument.",
    "application/vnd.openxmlformats-officedocument.",
)
_ARCHIVES = frozenset(
    {
        "application/gzip",
        "application/java-archive",
        "application/vnd.android.package-archive",
        "application/vnd.debian.binary-package",
        "application/vnd.ms-cab-compressed",
        "application/vnd.rar",
        "application/x-7z-compressed",
        "application/x-apple-diskimage",
        "application/x-archive",
        "application/x-bzip",
        "application/x-bzip2",
        "application/x-compress",
        "application/x-compressed-tar",
        "application/x-cpio",
        "application/x-gzip",
        "application/x-iso9660-image",
        "application/x-lz4",
        "application/x-lzip",
        "application/x-lzma",
        "application/x-rar",
        "application/x-rar-compressed",
        "application/x-rpm",
        "application/x-tar",
        "application/x-xar",
        "application/x-xz",
        "application/x-zip-compressed",
        "application/x-zstd",
        "application/zip",
        "application/zstd",
    }
)


def file_kind(mime_type: str) -> FileKind:
    """The kind of a file with this media type, which has no parameters. Any text has one; the default is OTHER."""
    mime_type = mime_type.lower()
    if mime_type in _VIDEOS:
        return FileKind.VIDEO
    if mime_type in _DOCUMENTS or mime_type.startswith(_DOCUMENT_FAMILIES):
        return FileKind.DOCUMENT
    if mime_type in _ARCHIVES:
        return FileKind.ARCHIVE
    if mime_type == "application/ogg":
        # The type of Ogg files from before RFC 5334, which nearly always have sound alone.
        return FileKind.AUDIO
    top_level, _, subtype = mime_type.partition("/")
    return _BY_TOP_LEVEL.get(top_level) or _BY_SUFFIX.get(subtype.rpartition("+")[2], FileKind.OTHER)
