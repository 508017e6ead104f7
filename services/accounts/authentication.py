"""Finds the viewer of a request by what the client sends as a proof."""

from services.accounts.tokens import AccessTokens, Viewer


class Authentication:
    """Verifies the credentials of requests."""

    def __init__(self, tokens: AccessTokens) -> None:
        self._tokens = tokens

    async def by_bearer_token(self, token: str) -> Viewer:
        """The viewer of a bearer token. Raises :class:`services.accounts.errors.Unauthenticated`."""
        return self._tokens.verify(token)
