"""GraphQL over HTTP: one attempt at an operation, or at following a subscription by Server-Sent Events."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import httpx
from httpx_sse import EventSource

from cloudkeep.client.api.http import (
    BUDGET_USED_UP,
    TOO_MANY_REQUESTS,
    origin,
    passing_faults,
    require_answer,
    seconds_of,
)
from cloudkeep.client.errors import Refused, Throttled, TryAgain, Unreachable

Json = dict[str, Any]

#: Seconds of silence after which a stream counts as dead; the server sends a sign of life every 15.
STREAM_TIMEOUT = httpx.Timeout(30.0, connect=10.0, read=45.0)
UNAUTHENTICATED = "UNAUTHENTICATED"
#: What passes by itself, in the words of this client.
THROTTLED = {"RATE_LIMITED": BUDGET_USED_UP, "TOO_MANY_SUBSCRIPTIONS": "too much is followed at once"}


class Unauthenticated(Exception):
    """The token that came with the operation does not hold."""


class GraphQL:
    """The GraphQL endpoint of one server. Tokens go there and nowhere else."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._endpoint = f"{url}/graphql"

    async def ask(self, document: str, variables: Json, token: str | None) -> Any:
        """The value of a query's or mutation's only field.

        Raises :class:`TryAgain`, :class:`Unauthenticated`, and :class:`Refused` for good.
        """
        with passing_faults(self._endpoint):
            response = await self._http.post(
                self._endpoint, content=_body(document, variables), headers=_headers("application/json", token)
            )
        return _value(_answer(response))

    async def follow(self, document: str, variables: Json, token: str | None) -> AsyncGenerator[Any, None]:
        """The values of a subscription's only field, until it ends. Raises as :meth:`ask` does."""
        headers = _headers("text/event-stream", token)
        content = _body(document, variables)
        with passing_faults(self._endpoint):
            async with self._http.stream(
                "POST", self._endpoint, content=content, headers=headers, timeout=STREAM_TIMEOUT
            ) as response:
                if not _is_stream(response):
                    await response.aread()
                    _value(_answer(response))
                    raise _stranger(response)
                async for event in EventSource(response).aiter_sse():
                    if event.event == "next":
                        yield _value(_parsed(event.data, response))


def _body(document: str, variables: Json) -> bytes:
    # Escaped to ASCII: a file name that is no valid Unicode is for the server to refuse.
    return json.dumps({"query": document, "variables": variables}).encode()


def _headers(accept: str, token: str | None) -> dict[str, str]:
    authorization = {"Authorization": f"Bearer {token}"} if token else {}
    return {"Accept": accept, "Content-Type": "application/json", **authorization}


def _is_stream(response: httpx.Response) -> bool:
    content_type: str = response.headers.get("content-type", "")
    return content_type.startswith("text/event-stream")


def _answer(response: httpx.Response) -> Json:
    if response.has_redirect_location:
        target = origin(str(response.url.join(response.headers["location"])))
        raise Unreachable(f"{origin(str(response.url))} redirects to {target}")
    if response.status_code != TOO_MANY_REQUESTS or not _has_errors(response):
        require_answer(response)
    return _parsed(response.content, response)


def _has_errors(response: httpx.Response) -> bool:
    """Whether the server refuses an operation in its own words, and not some proxy in between."""
    try:
        answer = response.json()
    except ValueError:
        return False
    return isinstance(answer, dict) and bool(answer.get("errors"))


def _parsed(content: bytes | str, response: httpx.Response) -> Json:
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not (answer.get("data") or answer.get("errors")):
        raise _stranger(response)
    return answer


def _value(answer: Json) -> Any:
    """The only field of the answer's data; its errors, first."""
    for error in answer.get("errors") or []:
        raise _error(error.get("extensions") or {}, str(error.get("message")))
    (value,) = answer["data"].values()
    for error in (value or {}).get("userErrors") or []:
        raise Refused(str(error["code"]), str(error["message"]))
    return value


def _error(extensions: Json, message: str) -> Exception:
    code, after = str(extensions.get("code")), seconds_of(extensions)
    if code == UNAUTHENTICATED:
        return Unauthenticated()
    return Throttled(THROTTLED[code], after) if code in THROTTLED and after is not None else Refused(code, message)


def _stranger(response: httpx.Response) -> TryAgain:
    return TryAgain(f"{origin(str(response.url))} does not answer like a CloudKeep server")
