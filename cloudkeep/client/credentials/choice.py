"""Which server a command uses, and with which credentials."""

import os
from dataclasses import dataclass, field

from cloudkeep.client.api.graphql import GraphQL
from cloudkeep.client.api.tokens import GivenToken, Tokens
from cloudkeep.client.credentials.store import CredentialStore, open_store
from cloudkeep.client.credentials.stored_tokens import StoredTokens
from cloudkeep.client.credentials.types import ServerCredentials
from cloudkeep.client.errors import KeyringError, SignInError
from cloudkeep.client.running_server import server_url


@dataclass(frozen=True)
class StoredCredentials:
    """A server, and what is stored for it."""

    url: str
    store: CredentialStore
    stored: ServerCredentials

    @property
    def is_signed_in(self) -> bool:
        """Whether there is a session."""
        return self.stored.session is not None

    def tokens(self, graphql: GraphQL) -> Tokens | None:
        """The tokens of the session, if there is one."""
        session = self.stored.session
        return StoredTokens(graphql, self.store, self.url, session) if session else None


@dataclass(frozen=True)
class TokenOfEnvironment:
    """A server, and the access token or API token in CLOUDKEEP_TOKEN, which wins over a session."""

    url: str
    token: str = field(repr=False)
    is_signed_in: bool = True

    def tokens(self, graphql: GraphQL) -> Tokens | None:
        """The token."""
        return GivenToken(self.token)


Credentials = StoredCredentials | TokenOfEnvironment


def choose_credentials(url: str | None) -> Credentials:
    """The server of ``url`` and the credentials for it. Raises :class:`cloudkeep.client.errors.ClientError`.

    A token of the environment is never sent to a server only because the user signed in there last.
    """
    if token := _token_of_environment():
        return TokenOfEnvironment(server_url(url), token)
    return choose_stored(url)


def choose_stored(url: str | None, *, without_keyring: bool = False) -> StoredCredentials:
    """The server of ``url``, and what is stored for it; with ``without_keyring`` nothing if the keyring fails.

    Without ``url``, it is the server of CLOUDKEEP_DATA_DIR, that of the last sign-in, or that of ``./data``.
    """
    store = open_store()
    is_chosen = bool(url or os.environ.get("CLOUDKEEP_DATA_DIR"))
    server = server_url(url) if is_chosen else store.default_server() or server_url(None)
    try:
        stored = store.load(server)
    except KeyringError:
        if not without_keyring:
            raise
        stored = ServerCredentials()
    return StoredCredentials(server, store, stored)


def is_token_in_environment() -> bool:
    """Whether CLOUDKEEP_TOKEN has a token, which wins over a session."""
    return bool(os.environ.get("CLOUDKEEP_TOKEN", "").strip())


def _token_of_environment() -> str:
    token = os.environ.get("CLOUDKEEP_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise SignInError("CLOUDKEEP_TOKEN is neither an access token nor an API token")
    return token
