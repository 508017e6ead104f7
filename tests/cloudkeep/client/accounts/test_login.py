"""``cloudkeep login``, ``whoami`` and ``logout``, and what ``upload`` does with their session."""

import asyncio
import re
import stat
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from cloudkeep.client.accounts.commands import INTERRUPTED
from cloudkeep.client.api.documents import LOGIN
from cloudkeep.client.credentials.store import CredentialStore
from services.accounts.sign_in.sign_in_delays import FREE_OF_CLIENT
from storage.accounts.models import Session
from tests.cloudkeep.client.accounts.conftest import Ended, command
from tests.cloudkeep.client.credentials.fake_keyrings import FILE_VARIABLE
from tests.support.faults.proxy import Proxy
from tests.support.server import PASSWORD, Api
from tests.support.terminal import CTRL_C, CTRL_D, terminal

SignIn = Callable[[], Awaitable[Ended]]


async def test_a_sign_in_in_a_terminal_is_kept_in_a_private_file(
    server: str, user_id: str, config_home: Path, store: CredentialStore
) -> None:
    async with terminal("login", "--url", server) as screen:
        await screen.answer("User ID or e-mail address: ", user_id)
        await screen.answer("Password: ", PASSWORD)
        code, _ = await screen.end()
    file = config_home / "cloudkeep" / "credentials.json"
    assert code == 0
    assert screen.text.endswith(f"Signed in as {user_id}. The session is kept in {file}.\r\n")
    assert PASSWORD not in screen.text
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert PASSWORD not in file.read_text()
    assert store.default_server() == server


async def test_uploads_use_the_session_without_a_url_or_a_token(
    server: str, sign_in: SignIn, api: Api, file: Path, worker: None
) -> None:
    assert (await sign_in()).code == 0
    ended = await command("upload", str(file))
    assert (ended.code, len(ended.out)) == (0, 1), ended.err
    found = await api.data("query ($id: ID!) { file(id: $id) { name } }", id=ended.out[0])
    assert found["name"] == file.name


async def test_a_token_in_the_environment_wins_over_the_session(sign_in: SignIn, server: str, file: Path) -> None:
    await sign_in()
    ended = await command("upload", str(file), "--url", server, CLOUDKEEP_TOKEN="not.a.token")
    assert ended.code == 2
    assert ended.err[-1].startswith("cloudkeep: the token in CLOUDKEEP_TOKEN is invalid or has expired")


async def test_a_token_in_the_environment_is_not_sent_to_the_server_of_the_last_sign_in(
    sign_in: SignIn, file: Path, tmp_path: Path
) -> None:
    await sign_in()
    data = tmp_path / "no-server"
    ended = await command("upload", str(file), CLOUDKEEP_TOKEN="a.b.c", CLOUDKEEP_DATA_DIR=str(data))
    assert (ended.code, ended.err[-1].startswith(f"cloudkeep: no running server was found in {data}")) == (2, True)


async def test_whoami_says_who_where_and_where_the_session_is_kept(
    sign_in: SignIn, server: str, user_id: str, config_home: Path
) -> None:
    await sign_in()
    ended = await command("whoami")
    assert (ended.code, ended.err) == (0, [])
    account, where, address, session, kept = ended.out
    assert account == f"Account:  {user_id} (A Person)"
    assert where == f"Server:   {server}"
    assert address == f"Address:  {user_id}@example.org"
    assert re.fullmatch(r"Session:  opened at 20\S+ \S+ UTC, ends at 20\S+ \S+ UTC unless it is used", session)
    assert kept == f"Kept in:  {config_home}/cloudkeep/credentials.json"


async def test_whoami_says_that_a_token_of_the_environment_is_used(server: str, token: str, user_id: str) -> None:
    ended = await command("whoami", "--url", server, CLOUDKEEP_TOKEN=token)
    assert ended.code == 0
    assert ended.out[-1] == "Session:  none; the token in CLOUDKEEP_TOKEN is used"
    assert ended.out[0].startswith(f"Account:  {user_id} ")


