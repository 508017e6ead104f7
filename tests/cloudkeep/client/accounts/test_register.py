"""``cloudkeep register``: it asks, shows no password, and signs in."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from datetime import timedelta
from pathlib import Path

import pytest

from cloudkeep.client.accounts.commands import NOT_REGISTERED
from cloudkeep.client.credentials.store import CredentialStore
from cloudkeep.settings.settings import Settings
from services.accounts.registration import invitations
from services.accounts.registration.invitations import InvitationTerms
from services.accounts.types import RegistrationMode
from storage.accounts.models import Account
from tests.cloudkeep.client.accounts.conftest import SECONDS, command
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.server import PASSWORD, Api, otp_of
from tests.support.terminal import CTRL_C, Terminal, terminal

EMAIL = "grace@example.org"


async def _answer(screen: Terminal, *, user_id: str = "grace", invitation: str | None = None) -> None:
    await screen.answer("User ID: ", user_id)
    await screen.answer("Your name, as others see it: ", "Grace")
    await screen.answer("E-mail address: ", EMAIL)
    if invitation:
        await screen.answer("Invitation (cki_...): ", invitation)
    await screen.answer("Password: ", PASSWORD)
    await screen.answer("Password again: ", PASSWORD)


async def test_the_answers_and_the_code_make_an_account_that_is_signed_in(
    server: str, sink: SmtpSink, store: CredentialStore
) -> None:
    async with terminal("register", "--url", server) as screen:
        await _answer(screen)
        await screen.see(f"A code was mailed to {EMAIL}. To get another one, type resend.")
        await screen.answer("Code: ", otp_of(sink))
        code, _ = await screen.end()
    assert code == 0
    assert PASSWORD not in screen.text
    assert "Signed in as grace. The session is kept in " in screen.text
    session = store.load(server).session
    assert session
    assert session.user_id == "grace"
    assert (await command("whoami")).out[0] == "Account:  grace (Grace)"


async def test_a_wrong_code_is_asked_for_again_and_a_new_one_is_mailed_on_request(server: str, sink: SmtpSink) -> None:
    async with terminal("register", "--url", server) as screen:
        await _answer(screen)
        await screen.see("Code: ")
        first = otp_of(sink)
        screen.type(f"{(int(first) + 1) % 10**6:06}\n")
        await screen.see("The code is wrong or has expired. Please try again.")
        await screen.answer("Code: ", "resend")
        await screen.see("A new code was mailed.")
        await screen.answer("Code: ", otp_of(sink))
        code, _ = await screen.end()
    assert (code, len(sink.mails)) == (0, 2)


async def test_a_text_that_is_no_code_is_asked_for_again(server: str, sink: SmtpSink) -> None:
    async with terminal("register", "--url", server) as screen:
        await _answer(screen)
        await screen.see("Code: ")
        screen.type(f"{otp_of(sink)[:5]}\n")
        await screen.see("A code has 6 digits. Please try again.")
        await screen.answer("Code: ", otp_of(sink))
        code, _ = await screen.end()
    assert code == 0


async def test_after_five_wrong_codes_it_ends(server: str, sink: SmtpSink) -> None:
    async with terminal("register", "--url", server) as screen:
        await _answer(screen)
        for _ in range(5):
            await screen.see("Code: ")
            screen.type(f"{(int(otp_of(sink)) + 1) % 10**6:06}\n")
        code, _ = await screen.end()
    assert code == 2
    assert screen.text.endswith(
        "cloudkeep: the code was wrong too often; run the same command again for a new code\r\n"
    )


async def test_answers_that_are_refused_are_asked_for_again(server: str, api: Api, sink: SmtpSink) -> None:
    taken = (await api.data("{ me { userId } }"))["userId"]
    async with terminal("register", "--url", server, "--name", "Grace", "--email", EMAIL) as screen:
        await screen.answer("User ID: ", taken)
        await screen.answer("Password: ", PASSWORD)
        await screen.answer("Password again: ", "something else")
        await screen.see("The two passwords are not the same. Please try again.")
        await screen.answer("Password: ", PASSWORD)
        await screen.answer("Password again: ", PASSWORD)
        await screen.see("This user ID is taken. Please try again.")
        await screen.answer("User ID: ", "grace")
        await screen.see("Code: ")
        screen.type(f"{otp_of(sink)}\n")
        code, _ = await screen.end()
    assert code == 0


async def test_a_user_id_that_was_taken_meanwhile_is_replaced_with_the_same_code(server: str, sink: SmtpSink) -> None:
    async with terminal("register", "--url", server) as screen:
        await _answer(screen)
        await screen.see("Code: ")
        await Account.create(user_id="grace", name="Another", email="other@example.org", password_hash="-")
        screen.type(f"{otp_of(sink)}\n")
        await screen.see("This user ID was taken meanwhile. Choose another one.")
        await screen.answer("User ID: ", "grace2")
        code, _ = await screen.end()
    assert code == 0
    assert (await Account.get(email=EMAIL)).user_id == "grace2"


@pytest.mark.parametrize("prompt", ["User ID: ", "Password again: ", "Code: "])
async def test_ctrl_c_at_a_prompt_makes_no_account(server: str, config_home: Path, prompt: str) -> None:
    async with terminal("register", "--url", server) as screen:
        if prompt == "Code: ":
            await _answer(screen)
        elif prompt == "Password again: ":
            await screen.answer("User ID: ", "grace")
            await screen.answer("Your name, as others see it: ", "Grace")
            await screen.answer("E-mail address: ", EMAIL)
            await screen.answer("Password: ", PASSWORD)
        await screen.see(prompt)
        screen.type(CTRL_C)
        code, _ = await screen.end()
    assert code == 130
    assert screen.text.endswith(f"{NOT_REGISTERED}\r\n")
    assert "Traceback" not in screen.text
    assert (await Account.all().count(), config_home.exists()) == (0, False)


async def test_a_script_gives_the_password_and_the_code_on_standard_input(
    server: str, sink: SmtpSink, store: CredentialStore
) -> None:
    arguments = ("register", "grace", "--name", "Grace", "--email", EMAIL, "--url", server, "--password-stdin")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cloudkeep", *arguments), stdin=PIPE, stdout=PIPE, stderr=PIPE, env=dict(os.environ)
    )
    assert process.stdin
    assert process.stderr
    process.stdin.write(f"{PASSWORD}\n".encode())
    async with asyncio.timeout(SECONDS):
        await process.stderr.readuntil(b"A code was mailed to")
        process.stdin.write(f"{otp_of(sink)}\n".encode())
        await process.communicate()
    assert process.returncode == 0
    assert store.load(server).session


@pytest.mark.parametrize(
    ("otp", "message"), [("000000", "The code is wrong, was used, or has expired"), ("resent", "A code has 6 digits")]
)
async def test_a_script_with_a_wrong_code_is_refused(server: str, otp: str, message: str) -> None:
    given = ("grace", "--name", "Grace", "--email", EMAIL, "--password-stdin")
    ended = await command("register", *given, "--url", server, stdin=f"{PASSWORD}\n{otp}\n")
    assert ended.code == 2
    assert ended.err[-1].startswith(f"Code: cloudkeep: {message}")


async def test_an_account_whose_session_cannot_be_kept_exists_and_the_message_says_so(
    server: str, sink: SmtpSink, config_home: Path
) -> None:
    async with terminal("register", "--url", server) as screen:
        await _answer(screen)
        await screen.see("Code: ")
        config_home.write_text("a file in the place of the folder")
        screen.type(f"{otp_of(sink)}\n")
        code, _ = await screen.end()
    shown = re.sub(r"\s+", " ", screen.text)
    assert code == 2
    assert "cloudkeep: the account was created, but the session cannot be kept: " in shown
    assert "XDG_CONFIG_HOME can name another folder for credentials" in shown
    assert await Account.filter(user_id="grace").exists()


@pytest.mark.parametrize(
    ("arguments", "stdin", "message"),
    [
        ([], "", "this is not a terminal: give all options, and the password with --password-stdin"),
        (["--password-stdin"], "x\n", "--password-stdin needs the user ID, --name and --email as well"),
        (
            ["grace", "--name", "Grace", "--email", "nobody", "--password-stdin"],
            f"{PASSWORD}\n",
            "This is not an e-mail address",
        ),
        (["grace", "--name", "G", "--email", EMAIL, "--password-stdin"], "short\n", "A password"),
    ],
)
async def test_wrong_input_is_one_line(server: str, arguments: list[str], stdin: str, message: str) -> None:
    ended = await command("register", *arguments, "--url", server, stdin=stdin)
    assert (ended.code, ended.out) == (2, [])
    assert ended.err[-1].startswith(f"cloudkeep: {message}")
    assert [line for line in ended.err if line.startswith("cloudkeep: ")] == ended.err[-1:]


class TestInvitations:
    """A server that accepts only people who are invited."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """The settings of that server."""
        return settings.model_copy(update={"registration": RegistrationMode.INVITE})

    async def test_it_asks_for_the_invitation_and_again_after_a_wrong_one(self, server: str, sink: SmtpSink) -> None:
        _, token = await invitations.create(InvitationTerms(lifetime=timedelta(hours=1)))
        async with terminal("register", "--url", server) as screen:
            await _answer(screen, invitation="cki_wrong")
            await screen.see("Please try again.")
            await screen.answer("Invitation (cki_...): ", token)
            await screen.see("Code: ")
            screen.type(f"{otp_of(sink)}\n")
            code, _ = await screen.end()
        assert code == 0

    async def test_a_script_without_one_gets_one_line(self, server: str) -> None:
        given = ("grace", "--name", "Grace", "--email", EMAIL, "--password-stdin")
        ended = await command("register", *given, "--url", server, stdin=f"{PASSWORD}\n")
        assert (ended.code, ended.err[-1]) == (2, "cloudkeep: this server needs an invitation: --invitation TOKEN")


class TestClosed:
    """A server that accepts no registrations."""

    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        """The settings of that server."""
        return settings.model_copy(update={"registration": RegistrationMode.CLOSED})

    async def test_it_says_so_before_it_asks(self, server: str) -> None:
        async with terminal("register", "--url", server) as screen:
            code, _ = await screen.end()
        assert code == 2
        message = f"cloudkeep: {server} accepts no registrations; ask its administrator for an account"
        assert re.sub(r"\s+", " ", screen.text).strip() == message
