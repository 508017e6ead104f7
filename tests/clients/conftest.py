"""A server, and common GraphQL clients: those of npm, in locked versions, and Python's gql."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bench.harness import npm
from bench.harness.programs import run
from tests.support.backends.databases import Databases
from tests.support.server import Json
from tests.support.shared_server import SharedServer, shared_server

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Npm:
    """The folder in which the npm packages are installed."""

    folder: Path

    async def run(self, script: str, *arguments: str) -> Any:
        """Run a script and return its output, which is JSON."""
        return json.loads(await asyncio.to_thread(run, [npm.node(), str(self.folder / script), *arguments]))

    async def ask(self, kind: str, url: str, *operations: Json, token: str | None = None) -> list[Json]:
        """The results that the client graphql-``kind`` gives its user for each operation."""
        asked = {"kind": kind, "url": f"{url}/graphql", "token": token, "operations": operations}
        outcomes: list[Json] = await self.run("ask.js", json.dumps(asked))
        return outcomes


@pytest.fixture(scope="session")
def clients() -> Npm:
    """The npm packages, installed once."""
    return Npm(npm.install(HERE / "npm", HERE / ".cache"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory, databases: Databases) -> AsyncIterator[SharedServer]:
    """One server for the module."""
    async with shared_server(tmp_path_factory.mktemp("stand"), databases) as running:
        yield running
