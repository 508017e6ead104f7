"""The work of ``cloudkeep login``, ``logout`` and ``whoami``."""

import asyncio
import sys

from cloudkeep.client.accounts.connection import Connection, connected
from cloudkeep.client.accounts.documents import CURRENT_SESSION, LOGOUT, WHOAMI, WHOAMI_WITHOUT_ADDRESS
from cloudkeep.client.accounts.server import require_tokens
from cloudkeep.client.api.sign_in import INVALID_CREDENTIALS, SignIn, sign_in
from cloudkeep.client.api.tokens import Tokens
from cloudkeep.client.credentials.choice import (
    Credentials,
    StoredCredentials,
    choose_credentials,
    choose_stored,
    is_token_in_environment,
)
from cloudkeep.client.credentials.refresh_lock import refresh_lock_outside_loop
from cloudkeep.client.credentials.stored_tokens import stored_session
from cloudkeep.client.credentials.types import StoredSession
from cloudkeep.client.display.display import print_error
from cloudkeep.client.display.tables import time_text
from cloudkeep.client.errors import ClientError, CredentialsError, RequestRefused, RetryableError, UsageError, printable
from cloudkeep.client.prompts import ask, ask_password, password_of_stdin, require_terminal

#: Seconds that a logout waits for the server.
LOGOUT_TIMEOUT = 15.0
#: The codes for a session that has ended already.
ENDED_BEFORE = frozenset({INVALID_CREDENTIALS, "NOT_FOUND"})


def login(url: str | None, user: str | None, *, password_stdin: bool) -> int:
    """Open a session and store it. An earlier session of the same server ends."""
    if not password_stdin:
        require_terminal("give the user ID, and the password with --password-stdin")
    elif not user:
        raise UsageError("--password-stdin needs the user ID or the address as well")
    chosen = choose_stored(url, without_keyring=True)
    with connected(chosen.url) as connection:
        connection.require_server()
        print_error(f"Signing in at {chosen.url}")
        name = user or ask("User ID or e-mail address")
        password = password_of_stdin() if password_stdin else ask_password()
        device_token = chosen.stored.device_token_for(name)
        signed_in = connection.run(sign_in(connection.graphql, name, password, device_token))
        keep(connection, chosen, signed_in)
        if earlier := chosen.stored.session:
            connection.run(_end(connection, earlier))
    return 0


def keep(connection: Connection, chosen: StoredCredentials, signed_in: SignIn) -> None:
    """Store a session that was just opened, and say so. If that fails, end it, because nobody could use it."""
    session = stored_session(signed_in)
    try:
        with refresh_lock_outside_loop(chosen.store.folder, chosen.url):
            chosen.store.save_sign_in(chosen.url, chosen.stored.with_session(session, signed_in.device_token))
    except BaseException:
        connection.run(_end(connection, session))
        raise
    place = chosen.store.place(chosen.url)
    print_error(f"Signed in as {printable(signed_in.user_id)}. The session is kept in {place}.")
    if is_token_in_environment():
        print_error("CLOUDKEEP_TOKEN is set, and is used instead of this session until you unset it.")


def logout(url: str | None) -> int:
    """End the session at the server, and remove it here in any case."""
    chosen = choose_stored(url, without_keyring=True)
    problem: str | None = None
    try:
        if chosen.stored.session:
            with connected(chosen.url) as connection:
                problem = connection.run(_end(connection, chosen.stored.session))
    finally:
        was_signed_in = _remove(chosen)
    if not was_signed_in:
        print_error(f"No one is signed in at {chosen.url}.")
        return 0
    if not chosen.is_signed_in:
        problem = "the session is in the system keyring, which does not work"
    if problem:
        still_open = f"At {chosen.url} the session stays open until it expires or you end it"
        print_error(f"Signed out here. {still_open}: {problem}.")
        return 1
    print_error(f"Signed out of {chosen.url}.")
    return 0


def _remove(chosen: StoredCredentials) -> bool:
    """Remove the session here. Returns whether there was one."""
    try:
        with refresh_lock_outside_loop(chosen.store.folder, chosen.url):
            return chosen.store.remove_session(chosen.url)
    except CredentialsError:
        # A refresh by another command takes very long. It may store its session after this.
        return chosen.store.remove_session(chosen.url)


async def _end(connection: Connection, session: StoredSession) -> str | None:
    """End a session at the server, in one attempt. Returns the reason if that fails."""
    variables = {"input": {"refreshToken": session.refresh_token}}
    try:
        async with asyncio.timeout(LOGOUT_TIMEOUT):
            await connection.graphql.execute(LOGOUT, variables, None)
    except TimeoutError:
        return f"no answer from {connection.url}"
    except RequestRefused as error:
        return None if error.code in ENDED_BEFORE else str(error)
    except (ClientError, RetryableError) as error:
        return str(error)
    return None


def whoami(url: str | None) -> int:
    """Print who is signed in, and where."""
    credentials = choose_credentials(url)
    with connected(credentials.url) as connection:
        lines = _lines(connection, require_tokens(connection, credentials), credentials)
    for name, value in lines.items():
        sys.stdout.write(f"{name + ':':<9} {printable(value)}\n")
    return 0


def _lines(connection: Connection, tokens: Tokens, credentials: Credentials) -> dict[str, str]:
    session = credentials.stored.session if isinstance(credentials, StoredCredentials) else None
    me = connection.execute(WHOAMI if session else WHOAMI_WITHOUT_ADDRESS, tokens)
    if not me:
        raise tokens.ended()
    lines = {"Account": f"{me['userId']} ({me['userName']})", "Server": credentials.url}
    if not session or not isinstance(credentials, StoredCredentials):
        return {**lines, "Session": "none; the token in CLOUDKEEP_TOKEN is used"}
    found = connection.execute(CURRENT_SESSION, tokens, id=session.session_id) or {}
    opened, ends = time_text(found.get("createdAt")), time_text(found.get("expiresAt"))
    return {
        **lines,
        "Address": me["email"],
        "Session": f"opened at {opened} UTC, ends at {ends} UTC unless it is used",
        "Kept in": credentials.store.place(credentials.url),
    }
