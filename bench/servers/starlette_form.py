"""Receives chunks like a usual tutorial: ``request.form()``, a file per chunk, all of them joined at the end."""

import hashlib
import os
import secrets
import shutil
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

FOLDER = Path(os.environ["BENCH_FOLDER"])


async def begin(request: Request) -> JSONResponse:
    """Begin an upload."""
    name = secrets.token_hex(16)
    (FOLDER / name).mkdir()
    return JSONResponse({"id": name}, 201)


async def receive(request: Request) -> JSONResponse:
    """Save and hash one chunk, the part ``chunk`` of a form."""
    async with request.form() as form:
        part = form["chunk"]
        assert isinstance(part, UploadFile)
        content = await part.read()
    (FOLDER / request.path_params["name"] / str(request.path_params["index"])).write_bytes(content)
    return JSONResponse({"sha256": hashlib.sha256(content).hexdigest()})


async def complete(request: Request) -> JSONResponse:
    """Join the chunks into one file."""
    name = request.path_params["name"]
    chunks = sorted((FOLDER / name).iterdir(), key=lambda path: int(path.name))
    with open(FOLDER / f"{name}.file", "wb") as whole:
        for chunk in chunks:
            with open(chunk, "rb") as part:
                shutil.copyfileobj(part, whole)
            chunk.unlink()
    return JSONResponse({"file": f"{name}.file"})


app = Starlette(
    routes=[
        Route("/uploads", begin, methods=["POST"]),
        Route("/uploads/{name}/chunks/{index:int}", receive, methods=["POST"]),
        Route("/uploads/{name}/complete", complete, methods=["POST"]),
    ]
)
