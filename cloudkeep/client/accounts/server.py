"""Which server a command of accounts is for, and who is signed in there."""

from cloudkeep.client.accounts.connection import Connection
from cloudkeep.client.api.tokens import Tokens
from cloudkeep.client.credentials.choice import Credentials
from cloudkeep.client.errors import SignInError


def require_tokens(connection: Connection, credentials: Credentials) -> Tokens:
    """The tokens of the account that is signed in. Raises :class:`SignInError` if there is none."""
    tokens = credentials.tokens(connection.graphql)
    if tokens is None:
        raise SignInError(
            f"no one is signed in at {connection.url}: run `cloudkeep login --url {connection.url}`, or set "
            "CLOUDKEEP_TOKEN"
        )
    return tokens
