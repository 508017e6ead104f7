"""Starts only a few requests in each turn of the event loop, so that a crowd of them does not delay other clients."""

from starlette.types import ASGIApp, Receive, Scope, Send

from services.budgets.fair_turns import FairTurns

#: A request takes about half a millisecond until it first waits, or ends.
PER_TURN = 8


class FairStart:
    """ASGI middleware: requests and WebSockets wait for their turn. Clients alternate."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._turns = FairTurns(PER_TURN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when it may start."""
        if scope["type"] != "lifespan":
            client = scope.get("client")
            await self._turns.wait(client[0] if client else "")
        await self._app(scope, receive, send)
