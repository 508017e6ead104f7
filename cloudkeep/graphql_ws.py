"""What a graphql-transport-ws client may say.

Strawberry takes every message for what the protocol's types promise; one that is not ends in a traceback of ours and a
connection that breaks without a word.
"""

from collections.abc import Mapping
from typing import cast

from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message

from resolvers.context import RequestContext


class StrictHandler(BaseGraphQLTransportWSHandler[RequestContext, None]):
    """Closes with 4400 on a message that the protocol does not know, as the protocol wants it."""

    async def handle_message(self, message: Message) -> None:
        """Take a message, if it is one."""
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("Failed to parse message")


def _is_message(message: object) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("id", ""), str):
        return False
    return message.get("type") != "subscribe" or _is_request(message.get("payload"))


def _is_request(payload: object) -> bool:
    if not isinstance(payload, dict):
        return False
    request = cast(Mapping[str, object], payload)
    return (
        isinstance(request.get("query"), str)
        and isinstance(request.get("variables"), dict | None)
        and isinstance(request.get("operationName"), str | None)
    )
