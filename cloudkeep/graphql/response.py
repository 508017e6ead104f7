"""How results travel over HTTP (GraphQL over HTTP, section Response): body, status and headers."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from cloudkeep.graphql.media_types import JSON
from cloudkeep.graphql.request import Refusal
from endpoints.rate_limit_headers import rate_limit_headers, refusal_headers
from resolvers.context import Admission
from schema.execution.errors import FAULT, OperationNotAllowed, fault_extensions
from services.core.errors import CloudKeepError

Json = dict[str, Any]

#: What a GET may be (RFC 9110, section 9.2.1): anything else would be done by whoever follows a link.
ONLY_QUERIES = {"Allow": "POST"}
NO_QUERY = Refusal(400, "There is no `query` in the request.")


@dataclass(frozen=True, slots=True)
class Answer:
    """One operation's result. ``about_document`` says that it was refused for what the document is."""

    body: Json
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    about_document: bool = False
    #: A single answer cannot be that of a subscription.
    needs_stream: bool = False

    @classmethod
    def of(cls, result: ExecutionResult) -> "Answer":
        """The result as it is sent. What was refused before it ran has no data, not even null."""
        errors = result.errors or []
        has_run = result.data is not None or not errors or any(error.path for error in errors)
        body: Json = {"data": result.data} if has_run else {}
        if errors:
            body["errors"] = [error.formatted for error in errors]
        if result.extensions:
            body["extensions"] = result.extensions
        if has_run:
            return cls(body)
        if isinstance(errors[0], OperationNotAllowed):
            return cls._not_allowed(body, errors[0].operation_type)
        status = _status_of(body["errors"])
        return cls(body, status, about_document=status == 400)

    @classmethod
    def refused(cls, refusal: Refusal) -> "Answer":
        """The answer to what is no request."""
        return cls(_error(str(refusal), refusal.code.value), refusal.status, refusal.headers)

    @classmethod
    def of_error(cls, error: CloudKeepError, headers: Mapping[str, str]) -> "Answer":
        """The answer to a request that was refused as a whole."""
        return cls({"errors": [{"message": str(error), "extensions": error.extensions}]}, error.status, headers)

    @classmethod
    def _not_allowed(cls, body: Json, operation_type: OperationType) -> "Answer":
        """The answer to an operation of a type that is not run this way."""
        if operation_type is OperationType.SUBSCRIPTION:
            body["errors"][0]["message"] = "A subscription needs Accept: text/event-stream, or a WebSocket."
            return cls(body, 400, needs_stream=True)
        return cls(body, 405, ONLY_QUERIES)


def encoded(value: object) -> str:
    """JSON on one line, in ASCII: a client's text that is no valid Unicode may come back in a message."""
    return _ENCODER.encode(value)


def response_of(answer: Answer, media_type: str, admission: Admission | None = None) -> Response:
    """The answer to a single operation, and what was said about its price.

    In ``application/json`` a document that is refused has status 200, as the specification wants it: the client
    could not tell an error of ours from a proxy's. What refuses the caller has its status all the same.
    """
    status = 200 if answer.about_document and media_type == JSON else answer.status
    return _response(answer.body, status, media_type, {**answer.headers, **price_fields(admission)})


def response_of_batch(answers: Sequence[Answer], media_type: str, admissions: Sequence[Admission]) -> Response:
    """The answers in the order of the operations. The status is 429 when there was room for none of them.

    In the head stand the budgets as the last operation left them, or those for which to wait longest.
    """
    bodies = [answer.body for answer in answers]
    if all(answer.status == 429 for answer in answers):
        return _response(bodies, 429, media_type, price_fields(max(admissions, key=_wait)))
    return _response(bodies, 200, media_type, price_fields(admissions[-1] if admissions else None))


def _response(body: object, status: int, media_type: str, headers: Mapping[str, str]) -> Response:
    return Response(encoded(body), status, {"Content-Type": f"{media_type}; charset=utf-8", **headers})


def price_fields(admission: Admission | None) -> dict[str, str]:
    """What stands in the head of an answer about the budgets that pay for it."""
    if admission is None:
        return {}
    return refusal_headers(admission.refused) if admission.refused else rate_limit_headers(admission.layers)


def _wait(admission: Admission) -> float:
    """Seconds; those that wait in vain would wait for ever."""
    wait = getattr(admission.refused, "retry_after", None)
    return math.inf if wait is None else wait


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


def fault() -> Answer:
    """The answer where something of ours broke."""
    return Answer({"errors": [{"message": FAULT, "extensions": fault_extensions()}]}, 500)
