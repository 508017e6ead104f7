"""One chunk in a ``multipart/form-data`` body (RFC 7578), without looking for the boundary in the file's bytes.

The slot's size says where the file part ends, so its bytes pass through untouched; only the small head and tail around
them are parsed. The part is called ``chunk``; a field ``sha256`` may stand before or after it.
"""

import re

from services.core.errors import MalformedRequest
from services.uploads.errors import ChunkSizeMismatch

CHUNK_FIELD = "chunk"
DIGEST_FIELD = "sha256"
#: Bytes that the head, and the tail, may have. Browsers need about 200.
MAX_OVERHEAD = 16 * 1024
#: ``; name=value`` or ``; name="quoted value"`` (RFC 9110, section 5.6.6). Linear on every input, for anybody sends it.
PARAMETER = re.compile(r';\s*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))', re.DOTALL)


Buffer = bytes | memoryview


class MultipartChunk:
    """A push parser: feed it the body, take the chunk's bytes. ``size`` is the slot's, in bytes."""

    def __init__(self, content_type: str, size: int) -> None:
        self._boundary = b"--" + _boundary(content_type)
        self._delimiter = b"\r\n" + self._boundary
        self._size = size
        self._left = size
        self._head: bytearray | None = bytearray()
        # Where the first part of the head begins that was not read yet.
        self._unread = 0
        self._tail = bytearray()
        self._digest: bytes | None = None

    def feed(self, data: Buffer) -> Buffer:
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
            raise _no_chunk()
        if self._left or not self._tail.startswith(self._delimiter):
            raise self._other_size()
        self._read_tail()
        return None if self._digest is None else self._digest.decode(errors="replace").strip()

    def _feed_head(self, data: Buffer) -> Buffer:
        assert self._head is not None
        self._head += data
        head = bytes(self._head)
        start = self._start_of_chunk(head)
        if (len(head) if start is None else start) > MAX_OVERHEAD:
            raise MalformedRequest("The form's head is too long.")
        if start is None:
            return b""
        self._head = None
        return head[start:]

    def _start_of_chunk(self, head: bytes) -> int | None:
        """Where the chunk's bytes begin; None while more is needed to know."""
        while (part := self._part(head, self._unread)) is not None:
            name, start = part
            if name == CHUNK_FIELD:
                return start
            end = head.find(self._delimiter, start)
            if end < 0:
                return None
            self._keep(name, head[start:end])
            self._unread = end + 2
        return None

    def _feed_tail(self, rest: Buffer) -> None:
        self._tail += rest
        if len(self._tail) > MAX_OVERHEAD or not self._tail.startswith(self._delimiter[: len(self._tail)]):
            raise self._other_size()

    def _read_tail(self) -> None:
        tail, position = bytes(self._tail), 2
        while not tail.startswith(self._boundary + b"--", position):
            part = self._part(tail, position)
            end = tail.find(self._delimiter, part[1]) if part else -1
            if part is None or end < 0:
                raise MalformedRequest("The form ends in the middle of a part.")
            self._keep(part[0], tail[part[1] : end])
            position = end + 2

    def _part(self, data: bytes, position: int) -> tuple[str, int] | None:
        """Name and start of the part whose boundary stands at ``position``; None while its headers are incomplete."""
        opening = self._boundary + b"\r\n"
        found = data[position : position + len(opening)]
        if found == self._boundary + b"--":
            raise _no_chunk()
        if not opening.startswith(found):
            raise MalformedRequest("This is not the form that its Content-Type announces.")
        end = data.find(b"\r\n\r\n", position)
        if len(found) < len(opening) or end < 0:
            return None
        return _name(data[position + len(opening) : end]), end + 4

    def _keep(self, name: str, value: bytes) -> None:
        """Keep the digest. What stands there twice could mean either, so it means nothing."""
        if name == CHUNK_FIELD or (name == DIGEST_FIELD and self._digest is not None):
            raise MalformedRequest(f"The form has more than one part named '{name}'.")
        if name == DIGEST_FIELD:
            self._digest = value

    def _other_size(self) -> ChunkSizeMismatch:
        return ChunkSizeMismatch(f"The slot takes {self._size} bytes, and the form's file part has more or fewer.")


def _no_chunk() -> MalformedRequest:
    return MalformedRequest(f"The form has no file part named '{CHUNK_FIELD}'.")


def _boundary(content_type: str) -> bytes:
    boundary = _parameter(content_type, "boundary")
    if boundary is None or not 1 <= len(boundary) <= 70 or not boundary.isascii():
        raise MalformedRequest("The form's Content-Type has no boundary of 1 to 70 characters (RFC 2046).")
    return boundary.encode("ascii")


def _name(headers: bytes) -> str:
    for line in headers.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == b"content-disposition":
            return _parameter(value.decode("latin-1"), "name") or ""
    return ""


def _parameter(header: str, wanted: str) -> str | None:
    for name, quoted, plain in PARAMETER.findall(header):
        if name.lower() == wanted:
            return re.sub(r"\\(.)", r"\1", quoted) if quoted else str(plain)
    return None
