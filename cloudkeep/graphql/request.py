"""What a GraphQL-over-HTTP request asks for (GraphQL over HTTP, section Request), or why it asks for nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self, cast
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from cloudkeep.graphql.media_types import is_json
from schema.execution.persisted_documents import DOCUMENT_ID, named_in
from services.core.errors import ErrorCode

#: The hashes of ten thousand chunks fit in.
MAX_BODY = 1024 * 1024
#: Operations in one request, which run one after another: a page's worth, and no request holds a process for long.
MAX_BATCH = 10

Json = dict[str, Any]


class Refusal(Exception):
    """The request is none, or cannot be answered. ``str(refusal)`` is for the caller."""

    def __init__(
        self,
        status: int,
        message: str,
        code: ErrorCode = ErrorCode.MALFORMED_REQUEST,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Fields:
    """The header fields that matter here, read in one pass; empty when they did not come."""

    accept: str
    authorization: str
    content_encoding: str
    content_type: str

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Of several fields of one name their list (RFC 9110, section 5.3), which only Accept may be."""
        found: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _NAMES:
                found[name] = found[name] + b", " + value if name in found else value
        return cls(*(found[name].decode("latin-1") if name in found else "" for name in _NAMES))


_NAMES = (b"accept", b"authorization", b"content-encoding", b"content-type")


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation."""

    query: str | None
    variables: Json | None
    operation_name: str | None
    extensions: Json | None

    @classmethod
    def of(cls, given: object) -> Self:
        """The operation in an object of a request. Raises :class:`Refusal`."""
        if not isinstance(given, dict):
            raise Refusal(400, "A GraphQL request is a JSON object, or a list of them.")
        request = cast(Json, given)
        for name, kind, text in _KINDS:
            if not isinstance(request.get(name), kind):
                raise Refusal(400, f"`{name}` must be {text}, or absent.")
        query, variables, operation_name, _ = (request.get(name) for name, _, _ in _KINDS)
        return cls(query, variables, operation_name, named_in(request))


#: Of which the schema says what is missing.
NOTHING = Asked(None, None, None, None)

_NONE = type(None)
_KINDS = (
    ("query", (str, _NONE), "text"),
    ("variables", (dict, _NONE), "an object"),
    ("operationName", (str, _NONE), "text"),
    ("extensions", (dict, _NONE), "an object"),
)


async def posted(fields: Fields, receive: Receive) -> Asked | list[Asked]:
    """What a POST asks for. Raises :class:`Refusal`, and ClientDisconnect."""
    if not is_json(fields.content_type):
        raise Refusal(
            415, "A GraphQL request is application/json, in UTF-8.", headers={"Accept-Post": "application/json"}
        )
    if fields.content_encoding.lower() not in ("", "identity"):
        raise Refusal(415, "The body must not be encoded.", headers={"Accept-Encoding": "identity"})
    given = _decoded(await _body(receive))
    if not isinstance(given, list):
        return Asked.of(given)
    if not 1 <= len(given) <= MAX_BATCH:
        raise Refusal(400, f"A batch has 1 to {MAX_BATCH} operations.")
    return [Asked.of(item) for item in given]


def asked_by_url(query_string: bytes) -> Asked:
    """What a GET asks for; ``NOTHING`` when no parameter is one of a request. Raises :class:`Refusal`."""
    try:
        given: Json = dict(parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise Refusal(400, "The URL is not valid.") from error
    if given.keys().isdisjoint({"query", "extensions", DOCUMENT_ID}):
        return NOTHING
    for name in ("variables", "extensions"):
        if text := given.pop(name, ""):
            given[name] = _decoded(text)
    return Asked.of({**given, "operationName": given.get("operationName") or None})


def parsed(content: bytes | str) -> object:
    """The value of a JSON text in UTF-8, or a JSONDecodeError whatever is wrong with it.

    A byte order mark is no part of it (RFC 8259, section 8.1), nor are the NaN and Infinity that Python would read.
    """
    try:
        return _DECODER.decode(content if isinstance(content, str) else content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError("not readable", "", 0) from error


def _decoded(content: bytes | str) -> object:
    try:
        return parsed(content)
    except ValueError as error:
        raise Refusal(400, "The request is not valid JSON.") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


async def _body(receive: Receive) -> bytes:
    """The whole body; one that is larger than any request needs is refused while it arrives."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise Refusal(413, f"A GraphQL request has at most {MAX_BODY} bytes.", ErrorCode.REQUEST_TOO_LARGE)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
