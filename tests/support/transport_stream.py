"""A small MPEG transport stream that announces many streams (ISO/IEC 13818-1, section 2.4)."""

import struct

#: A section of a program map has at most 1,021 bytes after its length, so larger numbers need several programs.
STREAMS_OF_A_PROGRAM = 180
FIRST_MAP, FIRST_STREAM, H264 = 0x20, 0x100, 0x1B


def announce(count: int) -> bytes:
    """A transport stream with this many video streams, each with one packet without a picture."""
    programs = [
        range(start, min(start + STREAMS_OF_A_PROGRAM, count)) for start in range(0, count, STREAMS_OF_A_PROGRAM)
    ]
    table = b"".join(struct.pack(">HH", n + 1, 0xE000 | FIRST_MAP + n) for n in range(len(programs)))
    packets = [_packets(FIRST_MAP + n, _program_map(n + 1, streams)) for n, streams in enumerate(programs)]
    frames = [_packets(FIRST_STREAM + number, _frame()) for number in range(count)]
    return b"".join([_packets(0, _section(0, 1, table)), *packets, *frames])


def _program_map(number: int, streams: range) -> bytes:
    entries = [struct.pack(">BHH", H264, 0xE000 | FIRST_STREAM + stream, 0xF000) for stream in streams]
    return _section(2, number, struct.pack(">HH", 0xE000 | FIRST_STREAM + streams[0], 0xF000) + b"".join(entries))


def _section(table: int, number: int, body: bytes) -> bytes:
    section = struct.pack(">BHHBBB", table, 0xB000 | (len(body) + 9), number, 0xC1, 0, 0) + body
    return b"\0" + section + struct.pack(">I", _crc(section))


def _frame() -> bytes:
    """A packet of an elementary stream: its header with a time stamp, and the mark between two pictures."""
    return b"\0\0\1\xe0\0\x0e\x80\x80\x05\x21\0\1\0\1" + b"\0\0\0\1\x09\xf0"


def _packets(pid: int, payload: bytes) -> bytes:
    """As many packets of 188 bytes as the payload needs."""
    blocks = [payload[start : start + 184] for start in range(0, len(payload), 184)]
    heads = [struct.pack(">BHB", 0x47, (0 if n else 0x4000) | pid, 0x10 | n & 15) for n in range(len(blocks))]
    return b"".join((head + block).ljust(188, b"\xff") for head, block in zip(heads, blocks, strict=True))


def _crc(data: bytes) -> int:
    """The CRC of annex A, which zlib does not have: the same polynomial, but the highest bit first."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc
