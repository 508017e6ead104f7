"""The structures of a zip file around its contents, by PKWARE's APPNOTE.TXT 6.3.10 (sections are its own).

Entries are stored without compression, because most large files are compressed already, and only so is every position
known in advance. Their sizes and CRC-32s are known, so that there are no data descriptors. Names are in UTF-8. Times
are those of DOS, here in UTC because they have no time zone, and the extended timestamp of Info-ZIP (its extrafld.txt).
"""

import struct
import time

from services.drive.zips.entries import ZipEntry

#: From these values on, a count or a size is in the ZIP64 structures, and its own field is full (4.4.1.4).
ZIP64_COUNT, ZIP64_SIZE = 0xFFFF, 0xFFFFFFFF
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF

_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END64 = struct.Struct("<4sQHHLLQQQQ")
_LOCATOR64 = struct.Struct("<4sLQL")
_END = struct.Struct("<4sHHHHLLH")
_TIMESTAMP = struct.Struct("<HHBl")
_EXTRA_HEAD = struct.Struct("<HH")

#: Bit 11: the name is in UTF-8 (4.4.4).
_FLAGS = 0x800
_STORED = 0
#: The versions needed for folders and for ZIP64 (4.4.3.2); written by version 4.5 on Unix (4.4.2), so that the external
#: attributes have permissions.
_PLAIN, _ZIP64 = 20, 45
_MADE_BY = 3 << 8 | _ZIP64
_FILE_ATTRIBUTES = 0o100644 << 16
_FOLDER_ATTRIBUTES = 0o40755 << 16 | 0x10
_ZIP64_EXTRA, _TIMESTAMP_EXTRA = 0x0001, 0x5455
#: What the date of DOS can show (4.4.6), in UTC: 1980-01-01 to 2107-12-31 23:59:58.
_FIRST_TIME, _LAST_TIME = 315_532_800, 4_354_819_198
_LAST_32_BIT_TIME = 2**31 - 1


def local_header(entry: ZipEntry) -> bytes:
    """The header before an entry's content (4.3.7)."""
    large = entry.size >= ZIP64_SIZE
    # In a local header both sizes must be there (4.5.3).
    extra = _timestamp(entry) + (_zip64_extra(entry.size, entry.size) if large else b"")
    size, name = _field(entry.size), name_of(entry)
    moment, date = _dos_time(entry.modified_at)
    version = _ZIP64 if large else _PLAIN
    fields = (version, _FLAGS, _STORED, moment, date, entry.crc32, size, size, len(name), len(extra))
    return _LOCAL.pack(b"PK\3\4", *fields) + name + extra


def central_header(entry: ZipEntry, offset: int) -> bytes:
    """The header of an entry in the central directory (4.3.12). ``offset``: where its local header begins."""
    values = [value for value in (entry.size, entry.size, offset) if value >= ZIP64_SIZE]
    extra = _timestamp(entry) + (_zip64_extra(*values) if values else b"")
    size, name = _field(entry.size), name_of(entry)
    moment, date = _dos_time(entry.modified_at)
    version = _ZIP64 if values else _PLAIN
    attributes = _FOLDER_ATTRIBUTES if entry.key is None else _FILE_ATTRIBUTES
    fields = (_MADE_BY, version, _FLAGS, _STORED, moment, date, entry.crc32, size, size, len(name), len(extra))
    return _CENTRAL.pack(b"PK\1\2", *fields, 0, 0, 0, attributes, _field(offset)) + name + extra


def end_records(count: int, offset: int, size: int) -> bytes:
    """The end of a zip file with ``count`` entries, whose central directory has ``size`` bytes from ``offset`` on."""
    number = _FULL_16 if count >= ZIP64_COUNT else count
    end = _END.pack(b"PK\5\6", 0, 0, number, number, _field(size), _field(offset), 0)
    if count < ZIP64_COUNT and size < ZIP64_SIZE and offset < ZIP64_SIZE:
        return end
    # The size of the record leaves out its first 12 bytes (4.3.14.1).
    fields = (_END64.size - 12, _MADE_BY, _ZIP64, 0, 0, count, count, size, offset)
    return _END64.pack(b"PK\6\6", *fields) + _LOCATOR64.pack(b"PK\6\7", 0, offset + size, 1) + end


def name_of(entry: ZipEntry) -> bytes:
    """The name as the headers have it."""
    return entry.name.encode(errors="replace")


def _field(size: int) -> int:
    return _FULL_32 if size >= ZIP64_SIZE else size


def _zip64_extra(*values: int) -> bytes:
    return _EXTRA_HEAD.pack(_ZIP64_EXTRA, 8 * len(values)) + struct.pack(f"<{len(values)}Q", *values)


def _timestamp(entry: ZipEntry) -> bytes:
    if not 0 <= entry.modified_at <= _LAST_32_BIT_TIME:
        return b""
    return _TIMESTAMP.pack(_TIMESTAMP_EXTRA, _TIMESTAMP.size - 4, 1, entry.modified_at)


def _dos_time(seconds: int) -> tuple[int, int]:
    moment = time.gmtime(min(max(seconds, _FIRST_TIME), _LAST_TIME))
    date = (moment.tm_year - 1980) << 9 | moment.tm_mon << 5 | moment.tm_mday
    return moment.tm_hour << 11 | moment.tm_min << 5 | moment.tm_sec // 2, date
