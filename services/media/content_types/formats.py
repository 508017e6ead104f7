"""General formats that files of many types have: a document of an office is a zip file, and a program is a text."""

from services.media.content_types.texts import PLAIN, XML

_ZIP, _OLE, _TIFF = "application/zip", "application/x-ole-storage", "image/tiff"
_OFFICE = "application/vnd.openxmlformats-officedocument."
#: Texts whose type does not begin with ``text/``, or end with ``+json`` or ``+yaml``.
_TEXTS = frozenset(
    {
        "application/ecmascript",
        "application/javascript",
        "application/json",
        "application/mbox",
        "application/pgp-keys",
        "application/sql",
        "application/toml",
        "application/typescript",
        "application/vnd.apple.mpegurl",
        "application/x-javascript",
        "application/x-ndjson",
        "application/x-pem-file",
        "application/x-sh",
        "application/x-subrip",
        "application/x-yaml",
        "application/yaml",
        "audio/x-mpegurl",
        "image/vnd.dxf",
        "image/x-portable-bitmap",
        "image/x-portable-graymap",
        "image/x-portable-pixmap",
        "message/rfc822",
        "model/obj",
        "model/stl",
    }
)
#: Some of these may also be binary.
_MAYBE_TEXTS = frozenset(each for each in _TEXTS if each.startswith(("image/", "model/"))) | {"application/pgp-keys"}
_MARKUP = frozenset({"application/xml", "text/xml", "text/html", "text/vnd.trolltech.linguist"})
_ZIPS = frozenset(
    {
        "application/java-archive",
        "application/vnd.android.package-archive",
        "application/vnd.apple.keynote",
        "application/vnd.apple.numbers",
        "application/vnd.apple.pages",
        "application/vnd.google-earth.kmz",
        "application/vnd.ms-visio.drawing",
        "model/3mf",
    }
)
_OLES = frozenset(
    {
        "application/msword",
        "application/vnd.ms-excel",
        "application/vnd.ms-outlook",
        "application/vnd.ms-powerpoint",
        "application/vnd.visio",
        "application/x-mspublisher",
        "application/x-msi",
    }
)
_RAW_PICTURES = ("image/x-adobe-", "image/x-canon-cr2", "image/x-nikon-", "image/x-pentax-", "image/x-sony-")
_WITH_MACROS = ("application/vnd.ms-word.", "application/vnd.ms-excel.", "application/vnd.ms-powerpoint.")


def is_certainly_text(mime_type: str) -> bool:
    """Whether all files of this type are texts: a file that is no text has another type."""
    formats = formats_of(mime_type)
    return bool(formats & {PLAIN, XML}) and mime_type not in _MAYBE_TEXTS


def formats_of(mime_type: str) -> frozenset[str]:
    """The general formats that a file of this type has."""
    if mime_type in _MARKUP or mime_type.endswith("+xml"):
        return frozenset({XML, PLAIN})
    if mime_type.startswith("text/") or mime_type in _TEXTS or mime_type.endswith(("+json", "+yaml")):
        return frozenset({PLAIN})
    if mime_type.startswith((_OFFICE, *_WITH_MACROS)):
        return frozenset({_ZIP, *_office_documents(mime_type)})
    if mime_type in _ZIPS or mime_type.endswith("+zip"):
        return frozenset({_ZIP})
    if mime_type in _OLES:
        return frozenset({_OLE})
    return frozenset({_TIFF}) if mime_type.startswith(_RAW_PICTURES) else frozenset()


def _office_documents(mime_type: str) -> list[str]:
    """The type of an ordinary document of the same program, whose files have the same folders."""
    rest = mime_type.removeprefix("application/vnd.")
    for names, document in (
        (("openxmlformats-officedocument.wordprocessingml", "ms-word"), "wordprocessingml.document"),
        (("openxmlformats-officedocument.spreadsheetml", "ms-excel"), "spreadsheetml.sheet"),
        (("openxmlformats-officedocument.presentationml", "ms-powerpoint"), "presentationml.presentation"),
    ):
        if rest.startswith(names):
            return [_OFFICE + document]
    return []
