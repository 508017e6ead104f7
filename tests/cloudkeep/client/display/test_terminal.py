"""``cloudkeep upload`` in a terminal: it asks for user ID and password, and draws progress bars."""

import re
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from cloudkeep.client.command import INTERRUPTED
from tests.cloudkeep.client.conftest import CHUNK
from tests.support.faults.proxy import Proxy
from tests.support.server import PASSWORD, Api
from tests.support.terminal import CTRL_C, Terminal, terminal

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
#: Control sequences that move the cursor or erase a line, and carriage returns, which do so as well.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?!\n)")


@pytest.fixture
async def user_id(api: Api) -> str:
    """The user ID of an account."""
    return str((await api.data("{ me { userId } }"))["userId"])


async def _sign_in(screen: Terminal, user_id: str, password: str = PASSWORD) -> None:
    await screen.answer("User ID", user_id)
    # The terminal discards text that is typed before the prompt.
    await screen.answer("Password: ", password)


async def test_there_is_a_prompt_for_user_id_and_password_and_a_bar(
    server: str, user_id: str, file: Path, worker: None
) -> None:
    async with terminal("upload", file, "--url", server, stdout=PIPE) as screen:
        await _sign_in(screen, user_id)
        code, out = await screen.end()
    assert code == 0
    assert re.fullmatch(r"file_[0-9a-z]{26}\n", out)
    assert re.search(r"film\.bin +\w+ .*━", screen.text)
    assert "film.bin: ready" in screen.text
    assert PASSWORD not in screen.text
    assert screen.text.rindex(SHOW_CURSOR) > screen.text.rindex(HIDE_CURSOR)


async def test_the_id_is_printed_in_the_terminal_as_well(server: str, user_id: str, file: Path, worker: None) -> None:
    async with terminal("upload", file, "--url", server) as screen:
        await _sign_in(screen, user_id)
        code, _ = await screen.end()
    assert code == 0
    assert re.search(r"film\.bin: ready: http\S+\r\nfile_[0-9a-z]{26}\r\n$", CONTROL.sub("", screen.text))


async def test_a_wrong_password_is_one_line(server: str, user_id: str, file: Path) -> None:
    async with terminal("upload", file, "--url", server) as screen:
        await _sign_in(screen, user_id, "wrong horse battery")
        code, _ = await screen.end()
    assert code == 2
    assert screen.text.endswith("\r\ncloudkeep: User ID, e-mail address or password is wrong\r\n")


async def test_ctrl_c_while_a_bar_is_drawn_leaves_a_tidy_terminal(
    server: str, user_id: str, file: Path, front: Proxy
) -> None:
    front.begin_to_hold(3 * CHUNK)
    async with terminal("upload", file, "--url", server) as screen:
        await _sign_in(screen, user_id)
        await front.holding.wait()
        screen.type(CTRL_C)
        code, _ = await screen.end()
    assert code == 130
    assert screen.text.endswith(f"\r\n{INTERRUPTED}\r\n")
    assert "Traceback" not in screen.text
    assert screen.text.rindex(SHOW_CURSOR) > screen.text.rindex(HIDE_CURSOR)


async def test_ctrl_c_instead_of_a_password_is_no_traceback(server: str, user_id: str, file: Path) -> None:
    async with terminal("upload", file, "--url", server) as screen:
        await screen.see("User ID")
        screen.type(CTRL_C)
        code, _ = await screen.end()
    assert code == 130
    assert screen.text.endswith(f"\r\n{INTERRUPTED}\r\n")