async def test_without_a_sign_in_whoami_says_how_to_sign_in(server: str) -> None:
    ended = await command("whoami", "--url", server)
    expected = f"no one is signed in at {server}: run `cloudkeep login --url {server}`, or set CLOUDKEEP_TOKEN"
    assert (ended.code, ended.out, ended.err) == (2, [], [f"cloudkeep: {expected}"])


async def test_with_a_keyring_the_session_is_kept_there(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config_home: Path
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.cloudkeep.client.credentials.fake_keyrings.Working")
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "keyring.json"))
    assert (await sign_in()).err[-1].endswith("The session is kept in the system keyring.")
    assert "refreshToken" not in (config_home / "cloudkeep" / "credentials.json").read_text()
    ended = await command("whoami")
    assert (ended.code, ended.out[-1]) == (0, "Kept in:  the system keyring")


async def test_a_keyring_that_fails_makes_the_file_take_its_place(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.cloudkeep.client.credentials.fake_keyrings.Locked")
    assert (await sign_in()).err[-1].endswith("credentials.json.")
    assert (await command("whoami")).code == 0


async def test_a_wrong_password_is_one_line_and_stores_nothing(server: str, user_id: str, config_home: Path) -> None:
    ended = await command("login", user_id, "--url", server, "--password-stdin", stdin="wrong horse battery\n")
    assert (ended.code, ended.out) == (2, [])
    assert ended.err == [f"Signing in at {server}", "cloudkeep: User ID, e-mail address or password is wrong"]
    assert not config_home.exists()


async def _guess_until_delayed(api: Api, user_id: str) -> None:
    for _ in range(FREE_OF_CLIENT + 1):
        await api.call(LOGIN, input={"userId": user_id, "password": "wrong horse battery"})


async def test_wrong_passwords_of_others_do_not_delay_a_device_that_has_signed_in_before(
    sign_in: SignIn, api: Api, user_id: str, server: str, store: CredentialStore
) -> None:
    await sign_in()
    assert store.load(server).device_token_for(user_id)
    assert (await command("logout")).out == []
    await _guess_until_delayed(api, user_id)
    ended = await sign_in()
    assert (ended.code, [line for line in ended.err if "waiting" in line]) == (0, [])


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
@pytest.mark.parametrize("question", ["User ID or e-mail address: ", "Password: "])
async def test_ctrl_c_at_a_prompt_leaves_nothing(
    server: str, user_id: str, config_home: Path, question: str, key: str
) -> None:
    before = await Session.all().count()
    async with terminal("login", "--url", server) as screen:
        if question == "Password: ":
            await screen.answer("User ID or e-mail address: ", user_id)
        await screen.see(question)
        screen.type(key)
        code, _ = await screen.end()
    assert code == 130
    assert screen.text.endswith(f"{INTERRUPTED}\r\n")
    assert "Traceback" not in screen.text
    assert (config_home.exists(), await Session.all().count()) == (False, before)


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        ([], "", "this is not a terminal: give the user ID, and the password with --password-stdin"),
        (["--password-stdin"], "secret\n", "--password-stdin needs the user ID or the address as well"),
        (["ada", "--password-stdin"], "", "--password-stdin: there is no password on standard input"),
        (["ada", "--password-stdin"], "\n", "--password-stdin: there is no password on standard input"),
    ],
)
async def test_wrong_input_is_one_line(server: str, arguments: list[str], stdin: str, message: str) -> None:
    ended = await command("login", *arguments, "--url", server, stdin=stdin)
    assert (ended.code, ended.out, ended.err[-1]) == (2, [], f"cloudkeep: {message}")


async def test_a_server_that_is_away_is_said_before_anyone_types_a_password(front: Proxy) -> None:
    front.open = False
    async with terminal("login", "--url", front.url) as screen:
        code, _ = await screen.end()
    assert code == 2
    assert screen.text == f"cloudkeep: the connection to {front.url} was lost\r\n"


