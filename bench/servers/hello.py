"""The smallest possible Strawberry server: one field on Starlette and uvicorn, with or without the library's caches."""

import sys

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache


@strawberry.type
class Query:
    @strawberry.field
    def hello(self) -> str:
        return "world"


def main(port: int, *, caches: bool) -> None:
    """Serve until ended."""
    schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache] if caches else [])
    app = Starlette(routes=[Route("/", GraphQL(schema), methods=["GET", "POST"])])
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="warning", access_log=False)


if __name__ == "__main__":
    main(int(sys.argv[1]), caches=sys.argv[2] == "caches")
