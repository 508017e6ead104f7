"""The headers of downloads. Uploaded content is never a page of this site: no type is guessed, and nothing runs."""

from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from services.access.types import Disposition
from services.drive.downloads import Content
from services.drive.inline import inline_type

#: The bytes are private, and never change.
CACHE_CONTROL = "private, max-age=3600, immutable"
#: A document that loads nothing, runs nothing, and belongs to no site.
SANDBOX = "sandbox; default-src 'none'"
#: By the top-level type of what is shown. Browsers make a document for it, which has styles, and loads the file again.
SHOWN = {
    "text": SANDBOX,
    "image": f"{SANDBOX}; img-src 'self'; style-src 'unsafe-inline'",
    # A document that belongs to no site cannot load its own sound or video. Scripts stay forbidden.
    "audio": "sandbox allow-same-origin; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'",
    "video": "sandbox allow-same-origin; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'",
    # PDF: older viewers of browsers do not work in a sandbox. All run the scripts of a PDF apart from every site.
    "application": "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'",
}


def download_headers(content: Content, disposition: Disposition) -> dict[str, str]:
    """The headers of a response with this content. INLINE is only followed for types that are safe to show."""
    shown_type = inline_type(content.mime_type) if disposition is Disposition.INLINE else None
    headers = attachment_headers(content.name, content.mime_type, content.sha256, content.modified_at)
    if not shown_type:
        return headers
    return headers | {
        "Content-Type": shown_type,
        "Content-Disposition": _content_disposition(content.name, "inline"),
        "Content-Security-Policy": SHOWN[shown_type.partition("/")[0]],
    }


def attachment_headers(name: str, mime_type: str, etag: str, modified_at: datetime) -> dict[str, str]:
    """The headers of a response that browsers store as a file of this name."""
    return {
        "Content-Type": mime_type,
        "Content-Disposition": _content_disposition(name, "attachment"),
        "ETag": f'"{etag}"',
        "Last-Modified": format_datetime(modified_at.astimezone(UTC), usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": CACHE_CONTROL,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": SANDBOX,
        "Cross-Origin-Resource-Policy": "same-site",
    }


def _content_disposition(name: str, kind: str) -> str:
    """``attachment`` or ``inline`` with the name, by RFC 6266 and RFC 8187."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%;' else "_" for c in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
