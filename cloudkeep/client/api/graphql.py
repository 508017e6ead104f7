"""GraphQL over HTTP: one attempt at an operation, or at a subscription over Server-Sent Events."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
from httpx_sse import EventSource

from cloudkeep.client.api.http import (
    BUDGET_USED_UP,
    TOO_MANY_REQUESTS,
    network_errors_retryable,
    origin,
    raise_if_retryable,
    retry_after_member,
)
from cloudkeep.client.errors import RateLimited, RequestRefused, RetryableError, ServerUnreachable

Json = dict[str, Any]

#: The timeouts of an event stream, in seconds. The server sends a comment every 15 seconds.
STREAM_TIMEOUT = httpx.Timeout(30.0, connect=10.0, read=45.0)
UNAUTHENTICATED = "UNAUTHENTICATED"
#: Errors that are worth waiting for, with the messages of this client.
RATE_LIMITS = {
    "RATE_LIMITED": BUDGET_USED_UP,
    "TOO_MANY_SUBSCRIPTIONS": "too many subscriptions are open",
    "TOO_MANY_ATTEMPTS": "there were too many wrong passwords",
    "SERVER_BUSY": "the server is busy",
}


class Unauthenticated(Exception):
    """The token of the operation is invalid or has expired."""


class GraphQL:
    """The GraphQL endpoint of one server. Tokens are sent only there."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._endpoint = f"{url}/graphql"

    async def execute(self, document: str, variables: Json, token: str | None) -> Any:
        """The value of a query's or mutation's only field.

        Raises :class:`RetryableError`, :class:`Unauthenticated` and :class:`RequestRefused`.
        """
        with network_errors_retryable(self._endpoint):
            response = await self._http.post(
                self._endpoint, content=_body(document, variables), headers=_headers("application/json", token)
            )
        return _only_field(_parse_response(response))

    async def subscribe(self, document: str, variables: Json, token: str | None) -> AsyncGenerator[Any, None]:
        """The values of a subscription's only field, until it ends. Raises as :meth:`execute` does."""
        headers = _headers("text/event-stream", token)
        content = _body(document, variables)
        with network_errors_retryable(self._endpoint):
            async with self._http.stream(
                "POST", self._endpoint, content=content, headers=headers, timeout=STREAM_TIMEOUT
            ) as response:
                if not _is_stream(response):
                    await response.aread()
                    _only_field(_parse_response(response))
                    raise _not_cloudkeep(response)
                async for event in EventSource(response).aiter_sse():
                    if event.event == "next":
                        yield _only_field(_parse_json(event.data, response))


def _body(document: str, variables: Json) -> bytes:
    # Escaped to ASCII, so that a file name that is not valid Unicode reaches the server, which refuses it.
    return json.dumps({"query": document, "variables": variables}).encode()


def _headers(accept: str, token: str | None) -> dict[str, str]:
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    return {"Accept": accept, "Content-Type": "application/json", **authorization}


def _is_stream(response: httpx.Response) -> bool:
    content_type: str = response.headers.get("content-type", "")
    return content_type.startswith("text/event-stream")


def _parse_response(response: httpx.Response) -> Json:
    if response.has_redirect_location:
        target = origin(str(response.url.join(response.headers["location"])))
        raise ServerUnreachable(f"{origin(str(response.url))} redirects to {target}")
    if response.status_code != TOO_MANY_REQUESTS or not _has_graphql_errors(response):
        raise_if_retryable(response)
    return _parse_json(response.content, response)


def _has_graphql_errors(response: httpx.Response) -> bool:
    """Whether the response comes from CloudKeep, and not from a proxy in between."""
    try:
        body = response.json()
    except ValueError:
        return False
    return isinstance(body, dict) and bool(body.get("errors"))


def _parse_json(content: bytes | str, response: httpx.Response) -> Json:
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict) or not (body.get("data") or body.get("errors")):
        raise _not_cloudkeep(response)
    return body


def _only_field(body: Json) -> Any:
    """The value of the only field in the data. Raises the first of the errors, if there are any."""
    for error in body.get("errors") or []:
        raise _error(error.get("extensions") or {}, str(error.get("message")))
    (value,) = body["data"].values()
    for error in (value.get("userErrors") if isinstance(value, dict) else None) or []:
        raise _error(error, str(error["message"]), next(reversed(error.get("field") or []), None))
    return value


def _error(error: Json, message: str, field: str | None = None) -> Exception:
    """The exception for the extensions of a top-level error, or for a user error, which has the same members."""
    code, retry_after = str(error.get("code")), retry_after_member(error)
    if code == UNAUTHENTICATED:
        return Unauthenticated()
    if code in RATE_LIMITS and retry_after is not None:
        return RateLimited(RATE_LIMITS[code], retry_after)
    return RequestRefused(code, message, field)


def _not_cloudkeep(response: httpx.Response) -> RetryableError:
    return RetryableError(f"{origin(str(response.url))} does not answer like a CloudKeep server")
