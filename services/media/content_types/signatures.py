"""Signatures: fixed bytes at a fixed place, which only files of one format have.

They apply to files that are no text, so that a text that begins with the letters ``GIF89a`` stays a text.
"""

#: Media types by the bytes at the start of a file.
_AT_START = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\xff\xd8\xff\xf7": "image/jls",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"II*\0": "image/tiff",
    b"II*\0\x10\0\0\0CR\2\0": "image/x-canon-cr2",
    b"MM\0*": "image/tiff",
    b"II+\0": "image/tiff",
    b"MM\0+": "image/tiff",
    b"8BPS\0\1": "image/vnd.adobe.photoshop",
    b"8BPS\0\2": "image/vnd.adobe.photoshop",
    b"\0\0\0\x0cJXL \r\n\x87\n": "image/jxl",
    b"\0\0\0\x0cjP  \r\n\x87\n": "image/jp2",
    b"\x76\x2f\x31\x01": "image/x-exr",
    b"SDPX": "image/x-dpx",
    b"XPDS": "image/x-dpx",
    b"qoif": "image/qoi",
    b"gimp xcf": "image/x-xcf",
    b"DDS \x7c\0\0\0": "image/vnd.ms-dds",
    b"AT&TFORM": "image/vnd.djvu",
    b"fLaC": "audio/flac",
    b"MThd\0\0\0\6": "audio/midi",
    b"#!AMR-WB\n": "audio/amr-wb",
    b"#!AMR\n": "audio/amr",
    b"caff\0\1\0\0": "audio/x-caf",
    b".snd\0\0": "audio/basic",
    b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0": "audio/x-w64",
    b"wvpk": "audio/x-wavpack",
    b"FLV\1": "video/x-flv",
    b"\0\0\1\xba": "video/mpeg",
    b"\0\0\1\xb3": "video/mpeg",
    # ISO/IEC 11172 and 13818 are the two above; this is the header object of ASF.
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c": "video/x-ms-wmv",
    # SMPTE ST 377-1, section 6.5: the key of the header partition.
    b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02": "application/mxf",
    b".RMF\0\0\0": "application/vnd.rn-realmedia",
    b"DKIF\0\0\x20\0": "video/x-ivf",
    b"YUV4MPEG2 ": "video/x-yuv4mpeg",
    b"%PDF-": "application/pdf",
    b"%!PS-Adobe-": "application/postscript",
    b"{\\rtf1": "application/rtf",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "application/x-ole-storage",
    b"\x1f\x8b\x08": "application/gzip",
    b"\xfd7zXZ\0": "application/x-xz",
    b"\x28\xb5\x2f\xfd": "application/zstd",
    b"\x04\x22\x4d\x18": "application/x-lz4",
    b"7z\xbc\xaf\x27\x1c": "application/x-7z-compressed",
    b"Rar!\x1a\x07": "application/vnd.rar",
    b"MSCF\0\0\0\0": "application/vnd.ms-cab-compressed",
    b"!<arch>\ndebian-binary": "application/vnd.debian.binary-package",
    b"!<arch>\n": "application/x-archive",
    b"\xed\xab\xee\xdb": "application/x-rpm",
    b"LZIP\1": "application/x-lzip",
    b"xar!\0\x1c": "application/x-xar",
    b"070701": "application/x-cpio",
    b"070702": "application/x-cpio",
    b"SQLite format 3\0": "application/vnd.sqlite3",
    b"\x7fELF": "application/x-elf",
    b"\xce\xfa\xed\xfe": "application/x-mach-binary",
    b"\xcf\xfa\xed\xfe": "application/x-mach-binary",
    b"\xca\xfe\xba\xbe\0\0\0": "application/x-java-or-mach",
    b"\0asm\1\0\0\0": "application/wasm",
    b"wOFF": "font/woff",
    b"wOF2": "font/woff2",
    b"OTTO\0": "font/otf",
    b"ttcf\0": "font/collection",
    b"PAR1": "application/vnd.apache.parquet",
    b"\x89HDF\r\n\x1a\n": "application/x-hdf5",
    b"glTF\2\0\0\0": "model/gltf-binary",
    b"d8:announce": "application/x-bittorrent",
    b"\x03\xd9\xa2\x9a": "application/x-keepass2",
    b"QFI\xfb": "application/x-qemu-disk",
}
#: Signatures behind the start of a file: offset, bytes, media type.
_AT_OFFSET = (
    (257, b"ustar", "application/x-tar"),
    (32_769, b"CD001", "application/x-iso9660-image"),
)
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")
#: The sizes of the second header of a BMP, by version.
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
_ICON_DEPTHS = frozenset({0, 1, 4, 8, 16, 24, 32})
#: Java began with class files of version 45; a Mach-O file has fewer architectures.
_FIRST_JAVA = 45
_LENGTHS = sorted({len(signature) for signature in _AT_START}, reverse=True)


def by_signature(start: bytes) -> str | None:
    """The media type of a file that begins with these bytes; None if no signature matches."""
    for length in _LENGTHS:
        if found := _AT_START.get(start[:length]):
            return _java_or_mach(start) if found == "application/x-java-or-mach" else found
    for offset, signature, mime_type in _AT_OFFSET:
        if start.startswith(signature, offset):
            return mime_type
    return _by_short_signature(start)


def _by_short_signature(start: bytes) -> str | None:
    """Formats whose signature is too short to believe without the fields behind it."""
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(start)
    if start[:3] == b"BZh" and start[3:4] in b"123456789" and start[4:10] in _BZIP2_BLOCKS:
        return "application/x-bzip2"
    if start[:2] == b"BM" and not any(start[6:10]) and _little(start, 14, 4) in _BMP_HEADERS:
        return "image/bmp"
    if start[:4] == b"\0\0\1\0" and _is_icon(start):
        return "image/vnd.microsoft.icon"
    if start[:2] == b"MZ" and start.startswith(b"PE\0\0", _little(start, 60, 4)):
        return "application/vnd.microsoft.portable-executable"
    if start[:4] == b"\0\1\0\0" and 0 < int.from_bytes(start[4:6], "big") < 64 and len(start) > 12:
        return "font/ttf"
    return None


def _png(start: bytes) -> str:
    """A PNG is animated if an acTL chunk comes before its data (PNG, third edition, section 11.3.6.1)."""
    animation, data = start.find(b"acTL"), start.find(b"IDAT")
    return "image/apng" if animation > 0 and (data < 0 or animation < data) else "image/png"


def _is_icon(start: bytes) -> bool:
    count, planes, depth, offset = (_little(start, *field) for field in ((4, 2), (10, 2), (12, 2), (18, 4)))
    return 0 < count < 256 and planes <= 1 and depth in _ICON_DEPTHS and offset >= 6 + 16 * count


def _java_or_mach(start: bytes) -> str:
    is_java = int.from_bytes(start[6:8], "big") >= _FIRST_JAVA
    return "application/java-vm" if is_java else "application/x-mach-binary"


def _little(start: bytes, offset: int, length: int) -> int:
    return int.from_bytes(start[offset : offset + length], "little")
