"""HTTP requests that tests write line by line."""

import json
from urllib.parse import urlsplit

from tests.endpoints.wire import Answer, connect
from tests.support.shared_server import SharedServer

BEGIN = 'mutation { initUpload(input: {fileName: "a", size: 1}) { upload { slots { nodes { url } } } } }'


async def ask(running: SharedServer, text: str) -> Answer:
    """The response to a request with these lines."""
    async with connect(running.url) as wire:
        await wire.send(text.replace("\n", "\r\n").encode("latin-1"))
        return await wire.answer()


async def base_of_slots(running: SharedServer, *headers: str, target: str = "/graphql") -> str:
    """The base of the URL of a slot, in the response to a request with these headers."""
    token = running.api.http.headers["Authorization"]
    body = json.dumps({"query": BEGIN})
    lines = [f"POST {target} HTTP/1.1", *headers, f"Authorization: {token}", "Content-Type: application/json"]
    answer = await ask(running, "\n".join([*lines, f"Content-Length: {len(body)}", "", body]))
    (slot,) = answer.json()["data"]["initUpload"]["upload"]["slots"]["nodes"]
    parts = urlsplit(slot["url"])
    return f"{parts.scheme}://{parts.netloc}"
