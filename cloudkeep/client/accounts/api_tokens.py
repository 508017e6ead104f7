"""The work of ``cloudkeep token``."""

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloudkeep.client.accounts.connection import Connection, connected
from cloudkeep.client.accounts.documents import API_TOKENS, CREATE_API_TOKEN, REAUTHENTICATE, REVOKE_API_TOKEN
from cloudkeep.client.accounts.server import require_tokens
from cloudkeep.client.api.graphql import Json
from cloudkeep.client.api.tokens import Tokens
from cloudkeep.client.credentials.choice import choose_credentials
from cloudkeep.client.display.display import print_error
from cloudkeep.client.display.tables import table, time_text
from cloudkeep.client.errors import RequestRefused, UsageError, printable
from cloudkeep.client.prompts import ask_password, password_of_stdin, require_terminal

#: What the API calls them; COMPRESSOR is for workers.
SCOPES = ("READ", "UPLOAD", "WRITE", "DELETE", "ACCOUNT", "COMPRESSOR")
HEADER = ("NAME", "ID", "ENDS WITH", "SCOPES", "CREATED", "LAST USED", "EXPIRES")
REAUTHENTICATION_REQUIRED = "REAUTHENTICATION_REQUIRED"
PAGE = 100
_LIFETIME = re.compile(r"([1-9]\d{0,4})([hdw])", re.ASCII)
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


@dataclass(frozen=True)
class NewToken:
    """What a new token is for."""

    name: str
    scopes: tuple[str, ...]
    expires_at: datetime | None

    @classmethod
    def of(cls, name: str, scopes: Sequence[str], expires: str | None) -> "NewToken":
        """The token of the options. Raises :class:`UsageError`."""
        wanted = dict.fromkeys(scope.strip().upper() for text in scopes for scope in text.split(","))
        if not wanted:
            raise UsageError(f"--scope says what the token may do; it is one of {', '.join(SCOPES)}")
        for scope in wanted:
            if scope not in SCOPES:
                raise UsageError(f"--scope must be one of {', '.join(SCOPES)}, not {printable(repr(scope))}")
        return cls(name, tuple(wanted), _expiry(expires) if expires else None)

    def to_input(self) -> Json:
        """The input of ``createApiToken``."""
        expires_at = self.expires_at.isoformat() if self.expires_at else None
        return {"name": self.name, "scopes": self.scopes, "expiresAt": expires_at}


def create(url: str | None, new: NewToken, *, password_stdin: bool) -> int:
    """Create a token, and print it on standard output."""
    credentials = choose_credentials(url)
    with connected(credentials.url) as connection:
        tokens = require_tokens(connection, credentials)
        try:
            payload = connection.execute(CREATE_API_TOKEN, tokens, input=new.to_input())
        except RequestRefused as error:
            if error.code != REAUTHENTICATION_REQUIRED:
                raise
            _reauthenticate(connection, tokens, password_stdin=password_stdin)
            payload = connection.execute(CREATE_API_TOKEN, tokens, input=new.to_input())
    expires_at = payload["apiToken"]["expiresAt"]
    ends = f"expires at {time_text(expires_at)} UTC" if expires_at else "does not expire"
    print_error(f"Created {payload['apiToken']['id']}, which {ends}. This is the only time that the token is shown:")
    sys.stdout.write(f"{payload['secret']}\n")
    return 0


def print_tokens(url: str | None) -> int:
    """Print the tokens of the account, the newest first."""
    credentials = choose_credentials(url)
    with connected(credentials.url) as connection:
        found = list(_find_all(connection, require_tokens(connection, credentials)))
    rows = [
        (
            row["name"],
            row["id"],
            row["lastCharacters"],
            ",".join(row["scopes"]),
            time_text(row["createdAt"]),
            time_text(row["lastUsedAt"]),
            time_text(row["expiresAt"]),
        )
        for row in found
    ]
    sys.stdout.write(table(HEADER, rows))
    return 0


def revoke(url: str | None, name: str) -> int:
    """Revoke the token with this name or ID. Raises :class:`UsageError` unless there is exactly one."""
    credentials = choose_credentials(url)
    with connected(credentials.url) as connection:
        tokens = require_tokens(connection, credentials)
        found = [row for row in _find_all(connection, tokens) if name in (row["name"], row["id"])]
        if not found:
            raise UsageError(f"there is no API token with the name or ID {printable(repr(name))}")
        if len(found) > 1:
            ids = ", ".join(row["id"] for row in found)
            raise UsageError(f"several API tokens have the name {printable(repr(name))}; name one by its ID: {ids}")
        connection.execute(REVOKE_API_TOKEN, tokens, input={"apiTokenId": found[0]["id"]})
    print_error(f"Revoked {printable(found[0]['name'])}.")
    return 0


def _find_all(connection: Connection, tokens: Tokens) -> Iterator[Json]:
    after = None
    while True:
        me = connection.execute(API_TOKENS, tokens, first=PAGE, after=after)
        if not me:
            raise tokens.ended()
        yield from me["apiTokens"]["nodes"]
        page = me["apiTokens"]["pageInfo"]
        if not page["hasNextPage"]:
            return
        after = page["endCursor"]


def _reauthenticate(connection: Connection, tokens: Tokens, *, password_stdin: bool) -> None:
    if not password_stdin:
        require_terminal("the last sign-in was too long ago, so give the password with --password-stdin")
        print_error("The last sign-in was too long ago for this, so the password is needed again.")
    password = password_of_stdin() if password_stdin else ask_password()
    connection.execute(REAUTHENTICATE, tokens, input={"password": password})


def _expiry(text: str) -> datetime:
    match = _LIFETIME.fullmatch(text.strip().lower())
    if not match:
        raise UsageError(f"--expires must be a number of hours, days or weeks, as in 12h, 30d or 52w, not {text!r}")
    lifetime = timedelta(**{_UNITS[match[2]]: int(match[1])})
    return (datetime.now(UTC) + lifetime).replace(microsecond=0)
