"""The endpoints of the page and of GraphiQL."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from endpoints.downloads.content_response import not_modified
from endpoints.page.encodings import accepted_encodings
from endpoints.page.files import PageFile, PageFiles
from endpoints.page.paths import GRAPHIQL, PAGE
from endpoints.page.placeholder import placeholder
from endpoints.page.policies import Policies
from endpoints.state import base_url_of

#: The browser asks each time whether there is a new build.
NO_CACHE = {"Cache-Control": "no-cache"}
#: The name changes with the content.
IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}


class Page:
    """The build in ``folder``, if there is one: it may come or change at any time."""

    def __init__(self, folder: Path, policies: Policies | None = None) -> None:
        self._files = PageFiles(folder)
        self._policies = policies or Policies()

    async def index(self, request: Request) -> Response:
        """The page, which finds by its own router what the path is about."""
        return await self._document(request, PAGE) or placeholder()

    async def graphiql(self, request: Request) -> Response:
        """The page of GraphiQL."""
        return await self._document(request, GRAPHIQL) or placeholder()

    async def missing(self, request: Request) -> Response | None:
        """The page for a path that does not exist, with status 404; None without a build."""
        response = await self._document(request, PAGE)
        if response:
            response.status_code = 404
        return response

    def root_file(self, name: str) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a file whose name never changes."""

        async def endpoint(request: Request) -> Response:
            return await self._file(request, f"page/{name}", NO_CACHE)

        return endpoint

    def assets(self, folder: str) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a folder of files whose names have a hash of the content."""

        async def endpoint(request: Request) -> Response:
            return await self._file(request, f"{folder}/{request.path_params['file']}", IMMUTABLE)

        return endpoint

    async def _document(self, request: Request, name: str) -> Response | None:
        file = await self._read(request, name)
        policy = self._policies.page if name == PAGE else self._policies.graphiql
        return _response(request, file, {**NO_CACHE, **policy(base_url_of(request))}) if file else None

    async def _file(self, request: Request, name: str, caching: dict[str, str]) -> Response:
        file = await self._read(request, name)
        if file is None:
            raise HTTPException(404)
        is_script = name.endswith(".js")
        policy = self._policies.script(base_url_of(request)) if is_script else self._policies.file()
        return _response(request, file, {**caching, **policy})

    async def _read(self, request: Request, name: str) -> PageFile | None:
        return await self._files.read(name, accepted_encodings(request.headers.get("accept-encoding", "")))


def _response(request: Request, file: PageFile, headers: dict[str, str]) -> Response:
    """A 304 has the policy as well: a browser replaces the headers that it has stored by those of a 304."""
    headers |= {"ETag": file.etag, "Vary": "Accept-Encoding"}
    if known := not_modified(request, headers):
        return known
    if file.encoding:
        headers["Content-Encoding"] = file.encoding
    return Response(file.content, headers=headers, media_type=file.media_type)
