"""Commands of accounts as processes, and the account that they sign in to."""

import asyncio
import functools
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudkeep.client.credentials.private_folder import PrivateFolder
from cloudkeep.client.credentials.store import CredentialStore
from cloudkeep.client.credentials.system_keyring import SystemKeyring
from tests.support.server import PASSWORD, Api

SECONDS = 60
# The background jobs of a shell ignore Ctrl-C, and the tests may be started as one.
heed_interrupts = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)


@dataclass(frozen=True)
class Ended:
    """A command that has ended."""

    code: int | None
    out: list[str]
    err: list[str]


async def command(*arguments: str, stdin: str = "", **environment: str) -> Ended:
    """Run ``cloudkeep`` with these arguments and this standard input."""
    return await program("from cloudkeep.cli.main import main; main()", *arguments, stdin=stdin, **environment)


async def program(text: str, *arguments: str, stdin: str = "", **environment: str) -> Ended:
    """Run a Python program with these arguments and this standard input."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", text, *arguments),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, **environment},
        preexec_fn=heed_interrupts,
    )
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate(stdin.encode())
    return Ended(process.returncode, out.decode().splitlines(), err.decode().splitlines())


@pytest.fixture
async def user_id(api: Api) -> str:
    """The user ID of an account."""
    return str((await api.data("{ me { userId } }"))["userId"])


@pytest.fixture
def store(config_home: Path) -> CredentialStore:
    """The store of the commands."""
    return CredentialStore(PrivateFolder(config_home / "cloudkeep"), SystemKeyring())


@pytest.fixture
def sign_in(server: str, user_id: str) -> Callable[[], Awaitable[Ended]]:
    """Signs in by ``cloudkeep login``."""
    return lambda: command("login", user_id, "--url", server, "--password-stdin", stdin=f"{PASSWORD}\n")
