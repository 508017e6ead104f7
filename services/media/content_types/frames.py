"""Streams without a header: they consist of packets or frames, each of which begins with a few known bits."""

from collections.abc import Callable

#: Packets or frames in a row that are no coincidence.
_ENOUGH = 4
#: ISO/IEC 13818-1: packets of 188 bytes. Blu-ray discs and AVCHD cameras (.m2ts, .mts) put 4 bytes before each.
_TS_SYNC = 0x47
_TS_LAYOUTS = ((0, 188), (4, 192))
#: ISO/IEC 11172-3 and 13818-3: kbit/s by "MPEG-1" and layer, and Hz of MPEG-1.
_BIT_RATES = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SAMPLE_RATES = (44_100, 48_000, 32_000)
#: The divisor of the sample rates, by the two bits of the version: 2.5, reserved, 2, 1.
_DIVISORS = {0: 4, 2: 2, 3: 1}


def by_frames(start: bytes) -> str | None:
    """The media type of a stream of packets or frames; None if the bytes are not one."""
    if any(_is_transport_stream(start, *layout) for layout in _TS_LAYOUTS):
        return "video/mp2t"
    audio = start
    if start[:3] == b"ID3" and len(start) >= 10 and start[3] in (2, 3, 4):
        audio = start[10 + _id3_size(start) :]
        if audio.startswith(b"fLaC"):
            return "audio/flac"
    if _has_frames(audio, _adts_length):
        return "audio/aac"
    # The tag of an MP3 file may have a picture that is longer than all the bytes at hand.
    return "audio/mpeg" if audio is not start or _has_frames(audio, _mpeg_audio_length) else None


def _is_transport_stream(start: bytes, offset: int, packet: int) -> bool:
    syncs = start[offset : offset + packet * _ENOUGH : packet]
    return syncs == bytes([_TS_SYNC]) * _ENOUGH


def _id3_size(start: bytes) -> int:
    """The size of the tag without its header (ID3v2.4, section 3.1): four times seven bits."""
    return sum((byte & 0x7F) << shift for byte, shift in zip(start[6:10], (21, 14, 7, 0), strict=True))


def _has_frames(data: bytes, length_of: Callable[[bytes], int]) -> bool:
    at = 0
    for _ in range(_ENOUGH):
        length = length_of(data[at : at + 7])
        if not length:
            return False
        at += length
    return True


def _adts_length(header: bytes) -> int:
    """The length of a frame of AAC in ADTS (ISO/IEC 13818-7, section 6.2); 0 if there is none."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0


def _mpeg_audio_length(header: bytes) -> int:
    """The length of a frame of MPEG audio, layers 1 to 3; 0 if there is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bit_rate, sample_rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version not in _DIVISORS or layer == 4 or bit_rate in (0, 15) or sample_rate == 3:
        return 0
    bits = _BIT_RATES[version == 3, layer][bit_rate - 1] * 1_000
    rate = _SAMPLE_RATES[sample_rate] // _DIVISORS[version]
    if layer == 1:
        return (12 * bits // rate + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // rate + padding
