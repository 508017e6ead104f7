"""How results travel over HTTP (GraphQL over HTTP, section Response): body, status and headers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from cloudkeep.graphql_request import Refusal
from cloudkeep.media_types import JSON
from schema.errors import INVALID_REQUEST
from services.errors import CloudKeepError, ErrorCode

Json = dict[str, Any]

#: What the schema raises instead of answering.
NOT_RUN = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)
#: What a GET may be (RFC 9110, section 9.2.1): anything else would be done by whoever follows a link.
ONLY_QUERIES = {"Allow": "POST"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One operation's result. ``about_document`` says that it was refused for what the document is."""

    body: Json
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    about_document: bool = False

    @classmethod
    def of(cls, result: ExecutionResult) -> "Answer":
        """The result as it is sent. What was refused before it ran has no data, not even null."""
        errors = result.errors or ()
        has_run = result.data is not None or not errors or any(error.path for error in errors)
        body: Json = {"data": result.data} if has_run else {}
        if errors:
            body["errors"] = [error.formatted for error in errors]
        if result.extensions:
            body["extensions"] = result.extensions
        status = 200 if has_run else _status_of(body["errors"])
        return cls(body, status, about_document=status == 400)

    @classmethod
    def refused(cls, refusal: Refusal) -> "Answer":
        """The answer to what is no request."""
        return cls(_error(str(refusal), refusal.code.value), refusal.status, refusal.headers)

    @classmethod
    def of_error(cls, error: CloudKeepError, headers: Mapping[str, str] | None = None) -> "Answer":
        """The answer to a request that was refused as a whole."""
        return cls({"errors": [{"message": str(error), "extensions": error.extensions}]}, error.status, headers or {})

    @classmethod
    def not_run(cls, error: Exception, method: str) -> "Answer":
        """The answer to an operation that the schema did not begin with."""
        if isinstance(error, CannotGetOperationTypeError):
            return cls(_error(error.as_http_error_reason(), INVALID_REQUEST), 400, about_document=True)
        if not isinstance(error, InvalidOperationTypeError):
            return cls.refused(Refusal(400, "There is no `query` in the request"))
        if error.operation_type is OperationType.SUBSCRIPTION:
            return STREAM_NEEDED
        return cls.refused(Refusal(405, f"{method} runs queries only", headers=ONLY_QUERIES))


def encoded(value: object) -> str:
    """JSON on one line, in ASCII: a client's text that is no valid Unicode may come back in a message."""
    return _ENCODER.encode(value)


def response_of(answer: Answer, media_type: str) -> Response:
    """The answer to a single operation.

    In ``application/json`` a document that is refused has status 200, as the specification wants it: the client
    could not tell an error of ours from a proxy's. What refuses the caller has its status all the same.
    """
    status = 200 if answer.about_document and media_type == JSON else answer.status
    return _response(answer.body, status, media_type, answer.headers)


def response_of_batch(answers: Sequence[Answer], media_type: str) -> Response:
    """The answers in the order of the operations; a status of its own only when all were refused for one reason."""
    statuses = {answer.status for answer in answers}
    status = 429 if statuses == {429} else 200
    return _response([answer.body for answer in answers], status, media_type, {})


def _response(body: object, status: int, media_type: str, headers: Mapping[str, str]) -> Response:
    content_type = f"{media_type}; charset=utf-8"
    return Response(encoded(body), status, {"Content-Type": content_type, **headers})


def _error(message: str, code: str) -> Json:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def _status_of(errors: Sequence[Json]) -> int:
    code = (errors[0].get("extensions") or {}).get("code")
    return _STATUSES.get(str(code), 400)


def _statuses(kind: type[CloudKeepError]) -> Iterator[tuple[str, int]]:
    yield kind.code.value, kind.status
    for special in kind.__subclasses__():
        yield from _statuses(special)


_STATUSES = dict(_statuses(CloudKeepError))
_ENCODER = json.JSONEncoder(separators=(",", ":"))

#: A single answer cannot be that of a subscription.
STREAM_NEEDED = Answer.refused(Refusal(400, "A subscription needs Accept: text/event-stream, or a WebSocket"))
FAULT = Answer(_error("Something went wrong on the server.", ErrorCode.INTERNAL.value), 500)