async def test_a_file_that_others_can_read_is_refused(sign_in: SignIn, config_home: Path) -> None:
    await sign_in()
    (file := config_home / "cloudkeep" / "credentials.json").chmod(0o644)
    ended = await command("whoami")
    assert (ended.code, len(ended.err)) == (2, 1)
    assert ended.err[0].endswith(f"run: chmod 600 {file}")


async def test_the_password_is_in_no_command_line_and_no_environment(server: str, user_id: str, front: Proxy) -> None:
    async with terminal("login", "--url", server) as screen:
        await screen.answer("User ID or e-mail address: ", user_id)
        await screen.see("Password: ")
        front.open = False
        screen.type(f"{PASSWORD}\n")
        process = psutil.Process(screen.process.pid)
        seen = [*process.cmdline(), *process.environ().values()]
        front.open = True
        await screen.end()
    assert not [text for text in seen if PASSWORD in text]


async def test_a_second_sign_in_replaces_the_first(sign_in: SignIn, store: CredentialStore, server: str) -> None:
    await sign_in()
    first = store.load(server).session
    assert (await sign_in()).code == 0
    second = store.load(server).session
    assert first
    assert second
    assert first.session_id != second.session_id
    assert (await command("whoami")).code == 0


async def test_a_logout_ends_the_session_at_the_server_and_removes_it_here(
    sign_in: SignIn, server: str, store: CredentialStore
) -> None:
    await sign_in()
    session = store.load(server).session
    assert session
    before = await Session.all().count()
    ended = await command("logout")
    assert (ended.code, ended.out, ended.err) == (0, [], [f"Signed out of {server}."])
    assert await Session.all().count() == before - 1
    assert (store.load(server).session, store.default_server()) == (None, None)


async def test_a_logout_works_with_an_access_token_that_has_expired(
    sign_in: SignIn, server: str, store: CredentialStore
) -> None:
    await sign_in()
    credentials = store.load(server)
    assert credentials.session
    stale = replace(credentials.session, access_token="not.a.token")
    store.save(server, credentials.with_session(stale))
    ended = await command("logout")
    assert (ended.code, ended.err) == (0, [f"Signed out of {server}."])


async def test_a_logout_removes_the_session_here_while_the_server_is_away_and_says_so(
    sign_in: SignIn, front: Proxy, store: CredentialStore
) -> None:
    await sign_in()
    front.open = False
    ended = await command("logout")
    assert ended.code == 1
    assert ended.err == [
        f"Signed out here. At {front.url} the session stays open until it expires or you end it: the connection to "
        f"{front.url} was lost."
    ]
    assert store.load(front.url).session is None


async def test_a_logout_of_a_session_that_has_ended_before_is_a_logout(sign_in: SignIn, server: str) -> None:
    await sign_in()
    await Session.all().delete()
    ended = await command("logout")
    assert (ended.code, ended.err) == (0, [f"Signed out of {server}."])


async def test_a_logout_without_a_session_says_so(server: str) -> None:
    ended = await command("logout", "--url", server)
    assert (ended.code, ended.err) == (0, [f"No one is signed in at {server}."])


async def test_a_session_that_was_revoked_elsewhere_ends_with_one_line(
    sign_in: SignIn, server: str, user_id: str
) -> None:
    await sign_in()
    await Session.all().delete()
    ended = await command("whoami")
    again = f"sign in again with `cloudkeep login --url {server}`"
    assert (ended.code, ended.out) == (2, [])
    assert ended.err == [f"cloudkeep: the session of {user_id} at {server} has ended; {again}"]


async def test_a_sign_in_ends_the_session_that_it_replaces(sign_in: SignIn) -> None:
    await sign_in()
    before = await Session.all().count()
    await sign_in()
    assert await Session.all().count() == before


async def test_commands_at_the_same_time_share_a_session(sign_in: SignIn, store: CredentialStore, server: str) -> None:
    await sign_in()
    ended = await asyncio.gather(*(command("whoami") for _ in range(3)))
    assert [each.code for each in ended] == [0, 0, 0]
