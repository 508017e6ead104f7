"""One chunk in a ``multipart/form-data`` body (RFC 7578), without looking for the boundary in the file's bytes.

The slot's size determines where the file part ends, so its bytes are passed on without being searched. Only the small
parts before and after it are parsed. The file part is named ``chunk``; a field ``sha256`` may precede or follow it.
"""

import re

from services.core.errors import MalformedRequest
from services.uploads.errors import ChunkSizeMismatch

CHUNK_FIELD = "chunk"
DIGEST_FIELD = "sha256"
#: Bytes that may precede the chunk, and as many that may follow it. Browsers need about 200.
MAX_OVERHEAD = 16 * 1024
#: ``; name=value`` or ``; name="quoted value"`` (RFC 9110, section 5.6.6). Linear on every input, also a hostile one.
PARAMETER = re.compile(r';\s*([^\s=;"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))', re.DOTALL)


Buffer = bytes | memoryview


class MultipartChunk:
    """A push parser: it takes pieces of the body and returns the chunk's bytes. The slot has ``size`` bytes."""

    def __init__(self, content_type: str, size: int) -> None:
        self._boundary = b"--" + boundary_of(content_type)
        self._delimiter = b"\r\n" + self._boundary
        self._size = size
        self._remaining = size
        self._prefix: bytearray | None = bytearray()
        # The position of the first part in the prefix that is not parsed yet.
        self._next_part = 0
        self._suffix = bytearray()
        self._digest: bytes | None = None

    def feed(self, data: Buffer) -> Buffer:
        """Take the next bytes of the body and return those that belong to the chunk.

        Raises :class:`MalformedRequest`, and :class:`ChunkSizeMismatch` as soon as the part is longer than the slot.
        """
        if self._prefix is not None:
            data = self._feed_prefix(data)
        payload, rest = data[: self._remaining], data[self._remaining :]
        self._remaining -= len(payload)
        if rest:
            self._feed_suffix(rest)
        return payload

    def close(self) -> str | None:
        """End the body and return the value of the ``sha256`` field, if there was one.

        Raises :class:`MalformedRequest`, and :class:`ChunkSizeMismatch` when the part was shorter than the slot.
        """
        if self._prefix is not None:
            raise _no_chunk()
        if self._remaining or not self._suffix.startswith(self._delimiter):
            raise self._size_mismatch()
        self._read_suffix()
        return None if self._digest is None else self._digest.decode(errors="replace").strip()

    def _feed_prefix(self, data: Buffer) -> Buffer:
        assert self._prefix is not None
        self._prefix += data
        prefix = bytes(self._prefix)
        start = self._start_of_chunk(prefix)
        if (len(prefix) if start is None else start) > MAX_OVERHEAD:
            raise MalformedRequest("The form's head is too long.")
        if start is None:
            return b""
        self._prefix = None
        return prefix[start:]

    def _start_of_chunk(self, prefix: bytes) -> int | None:
        """The position at which the chunk's bytes begin; None if more of the body is needed to know."""
        while (part := self._part(prefix, self._next_part)) is not None:
            name, start = part
            if name == CHUNK_FIELD:
                return start
            end = prefix.find(self._delimiter, start)
            if end < 0:
                return None
            self._store_field(name, prefix[start:end])
            self._next_part = end + 2
        return None

    def _feed_suffix(self, rest: Buffer) -> None:
        self._suffix += rest
        if len(self._suffix) > MAX_OVERHEAD or not self._suffix.startswith(self._delimiter[: len(self._suffix)]):
            raise self._size_mismatch()

    def _read_suffix(self) -> None:
        suffix, position = bytes(self._suffix), 2
        while not suffix.startswith(self._boundary + b"--", position):
            part = self._part(suffix, position)
            end = suffix.find(self._delimiter, part[1]) if part else -1
            if part is None or end < 0:
                raise MalformedRequest("The form ends in the middle of a part.")
            self._store_field(part[0], suffix[part[1] : end])
            position = end + 2

    def _part(self, data: bytes, position: int) -> tuple[str, int] | None:
        """Name and start of the part whose boundary is at ``position``; None while its headers are incomplete."""
        opening = self._boundary + b"\r\n"
        start = data[position : position + len(opening)]
        if start == self._boundary + b"--":
            raise _no_chunk()
        if not opening.startswith(start):
            raise MalformedRequest("The body is not multipart/form-data with the boundary of its Content-Type.")
        end = data.find(b"\r\n\r\n", position)
        if len(start) < len(opening) or end < 0:
            return None
        return name_of(data[position + len(opening) : end]), end + 4

    def _store_field(self, name: str, value: bytes) -> None:
        """Store the digest. A field that appears twice is ambiguous, and refused."""
        if name == CHUNK_FIELD or (name == DIGEST_FIELD and self._digest is not None):
            raise MalformedRequest(f"The form has more than one part named '{name}'.")
        if name == DIGEST_FIELD:
            self._digest = value

    def _size_mismatch(self) -> ChunkSizeMismatch:
        return ChunkSizeMismatch(f"The slot takes {self._size} bytes, and the form's file part has more or fewer.")


def _no_chunk() -> MalformedRequest:
    return MalformedRequest(f"The form has no file part named '{CHUNK_FIELD}'.")


def boundary_of(content_type: str) -> bytes:
    """The boundary of a form. Raises :class:`MalformedRequest`."""
    boundary = _parameter(content_type, "boundary")
    if boundary is None or not 1 <= len(boundary) <= 70 or not boundary.isascii():
        raise MalformedRequest("The form's Content-Type has no boundary of 1 to 70 characters (RFC 2046).")
    return boundary.encode("ascii")


def name_of(headers: bytes) -> str:
    """The name of a part, by its headers; empty if it has none."""
    for line in headers.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == b"content-disposition":
            return _parameter(value.decode("latin-1"), "name") or ""
    return ""


def _parameter(header: str, name: str) -> str | None:
    for key, quoted, plain in PARAMETER.findall(header):
        if key.lower() == name:
            return re.sub(r"\\(.)", r"\1", quoted) if quoted else str(plain)
    return None
