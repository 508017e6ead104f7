"""Which files a browser may show on a page of this server's site, and how.

Uploaded content must never run as a page of the server. Only types are shown that cannot: pictures without SVG, audio,
video, PDF, and texts, which are all shown as ``text/plain``. Browsers run HTML, SVG, XML and JavaScript, so those are
always downloaded, and so is everything unknown.
"""

_PICTURES = frozenset(
    {
        "image/apng",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/heic",
        "image/heic-sequence",
        "image/heif",
        "image/heif-sequence",
        "image/jp2",
        "image/jpeg",
        "image/jxl",
        "image/png",
        "image/tiff",
        "image/vnd.microsoft.icon",
        "image/webp",
        "image/x-icon",
        "image/x-ms-bmp",
    }
)
#: Not ``audio/*``: that includes playlists, which name other files.
_MEDIA = frozenset(
    {
        "audio/3gpp",
        "audio/aac",
        "audio/ac3",
        "audio/aiff",
        "audio/amr",
        "audio/eac3",
        "audio/flac",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "audio/opus",
        "audio/wav",
        "audio/webm",
        "audio/x-aiff",
        "audio/x-caf",
        "audio/x-flac",
        "audio/x-m4a",
        "audio/x-matroska",
        "audio/x-wav",
        "video/3gpp",
        "video/3gpp2",
        "video/matroska",
        "video/mp2t",
        "video/mp4",
        "video/mpeg",
        "video/ogg",
        "video/quicktime",
        "video/webm",
        "video/x-m4v",
        "video/x-matroska",
        "video/x-msvideo",
    }
)
#: Texts that browsers would not run under their own type either.
_TEXTS = frozenset(
    {
        "text/csv",
        "text/markdown",
        "text/plain",
        "text/tab-separated-values",
        "text/x-c",
        "text/x-c++",
        "text/x-csharp",
        "text/x-diff",
        "text/x-go",
        "text/x-java",
        "text/x-kotlin",
        "text/x-lua",
        "text/x-perl",
        "text/x-python",
        "text/x-rst",
        "text/x-ruby",
        "text/x-rust",
        "text/x-shellscript",
        "text/x-swift",
        "text/x-tex",
    }
)
PDF = "application/pdf"
#: Without it, browsers guess one. A byte order mark goes before it (https://html.spec.whatwg.org/#encoding-sniffing-algorithm),
#: so that UTF-16 is shown correctly too.
TEXT = "text/plain; charset=utf-8"


def inline_type(mime_type: str) -> str | None:
    """The Content-Type under which a file of this type may be shown; None if it must be downloaded."""
    if mime_type in _TEXTS:
        return TEXT
    if mime_type == "text/vtt":
        # A <track> needs its own type.
        return "text/vtt; charset=utf-8"
    return mime_type if mime_type in _PICTURES or mime_type in _MEDIA or mime_type == PDF else None
