"""The first bytes of files of many formats, as their programs write them."""

import bz2
import gzip
import io
import lzma
import sqlite3
import tarfile
import zipfile
from collections.abc import Mapping

OFFICE = "application/vnd.openxmlformats-officedocument."
TS_PACKET = b"\x47" + b"\xff" * 187
MP3_FRAME = b"\xff\xfb\x90\x00" + b"\0" * 413
ADTS_FRAME = b"\xff\xf1\x50\x80\x06\x1f\xfc" + b"\0" * 41
CONTENT_TYPES = ("[Content_Types].xml", "<Types/>" * 50)


def box(name: bytes, content: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    return (8 + len(content)).to_bytes(4, "big") + name + content


def branded(*brands: bytes) -> bytes:
    """The start of a file with these brands, the major one first."""
    return box(b"ftyp", brands[0] + b"\0\0\2\0" + b"".join(brands)) + box(b"moov", b"\0" * 100)


def ogg(*packets: bytes) -> bytes:
    """The first pages of streams."""
    return b"".join(b"OggS\0\2" + bytes(20) + bytes([1, len(packet)]) + packet for packet in packets)


def ebml(doc_type: bytes) -> bytes:
    """A header as Matroska has it."""
    return (
        b"\x1a\x45\xdf\xa3\x93\x42\x86\x81\x01\x42\x82" + bytes([0x80 | len(doc_type)]) + doc_type + b"\x42\x87\x81\4"
    )


def zipped(*entries: tuple[str, str]) -> bytes:
    """A zip file; its first entry is stored, like the type of a book."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        for index, (name, content) in enumerate(entries):
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED if index else zipfile.ZIP_STORED)
    return target.getvalue()


def tar() -> bytes:
    """A tar file with one member."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as file:
        member = tarfile.TarInfo("clip.mp4")
        member.size = 4
        file.addfile(member, io.BytesIO(b"abcd"))
    return target.getvalue()


def database() -> bytes:
    """A database of SQLite."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE TABLE a (b)")
        return bytes(connection.serialize())
    finally:
        connection.close()


#: Content by type. All of it is certain, whatever the name is.
CERTAIN: Mapping[str, list[bytes]] = {
    "video/mp4": [branded(b"isom", b"avc1"), branded(b"dash"), box(b"styp", b"msdh") + box(b"moof", b"\0" * 9)],
    "audio/mp4": [branded(b"M4A ", b"isom")],
    "video/quicktime": [branded(b"qt  "), box(b"moov", b"\0" * 99), b"\0\0\0\1mdat" + bytes(90)],
    "video/3gpp": [branded(b"3gp4", b"isom"), branded(b"3gp6")],
    "video/3gpp2": [branded(b"3g2a")],
    "image/heic": [branded(b"heic"), branded(b"mif1", b"heic")],
    "image/avif": [branded(b"avif"), branded(b"mif1", b"miaf", b"avif"), branded(b"avis")],
    "image/heif": [branded(b"mif1")],
    "video/x-matroska": [ebml(b"matroska")],
    "video/webm": [ebml(b"webm")],
    "video/mp2t": [TS_PACKET * 5, (b"\0\0\0\0" + TS_PACKET) * 5],
    "video/x-msvideo": [b"RIFF\x10\0\0\0AVI LIST" + bytes(9)],
    "audio/wav": [b"RIFF\x10\0\0\0WAVEfmt " + bytes(9), b"RF64\xff\xff\xff\xffWAVEds64"],
    "image/webp": [b"RIFF\x10\0\0\0WEBPVP8 " + bytes(9)],
    "application/mxf": [b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02\x04\0"],
    "video/x-flv": [b"FLV\1\5\0\0\0\x09"],
    "video/mpeg": [b"\0\0\1\xba\x44\0\4\0", b"\0\0\1\xb3\x28\2\1\0"],
    "video/x-ms-wmv": [b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c" + bytes(9)],
    "audio/mpeg": [MP3_FRAME * 5, b"ID3\4\0\0\0\0\x0f\x7f" + bytes(99)],
    "audio/aac": [ADTS_FRAME * 5],
    "audio/flac": [b"fLaC\0\0\0\x22", b"ID3\4\0\0\0\0\0\4abcdfLaC\0\0"],
    "audio/ogg": [ogg(b"OpusHead\1"), ogg(b"\1vorbis\0"), ogg(b"\x7fFLAC\1\0")],
    "video/ogg": [ogg(b"\x80theora\3"), ogg(b"\1vorbis\0", b"\x80theora\3"), ogg(b"fishead\0", b"\x80theora\3")],
    "audio/aiff": [b"FORM\0\0\0\x10AIFFCOMM" + bytes(9)],
    "image/jpeg": [b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"\xff\xd8\xff\xe1\0\x10Exif\0"],
    "image/png": [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(13) + b"IDAT" + bytes(9) + b"acTL"],
    "image/apng": [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(13) + b"acTL" + bytes(9) + b"IDAT"],
    "image/gif": [b"GIF89a\x40\0\x30\0", b"GIF87a\x40\0\x30\0"],
    "image/tiff": [b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08"],
    "image/bmp": [b"BM\x36\x10\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0" + bytes(36)],
    "image/vnd.microsoft.icon": [bytes.fromhex("00000100010010100000010020006804000016000000")],
    "image/svg+xml": [
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- <html> -->\n<!DOCTYPE svg [<!ENTITY a "b">]>\n<svg:svg/>',
        '<?xml version="1.0" encoding="UTF-16"?><svg/>'.encode("utf-16"),
    ],
    "text/html": [b"<!doctype html><p>", b"\n <!-- a --><HTML lang=en>", "<!DOCTYPE html>".encode("utf-16")],
    "application/xhtml+xml": [b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>'],
    "text/vnd.trolltech.linguist": [b'<?xml version="1.0"?>\n<!DOCTYPE TS>\n<TS version="2.1"/>'],
    "application/pdf": [b"%PDF-1.4\n% all of it is ASCII", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(9)],
    "application/rtf": [b"{\\rtf1\\ansi hello}"],
    "text/vtt": [b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"],
    OFFICE + "wordprocessingml.document": [zipped(CONTENT_TYPES, ("word/document.xml", "<w/>"))],
    OFFICE + "spreadsheetml.sheet": [zipped(CONTENT_TYPES, ("_rels/.rels", "<x/>"), ("xl/workbook.xml", "<w/>"))],
    OFFICE + "presentationml.presentation": [zipped(("ppt/presentation.xml", "<w/>"), CONTENT_TYPES)],
    "application/epub+zip": [zipped(("mimetype", "application/epub+zip"), ("a.xhtml", "<x/>"))],
    "application/vnd.oasis.opendocument.text": [zipped(("mimetype", "application/vnd.oasis.opendocument.text"))],
    "application/zip": [
        zipped(("word/a.txt", "a folder of this name is not a document")),
        zipped(("mimetype", "text/html")),
        zipped(("mimetype", "application/vnd.oasis.opendocument.\r\nSet-Cookie: a=b")),
        zipped(),
    ],
    "application/x-tar": [tar()],
    "application/gzip": [gzip.compress(b"GIF89a"), gzip.compress(tar())],
    "application/x-xz": [lzma.compress(b"hello")],
    "application/x-bzip2": [bz2.compress(b"hello"), bz2.compress(b"")],
    "application/zstd": [b"\x28\xb5\x2f\xfd\x04\x05\x29\0\0hello\xaa\xbb\xcc\xdd"],
    "application/x-7z-compressed": [b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24)],
    "application/vnd.rar": [b"Rar!\x1a\x07\0" + bytes(9), b"Rar!\x1a\x07\1\0" + bytes(9)],
    "application/vnd.sqlite3": [database()],
    "application/x-elf": [b"\x7fELF\2\1\1\0" + bytes(56)],
    "application/vnd.microsoft.portable-executable": [b"MZ" + bytes(58) + b"\x80\0\0\0" + bytes(64) + b"PE\0\0"],
    "application/java-vm": [b"\xca\xfe\xba\xbe\0\0\0\x34"],
    "application/x-mach-binary": [b"\xca\xfe\xba\xbe\0\0\0\2\1\0\0\7"],
    "font/ttf": [b"\0\1\0\0\0\x0c\0\x80\0\3\0\x40" + bytes(9)],
}
EVERY = [(sample, mime_type) for mime_type, samples in CERTAIN.items() for sample in samples]
