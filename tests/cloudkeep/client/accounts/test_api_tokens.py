"""``cloudkeep token``: creates, lists and revokes API tokens."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloudkeep.client.accounts.api_tokens import SCOPES, NewToken
from cloudkeep.client.errors import UsageError
from schema.scopes.directives import ApiTokenScope
from storage.accounts.models import ApiToken, Session
from tests.cloudkeep.client.accounts.conftest import Ended, command
from tests.support.server import PASSWORD
from tests.support.terminal import terminal

SignIn = Callable[[], Awaitable[Ended]]
SECRET = re.compile(r"ckp_[0-9A-Za-z]{36}")


async def _create(*arguments: str) -> str:
    ended = await command("token", "create", *arguments)
    assert (ended.code, len(ended.out)) == (0, 1), ended.err
    return ended.out[0]


async def _signed_in_long_ago() -> None:
    await Session.all().update(authenticated_at=datetime.now(UTC) - timedelta(hours=1))


async def test_standard_output_only_has_the_token_and_it_works(
    sign_in: SignIn, server: str, user_id: str, file: Path, worker: None
) -> None:
    await sign_in()
    ended = await command("token", "create", "a script", "--scope", "upload", "--scope", "READ", "--expires", "30d")
    (secret,) = ended.out
    assert SECRET.fullmatch(secret)
    (line,) = ended.err
    assert re.fullmatch(r"Created token_\w+, which expires at .* UTC\. This is the only time .* is shown:", line)
    assert secret not in line
    uploaded = await command("upload", str(file), "--url", server, CLOUDKEEP_TOKEN=secret)
    assert (uploaded.code, len(uploaded.out)) == (0, 1), uploaded.err
    shown = await command("whoami", "--url", server, CLOUDKEEP_TOKEN=secret)
    assert shown.out[0] == f"Account:  {user_id} (A Person)"


async def test_tokens_are_listed_without_their_secret_and_revoked_by_name_or_id(sign_in: SignIn, server: str) -> None:
    await sign_in()
    first = await _create("first", "--scope", "READ")
    second = await _create("second", "--scope", "READ,UPLOAD", "--expires", "52w")
    header, newest, oldest = (await command("token", "list")).out
    assert header.split("  ")[0] == "NAME"
    assert re.match(r"second  token_\w+  \w+ +READ,UPLOAD  20", newest)
    assert re.match(r"first   token_\w+  \w+ +READ  .*  -$", oldest)
    assert first not in oldest
    assert (await command("token", "revoke", "first")).err == ["Revoked first."]
    assert (await command("token", "revoke", newest.split()[1])).err == ["Revoked second."]
    assert len((await command("token", "list")).out) == 1
    ended = await command("whoami", "--url", server, CLOUDKEEP_TOKEN=second)
    assert ended.code == 2
    assert ended.err[0].startswith("cloudkeep: the token in CLOUDKEEP_TOKEN is invalid or has expired")


async def test_a_name_that_several_tokens_have_revokes_none(sign_in: SignIn) -> None:
    await sign_in()
    for _ in range(2):
        await _create("same", "--scope", "READ")
    ended = await command("token", "revoke", "same")
    assert ended.code == 2
    assert ended.err[-1].startswith("cloudkeep: several API tokens have the name 'same'; name one by its ID: token_")
    assert await ApiToken.all().count() == 2


async def test_an_unknown_name_is_one_line(sign_in: SignIn) -> None:
    await sign_in()
    ended = await command("token", "revoke", "none")
    assert (ended.code, ended.err) == (2, ["cloudkeep: there is no API token with the name or ID 'none'"])


async def test_long_after_the_sign_in_it_asks_for_the_password(sign_in: SignIn) -> None:
    await sign_in()
    await _signed_in_long_ago()
    async with terminal("token", "create", "late", "--scope", "READ") as screen:
        await screen.see("The last sign-in was too long ago for this, so the password is needed again.")
        await screen.answer("Password: ", PASSWORD)
        code, _ = await screen.end()
    assert code == 0
    assert SECRET.fullmatch(screen.text.splitlines()[-1])
    assert PASSWORD not in screen.text


async def test_long_after_the_sign_in_a_script_gives_the_password_on_standard_input(sign_in: SignIn) -> None:
    await sign_in()
    await _signed_in_long_ago()
    arguments = ("token", "create", "late", "--scope", "READ")
    refused = await command(*arguments)
    message = "this is not a terminal: the last sign-in was too long ago, so give the password with --password-stdin"
    assert (refused.code, refused.out, refused.err) == (2, [], [f"cloudkeep: {message}"])
    wrong = await command(*arguments, "--password-stdin", stdin="wrong horse battery\n")
    assert (wrong.code, wrong.out, len(wrong.err)) == (2, [], 1)
    ended = await command(*arguments, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert (ended.code, len(ended.out)) == (0, 1)


async def test_an_api_token_cannot_create_another(sign_in: SignIn, server: str) -> None:
    await sign_in()
    secret = await _create("first", "--scope", "ACCOUNT")
    ended = await command("token", "create", "second", "--scope", "READ", "--url", server, CLOUDKEEP_TOKEN=secret)
    assert (ended.code, ended.out, len(ended.err)) == (2, [], 1)


@pytest.mark.parametrize(
    ("scopes", "expires", "message"),
    [
        ([], None, "--scope says what the token may do; it is one of READ, "),
        (["ALL"], None, "--scope must be one of READ, .*, not 'ALL'$"),
        (["READ,"], None, "--scope must be one of READ, .*, not ''$"),
        *(
            (["READ"], text, "--expires must be a number of hours, days or weeks, as in 12h, 30d or 52w, not ")
            for text in ("0d", "30", "30x", "-1d", "1.5d", "soon")
        ),
    ],
)
def test_wrong_options_are_one_line(scopes: list[str], expires: str | None, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        NewToken.of("name", scopes, expires)


def test_the_scopes_are_those_of_the_api() -> None:
    assert set(SCOPES) == set(ApiTokenScope.__members__)


@pytest.mark.parametrize(
    ("text", "lifetime"), [("12h", timedelta(hours=12)), ("30D", timedelta(30)), ("2w", timedelta(14))]
)
def test_an_expiry_is_counted_from_now(text: str, lifetime: timedelta) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    expires_at = NewToken.of("name", ["read"], text).expires_at
    assert expires_at
    assert before + lifetime <= expires_at <= datetime.now(UTC) + lifetime
