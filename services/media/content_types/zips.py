"""Documents that are zip files: those of offices, and books."""

from collections.abc import Iterator

_ZIP = "application/zip"
_ENTRY = b"PK\3\4"
#: An empty zip file, and the first part of one on several disks.
_OTHERS = (b"PK\5\6", b"PK\7\x08")
#: An entry "mimetype", stored without an extra field, comes first in books and OpenDocument files. It is text that its
#: sender chose, so only these types are taken from it.
_BOOK = "application/epub+zip"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument."
#: The rest of a type of OpenDocument, such as "text-template", in bytes.
_LONGEST_TYPE = 80
#: ECMA-376, part 2: the list of types that every such document has, and the folder of its main part.
_LIST_OF_TYPES = b"[Content_Types].xml"
_OFFICE = "application/vnd.openxmlformats-officedocument."
_FOLDERS = {
    b"word/": f"{_OFFICE}wordprocessingml.document",
    b"xl/": f"{_OFFICE}spreadsheetml.sheet",
    b"ppt/": f"{_OFFICE}presentationml.presentation",
    b"visio/": "application/vnd.ms-visio.drawing",
}
#: Entries that are looked at.
_MOST_ENTRIES = 200


def by_zip_entries(start: bytes) -> str | None:
    """The media type of a zip file that begins with these bytes; None if they are not one."""
    if not start.startswith(_ENTRY):
        return _ZIP if start.startswith(_OTHERS) else None
    return _by_declaration(start) or _by_folders(list(_names(start)))


def _by_declaration(start: bytes) -> str | None:
    size, name_end = int.from_bytes(start[22:26], "little"), 38
    if start[30:name_end] != b"mimetype" or start[8:10] != b"\0\0" or start[26:30] != b"\x08\0\0\0":
        return None
    declared = start[name_end : name_end + min(size, _LONGEST_TYPE)].decode("ascii", "replace").strip()
    is_known = declared == _BOOK or (
        declared.startswith(_OPEN_DOCUMENT) and declared.removeprefix(_OPEN_DOCUMENT).replace("-", "").isalpha()
    )
    return declared if is_known and declared.isascii() else None


def _by_folders(names: list[bytes]) -> str:
    if _LIST_OF_TYPES in names:
        for name in names:
            if found := _FOLDERS.get(name[: name.find(b"/") + 1]):
                return found
    return _ZIP


def _names(start: bytes) -> Iterator[bytes]:
    """The names of the entries whose headers are in these bytes (APPNOTE 6.3.10, section 4.3.7)."""
    at = 0
    for _ in range(_MOST_ENTRIES):
        if at < 0 or len(start) < at + 30:
            return
        length = int.from_bytes(start[at + 26 : at + 28], "little")
        yield start[at + 30 : at + 30 + length]
        at = start.find(_ENTRY, at + 30 + length)
