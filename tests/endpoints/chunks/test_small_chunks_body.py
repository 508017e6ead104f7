"""The form with the chunks of small files: read in groups, whose memory all bodies of the process share."""

from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing
from uuid import UUID, uuid4

import pytest

from endpoints.chunks.chunk_body import SMALLEST_BATCH, batch_budget
from endpoints.chunks.small_chunks_body import SmallPart, small_groups
from services.core.errors import MalformedRequest, UrlInvalid
from services.core.ids import Prefix, encode

CONTENT_TYPE = "multipart/form-data; boundary=b"
HALF = SMALLEST_BATCH // 2


def form(keys: list[UUID], size: int = HALF) -> bytes:
    urls = [f"/uploads/{encode(Prefix.UPLOAD, key)}/chunks/0?size={size}" for key in keys]
    head = 'Content-Disposition: form-data; name="%s"; filename="chunk"'
    parts = [f"--b\r\n{head % url}\r\n\r\n".encode() + bytes(size) + b"\r\n" for url in urls]
    return b"".join(parts) + b"--b--\r\n"


class Body:
    """A body that notes its end, and the memory budget's state while it is read."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.is_closed = False

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        try:
            for start in range(0, len(self._content), 4096):
                yield self._content[start : start + 4096]
        finally:
            self.is_closed = True


async def sizes(body: Body) -> list[int]:
    async with aclosing(small_groups(CONTENT_TYPE, body.blocks(), lambda part: None)) as groups:
        return [len(group) async for group in groups]


async def test_groups_share_the_memory_of_all_bodies() -> None:
    keys = [uuid4() for _ in range(5)]
    assert await sizes(Body(form(keys))) == [5]
    with ExitStack() as bodies:
        for _ in range(200):
            bodies.enter_context(batch_budget.shared())
        assert await sizes(Body(form(keys))) == [2, 2, 1]


async def test_a_refused_part_ends_the_body() -> None:
    def refuse(part: SmallPart) -> None:
        raise UrlInvalid("forged")

    body, before = Body(form([uuid4(), uuid4()])), batch_budget.batch
    async with aclosing(small_groups(CONTENT_TYPE, body.blocks(), refuse)) as groups:
        with pytest.raises(UrlInvalid):
            await anext(groups)
    assert body.is_closed
    assert batch_budget.batch == before


async def test_a_reader_that_gives_up_ends_the_body() -> None:
    body = Body(form([uuid4() for _ in range(64)]))
    async with aclosing(small_groups(CONTENT_TYPE, body.blocks(), lambda part: None)) as groups:
        await anext(groups)
        assert not body.is_closed
    assert body.is_closed


@pytest.mark.parametrize("between", [0, 1, 40])
async def test_a_slot_has_one_part(between: int) -> None:
    key = uuid4()
    with pytest.raises(MalformedRequest):
        await sizes(Body(form([key, *(uuid4() for _ in range(between)), key])))
