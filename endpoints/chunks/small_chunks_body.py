"""A form with the only chunks of several small files: the name of each part is the URL of its slot.

Like :mod:`endpoints.chunks.multipart`, it does not look for the boundary in the bytes of files: each URL has the size.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from starlette.routing import compile_path

from endpoints.chunks.chunk import slot_authorization_of
from endpoints.chunks.chunk_body import batch_budget
from endpoints.chunks.multipart import MAX_OVERHEAD, boundary_of, name_of
from services.access.signed_urls import SLOT_PATH, SlotAuthorization
from services.core.errors import MalformedRequest, UrlInvalid
from services.uploads.small_chunks import MAX_CHUNKS, MAX_SIZE

SLOT = compile_path(SLOT_PATH)[0]
END_OF_HEADERS = b"\r\n\r\n"


@dataclass(frozen=True)
class SmallPart:
    """The bytes of a slot, and the parts of its URL, whose signature is not checked yet."""

    authorization: SlotAuthorization
    expires: str
    signature: str
    content: bytes


async def small_groups(
    content_type: str, blocks: AsyncGenerator[bytes, None], check: Callable[[SmallPart], None]
) -> AsyncGenerator[list[SmallPart], None]:
    """The parts of a form, about a mebibyte of them at a time, or less while many bodies come in.

    ``check`` gets each part as soon as it has arrived, and may raise. Raises :class:`MalformedRequest`.
    """
    group: list[SmallPart] = []
    async with aclosing(blocks), aclosing(_parts(content_type, blocks)) as parts:
        with batch_budget.shared():
            async for part in parts:
                check(part)
                group.append(part)
                if sum(len(each.content) for each in group) >= batch_budget.batch:
                    yield group
                    group = []
            if group:
                yield group


async def _parts(content_type: str, blocks: AsyncIterator[bytes]) -> AsyncGenerator[SmallPart, None]:
    reader = _Reader(blocks)
    boundary = b"--" + boundary_of(content_type)
    await reader.require(boundary)
    seen: set[SlotAuthorization] = set()
    for _ in range(MAX_CHUNKS):
        if await reader.take(2) == b"--":
            return
        headers = await reader.until(END_OF_HEADERS)
        url = urlsplit(name_of(headers))
        query = dict(parse_qsl(url.query))
        authorization = _authorization(url.path, query.get("size", ""))
        if authorization.size > MAX_SIZE:
            raise MalformedRequest(f"A chunk of this form has at most {MAX_SIZE} bytes.")
        # One of two contents would be lost: a slot takes the bytes of one part.
        if authorization in seen:
            raise MalformedRequest("A form has one part for a slot.")
        seen.add(authorization)
        content = await reader.take(authorization.size)
        yield SmallPart(authorization, query.get("expires", ""), query.get("signature", ""), content)
        await reader.require(b"\r\n" + boundary)
    if await reader.take(2) != b"--":
        raise MalformedRequest(f"A form has at most {MAX_CHUNKS} chunks.")


def _authorization(path: str, size: str) -> SlotAuthorization:
    found = SLOT.fullmatch(path)
    if not found:
        raise UrlInvalid("The name of a part is not the URL of a slot.")
    return slot_authorization_of(found["upload_id"], found["index"], size)


class _Reader:
    """Reads exact numbers of bytes from blocks of any size."""

    def __init__(self, blocks: AsyncIterator[bytes]) -> None:
        self._blocks = blocks
        self._buffer = bytearray()

    async def take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._read()
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

    async def until(self, end: bytes) -> bytes:
        """The bytes before ``end``, which is passed over."""
        while (position := self._buffer.find(end)) < 0:
            if len(self._buffer) > MAX_OVERHEAD:
                raise MalformedRequest("The head of a part is too long.")
            await self._read()
        return (await self.take(position + len(end)))[:position]

    async def require(self, expected: bytes) -> None:
        if await self.take(len(expected)) != expected:
            raise MalformedRequest("A part does not have the size of its slot, or this is not multipart/form-data.")

    async def _read(self) -> None:
        block = await anext(self._blocks, None)
        if block is None:
            raise MalformedRequest("The form ends in the middle of a part.")
        self._buffer += block
