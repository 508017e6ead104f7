"""One chunk in a ``multipart/form-data`` body (RFC 7578), without looking for the boundary in the file's bytes.

The slot's size says where the file part ends, so its bytes pass through untouched; only the small head and tail around
them are parsed. The part is called ``chunk``; a field ``sha256`` may stand before or after it.
"""

from email.message import Message

from services.errors import ChunkSizeMismatch, MalformedRequest

CHUNK_FIELD = "chunk"
DIGEST_FIELD = "sha256"
#: Bytes that the head, and the tail, may have. Browsers need about 200.
MAX_AROUND = 16 * 1024


class MultipartChunk:
    """A push parser: feed it the body, take the chunk's bytes. ``size`` is the slot's, in bytes."""

    def __init__(self, content_type: str, size: int) -> None:
        self._boundary = b"--" + _boundary(content_type)
        self._size = size
        self._left = size
        self._head: bytearray | None = bytearray()
        self._tail = bytearray()
        self._fields: dict[str, bytes] = {}

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the body and return those that belong to the chunk.

        Raises :class:`MalformedRequest`, and :class:`ChunkSizeMismatch` as soon as the part is longer than the slot.
        """
        if self._head is not None:
            data = self._feed_head(data)
        payload, rest = (data, b"") if len(data) <= self._left else (data[: self._left], data[self._left :])
        self._left -= len(payload)
        if rest:
            self._feed_tail(rest)
        return payload

    def close(self) -> str | None:
        """End the body and return the value of the ``sha256`` field, if there was one.

        Raises :class:`MalformedRequest`, and :class:`ChunkSizeMismatch` when the part was shorter than the slot.
        """
        if self._head is not None:
            raise MalformedRequest(f"The form has no file part named '{CHUNK_FIELD}'.")
        if self._left or not self._tail.startswith(b"\r\n" + self._boundary):
            raise ChunkSizeMismatch(f"The slot takes {self._size} bytes, and fewer came.")
        self._read_tail()
        digest = self._fields.get(DIGEST_FIELD)
        return None if digest is None else digest.decode(errors="replace").strip()

    def _feed_head(self, data: bytes) -> bytes:
        assert self._head is not None
        self._head += data
        start = self._start_of_chunk(bytes(self._head))
        if start is None:
            if len(self._head) > MAX_AROUND:
                raise MalformedRequest("The form's head is too long.")
            return b""
        payload = bytes(self._head[start:])
        self._head = None
        return payload

    def _start_of_chunk(self, head: bytes) -> int | None:
        """Where the chunk's bytes begin; None while more is needed to know."""
        position = 0
        while (part := self._part(head, position)) is not None:
            name, start = part
            if name == CHUNK_FIELD:
                return start
            end = head.find(b"\r\n" + self._boundary, start)
            if end < 0:
                return None
            self._fields[name] = head[start:end]
            position = end + 2
        return None

    def _feed_tail(self, rest: bytes) -> None:
        self._tail += rest
        expected = b"\r\n" + self._boundary
        if len(self._tail) > MAX_AROUND or not self._tail.startswith(expected[: len(self._tail)]):
            raise ChunkSizeMismatch(f"The slot takes {self._size} bytes, and more came.")

    def _read_tail(self) -> None:
        tail, position = bytes(self._tail), 2
        while not tail.startswith(self._boundary + b"--", position):
            part = self._part(tail, position)
            end = tail.find(b"\r\n" + self._boundary, part[1]) if part else -1
            if part is None or end < 0:
                raise MalformedRequest("The form ends in the middle of a part.")
            self._fields[part[0]] = tail[part[1] : end]
            position = end + 2

    def _part(self, data: bytes, position: int) -> tuple[str, int] | None:
        """Name and start of the part whose boundary stands at ``position``; None while its headers are incomplete."""
        opening = self._boundary + b"\r\n"
        found = data[position : position + len(opening)]
        if not opening.startswith(found):
            raise MalformedRequest("This is not the form that its Content-Type announces.")
        end = data.find(b"\r\n\r\n", position)
        if len(found) < len(opening) or end < 0:
            return None
        return _name(data[position + len(opening) : end]), end + 4


def _boundary(content_type: str) -> bytes:
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not 1 <= len(boundary) <= 70 or not boundary.isascii():
        raise MalformedRequest("The form's Content-Type has no boundary of 1 to 70 characters (RFC 2046).")
    return boundary.encode("ascii")


def _name(headers: bytes) -> str:
    for line in headers.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == b"content-disposition":
            header = Message()
            header["content-disposition"] = value.decode("latin-1").strip()
            name = header.get_param("name", header="content-disposition")
            return name if isinstance(name, str) else ""
    return ""
