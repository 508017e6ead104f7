"""Counts the frames of a WebSocket as their bytes arrive, before the library parses them.

The library takes about 6 microseconds for a frame, and keeps the fragments of a message in a list. So a megabyte of
empty frames, which have 6 bytes each, would cost a second of the event loop.
"""

#: Frames that may arrive at once. A client that opens or closes all of its 50 operations sends as many messages, and
#: one that splits a message of 1 MiB into frames of 8 KiB sends 128.
FRAME_BURST = 300
#: Frames per second beyond that, for as long as the connection is open.
FRAME_RATE = 20.0
#: Frames of one message.
MAX_FRAGMENTS = 256

_MIN_HEADER, _MASK, _CLOSE = 2, 4, 8
#: Bytes of the extended length, by the seven bits of the length (RFC 6455, section 5.2).
_EXTENDED_LENGTH = {126: 2, 127: 8}


class TooManyFrames(Exception):
    """The frames are too many. ``str(error)`` is the reason in the close frame."""


class FrameCounter:
    """Follows the headers of the frames that a client sends, which are masked, and counts them."""

    def __init__(self, moment: float) -> None:
        self._credit = float(FRAME_BURST)
        self._moment = moment
        self._header = bytearray()
        self._payload = 0
        self._fragments = 0
        self._has_closed = False

    def count(self, data: bytes, moment: float) -> None:
        """Count the frames that begin in the data, which arrives at ``moment``, in seconds of any steady clock.

        Raises :class:`TooManyFrames`. A header that is not valid is counted as if it were; the library refuses it. What
        follows a close frame is not counted; the library drops it.
        """
        self._credit = min(float(FRAME_BURST), self._credit + (moment - self._moment) * FRAME_RATE)
        self._moment = moment
        position = 0
        while position < len(data) and not self._has_closed:
            if self._payload:
                skipped = min(self._payload, len(data) - position)
                self._payload -= skipped
            else:
                skipped = self._take_header(data, position)
            position += skipped

    def _take_header(self, data: bytes, position: int) -> int:
        """Take bytes of a header, up to its end. Returns how many."""
        header = self._header
        size = len(header)
        header += data[position : position + max(_MIN_HEADER - size, 0)]
        if len(header) >= _MIN_HEADER:
            length = header[1] & 0x7F
            extended = _EXTENDED_LENGTH.get(length, 0)
            end = _MIN_HEADER + extended + _MASK
            header += data[position + len(header) - size : position + end - size]
            if len(header) == end:
                self._payload = int.from_bytes(header[2 : 2 + extended]) if extended else length
                self._count_frame(header[0])
                header.clear()
                return end - size
        return len(header) - size

    def _count_frame(self, first: int) -> None:
        opcode = first & 0x0F
        self._has_closed = opcode == _CLOSE
        if opcode < _CLOSE:  # control frames may come between the fragments of a message
            self._fragments = self._fragments + 1 if opcode == 0 else 1
        self._credit -= 1
        if self._credit < 0:
            raise TooManyFrames(f"More than {FRAME_RATE:g} frames per second")
        if self._fragments > MAX_FRAGMENTS:
            raise TooManyFrames(f"More than {MAX_FRAGMENTS} frames of one message")
