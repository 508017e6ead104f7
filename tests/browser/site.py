"""The origin that the page under test comes from: the code of docs/uppy.md, a file to upload, and a log of events."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from bench.harness import npm
from bench.harness.programs import run
from tests.support.server import Json

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "uppy.md"
CODE = re.compile(r"^```js\n// (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HTML = "<!doctype html><title>Uppy</title><script type=module src=/page.js></script>"


class Site:
    """The task of the page, and the events that it has reported since."""

    def __init__(self, script: bytes, url: str) -> None:
        self.script = script
        self.url = url
        self.orders: Json = {}
        self.content = b""
        self.events: list[Json] = []

    def give(self, content: bytes, **orders: object) -> None:
        """Have the page upload this from now on, and forget earlier reports."""
        self.content, self.orders, self.events = content, orders, []

    def told(self, kind: str) -> list[Json]:
        """The events of this kind. Fails the test if the page has reported an error."""
        assert not [event for event in self.events if event["kind"] == "error"]
        return [event for event in self.events if event["kind"] == kind]

    def parts(self) -> dict[int, str]:
        """The parts that the page has sent, with the ETag of each answer that it has read."""
        return {event["index"]: event["etag"] for event in self.told("part")}

    async def ended(self) -> Json | None:
        """The last report of the page, if it has ended."""
        return next(iter(self.told("end")), None)


@asynccontextmanager
async def serving_page(script: bytes, listener: socket.socket) -> AsyncIterator[Site]:
    """Serve the page on the listener."""
    site = Site(script, url_of(listener))

    async def event(request: Request) -> Response:
        site.events.append(await request.json())
        return Response(status_code=204)

    routes = [
        Route("/", lambda _: HTMLResponse(HTML)),
        Route("/page.js", lambda _: Response(site.script, media_type="text/javascript")),
        Route("/orders", lambda _: JSONResponse(site.orders)),
        Route("/file", lambda _: Response(site.content)),
        Route("/events", event, methods=["POST"]),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_level="warning", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve([listener.dup()]))
    try:
        yield site
    finally:
        server.should_exit = True
        await task


def url_of(listener: socket.socket) -> str:
    """The origin that is served on a listener of the loopback interface."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def bundle(major: int, folder: Path, cache: Path) -> bytes:
    """The page with this Uppy and with the code of docs/uppy.md, as one script. ``folder`` is empty."""
    for name, code in CODE.findall(DOCUMENT.read_text()):
        (folder / name.replace(f"-{major}.", ".")).write_text(code)
    page = folder / "page.js"
    page.write_bytes((HERE / "page.js").read_bytes())
    tools = npm.install(HERE / "chromium", cache) / "node_modules"
    packages = npm.install(HERE / f"uppy-{major}", cache) / "node_modules"
    options = ["--bundle", "--format=esm", "--log-level=error", f"--outfile={folder / 'bundle.js'}"]
    run([npm.node(), str(tools / "esbuild" / "bin" / "esbuild"), str(page), *options], {"NODE_PATH": str(packages)})
    return (folder / "bundle.js").read_bytes()
