"""Parses GraphQL requests (GraphQL over HTTP, section Request)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self, cast
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from cloudkeep.graphql.media_types import is_json
from schema.execution.persisted_documents import DOCUMENT_ID, named_in
from services.budgets.request_memory import IncompleteRequest, TooMuchMemory
from services.core.errors import ErrorCode

#: The largest body, in bytes: the hashes of ten thousand chunks fit into it.
MAX_BODY = 1024 * 1024
#: The most operations in one request. They run one after another, and must not keep a process busy for long.
MAX_BATCH = 10

_BEARER = "bearer "

Json = dict[str, Any]


class RequestError(Exception):
    """The request is not valid, or the server cannot respond to it. ``str(error)`` is the message for the client."""

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
class RequestHeaders:
    """The headers that this package needs, read in one pass. A missing header is empty."""

    accept: str
    authorization: str
    content_encoding: str
    content_type: str
    cookie: str
    origin: str
    sec_fetch_site: str

    @classmethod
    def of(cls, scope: Scope) -> Self:
        """Read the headers. Several headers of one name are joined to a list, which is valid for Accept (RFC 9110,
        section 5.3) and Cookie (RFC 9113, section 8.2.3) only.
        """
        values: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in _HEADER_NAMES:
                separator = b"; " if name == b"cookie" else b", "
                values[name] = values[name] + separator + value if name in values else value
        return cls(*(values[name].decode("latin-1") if name in values else "" for name in _HEADER_NAMES))


_HEADER_NAMES = (
    *(b"accept", b"authorization", b"content-encoding", b"content-type"),
    *(b"cookie", b"origin", b"sec-fetch-site"),
)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One operation."""

    query: str | None
    variables: Json | None
    operation_name: str | None
    extensions: Json | None

    @classmethod
    def from_json(cls, value: object) -> Self:
        """The operation in a JSON object. Raises :class:`RequestError`."""
        if not isinstance(value, dict):
            raise RequestError(400, "A GraphQL request must be a JSON object, or a list of JSON objects.")
        request = cast(Json, value)
        for name, kind, text in _MEMBERS:
            if not isinstance(request.get(name), kind):
                raise RequestError(400, f"`{name}` must be {text}, or absent.")
        query, variables, operation_name, _ = (request.get(name) for name, _, _ in _MEMBERS)
        return cls(query, variables, operation_name, named_in(request))


#: A request without a document. The schema reports what is missing.
EMPTY_REQUEST = GraphQLRequest(None, None, None, None)

_NONE = type(None)
_MEMBERS = (
    ("query", (str, _NONE), "text"),
    ("variables", (dict, _NONE), "an object"),
    ("operationName", (str, _NONE), "text"),
    ("extensions", (dict, _NONE), "an object"),
)


async def from_body(
    headers: RequestHeaders, receive: Receive, incomplete: IncompleteRequest
) -> GraphQLRequest | list[GraphQLRequest]:
    """The request in the body of a POST, which is counted in ``incomplete`` while it arrives.

    Raises :class:`RequestError`, and ClientDisconnect.
    """
    if not is_json(headers.content_type):
        raise RequestError(
            415, "A GraphQL request must be application/json in UTF-8.", headers={"Accept-Post": "application/json"}
        )
    if headers.content_encoding.lower() not in ("", "identity"):
        raise RequestError(
            415, "The body must not have a Content-Encoding, such as gzip.", headers={"Accept-Encoding": "identity"}
        )
    with incomplete:
        body = await _read_body(receive, incomplete)
    value = _decode(body)
    if not isinstance(value, list):
        return GraphQLRequest.from_json(value)
    if not 1 <= len(value) <= MAX_BATCH:
        raise RequestError(400, f"A batch must have 1 to {MAX_BATCH} operations.")
    return [GraphQLRequest.from_json(item) for item in value]


def from_query_string(query_string: bytes) -> GraphQLRequest:
    """The request in the URL of a GET; ``EMPTY_REQUEST`` if there is none. Raises :class:`RequestError`."""
    try:
        parameters: Json = dict(parse_qsl(query_string.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise RequestError(400, "The query string of the URL is not valid.") from error
    if parameters.keys().isdisjoint({"query", "extensions", DOCUMENT_ID}):
        return EMPTY_REQUEST
    for name in ("variables", "extensions"):
        if text := parameters.pop(name, ""):
            parameters[name] = _decode(text)
    return GraphQLRequest.from_json({**parameters, "operationName": parameters.get("operationName") or None})


def bearer_token(header: str) -> str:
    """The token of an Authorization header (RFC 6750, section 2.1); empty when there is none."""
    return header[len(_BEARER) :].strip() if header[: len(_BEARER)].lower() == _BEARER else ""


def parse_json(content: bytes | str) -> object:
    """The value of a JSON text in UTF-8. Raises JSONDecodeError for any invalid text.

    A byte order mark is ignored (RFC 8259, section 8.1). NaN and Infinity, which Python's parser accepts, are errors.
    """
    try:
        return _DECODER.decode(content if isinstance(content, str) else content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise json.JSONDecodeError("not readable", "", 0) from error


def _decode(content: bytes | str) -> object:
    try:
        return parse_json(content)
    except ValueError as error:
        raise RequestError(400, "The request is not valid JSON.") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


async def _read_body(receive: Receive, incomplete: IncompleteRequest) -> bytes:
    """The whole body. Raises :class:`RequestError` as soon as more than ``MAX_BODY`` bytes have arrived."""
    body = bytearray()  # a list of parts would take many times the memory if each part has a byte
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            text = f"The body of a GraphQL request may have at most {MAX_BODY} bytes."
            raise RequestError(413, text, ErrorCode.REQUEST_TOO_LARGE)
        if not message.get("more_body"):
            return bytes(body)
        try:
            incomplete.resize(len(body))
        except TooMuchMemory as error:
            raise RequestError(429, str(error), ErrorCode.TOO_MANY_CONNECTIONS, {"Retry-After": "5"}) from None
