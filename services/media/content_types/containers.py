"""Containers of audio, video and pictures, whose type is in a field of their own structure."""

from collections.abc import Iterator
from itertools import islice

from services.media.content_types import frames

#: Major brands of ISO/IEC 14496-12 files, or their first letters. Registered at https://mp4ra.org/registered-types/brands
_BRANDS = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"M4P ": "audio/mp4",
    b"F4A ": "audio/mp4",
    b"3g2": "video/3gpp2",
    b"kddi": "video/3gpp2",
    b"3g": "video/3gpp",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"hevc": "image/heic-sequence",
    b"hevx": "image/heic-sequence",
    b"crx ": "image/x-canon-cr3",
    b"mjp2": "video/mj2",
}
#: Brands of every HEIF picture; another brand of the file says how it is compressed.
_PICTURES = {b"mif1": "image/heif", b"mif2": "image/heif", b"msf1": "image/heif-sequence"}
#: The first boxes of files without brands. ``pnot`` is QuickTime's preview; a segment of a stream begins with ``styp``.
_FIRST_BOXES = {
    b"moov": "video/quicktime",
    b"mdat": "video/quicktime",
    b"wide": "video/quicktime",
    b"pnot": "video/quicktime",
    b"styp": "video/mp4",
    b"moof": "video/mp4",
    b"sidx": "video/mp4",
}
_RIFF_FORMS = {
    b"WAVE": "audio/wav",
    b"AVI ": "video/x-msvideo",
    b"WEBP": "image/webp",
    b"RMID": "audio/midi",
}
_IFF_FORMS = {b"AIFF": "audio/aiff", b"AIFC": "audio/aiff"}
#: Boxes or pages that are read at most: files have a few before their content.
_MOST_BRANDS = 64
_MOST_PAGES = 16
#: RFC 8794, sections 11.2.1 and 11.2.6: the IDs of the EBML header and of the type of the document.
_EBML, _DOC_TYPE = b"\x1a\x45\xdf\xa3", b"\x42\x82"
#: The longest EBML header that is searched. Usual ones have 40 bytes.
_EBML_HEADER = 4_096
_OGG_VIDEO = (b"\x80theora", b"BBCD\0", b"\1video")
_OGG_AUDIO = (b"OpusHead", b"\1vorbis", b"\x7fFLAC", b"Speex   ")


def by_container(start: bytes) -> str | None:
    """The media type of a container that begins with these bytes; None if there is none."""
    if start[4:8] == b"ftyp":
        return _by_brand(start)
    if start[:4] in (b"RIFF", b"RF64", b"BW64"):
        return _RIFF_FORMS.get(start[8:12])
    if start[:4] == b"FORM":
        return _IFF_FORMS.get(start[8:12])
    if start[:4] == _EBML:
        return _by_doc_type(start[:_EBML_HEADER])
    if start[:5] == b"OggS\0":
        return _by_first_packets(start)
    # Without a brand, the size of the first box must make sense too: 1 means that it stands behind the name.
    if (found := _FIRST_BOXES.get(start[4:8])) and (start[:4] == b"\0\0\0\1" or int.from_bytes(start[:4], "big") >= 8):
        return found
    return frames.by_frames(start)


def _by_brand(start: bytes) -> str:
    """By the major brand, then by the compatible brands (ISO/IEC 14496-12, section 4.3)."""
    size = int.from_bytes(start[:4], "big")
    end = min(size, len(start), 16 + 4 * _MOST_BRANDS)
    brands = [start[8:12], *(start[at : at + 4] for at in range(16, end, 4))]
    pictures = _PICTURES.get(brands[0])
    for brand in brands[: None if pictures else 1]:
        for length in (4, 3, 2):
            if found := _BRANDS.get(brand[:length]):
                return found
    return pictures or "video/mp4"


def _by_doc_type(header: bytes) -> str | None:
    at = header.find(_DOC_TYPE)
    size = header[at + 2] & 0x7F if 0 < at < len(header) - 2 else 0
    doc_type = header[at + 3 : at + 3 + size].rstrip(b"\0")
    # RFC 9559 registers video/matroska, which browsers and players do not know yet.
    return {b"webm": "video/webm", b"matroska": "video/x-matroska"}.get(doc_type)


def _by_first_packets(start: bytes) -> str:
    """By the first packets of all streams, which come before any other page (RFC 3533, section 4)."""
    packets = list(islice(_first_packets(start), _MOST_PAGES))
    if any(packet.startswith(_OGG_VIDEO) for packet in packets):
        return "video/ogg"
    return "audio/ogg" if any(packet.startswith(_OGG_AUDIO) for packet in packets) else "application/ogg"


def _first_packets(start: bytes) -> Iterator[bytes]:
    at = 0
    # Bit 2 of a page's flags is set on the first page of a stream.
    while start[at : at + 4] == b"OggS" and len(start) > at + 27 and start[at + 5] & 2:
        segments = start[at + 26]
        body = at + 27 + segments
        yield start[body : body + 8]
        at = body + sum(start[at + 27 : body])
