"""Renders results for HTTP (GraphQL over HTTP, section Response): body, status and headers."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from starlette.responses import Response
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from cloudkeep.graphql.media_types import JSON
from cloudkeep.graphql.request import RequestError
from endpoints.rate_limit_headers import rate_limit_headers, refusal_headers
from resolvers.context import Admission
from schema.execution.errors import FAULT, OperationNotAllowed, fault_extensions
from services.core.errors import CloudKeepError, ErrorCode

Json = dict[str, Any]

#: The headers of the refusal of a mutation or subscription by GET. GET must be safe (RFC 9110, section 9.2.1), because
#: a link sends it.
ONLY_QUERIES = {"Allow": "POST"}
NO_QUERY = RequestError(400, "The request has no `query`.")


@dataclass(frozen=True, slots=True)
class OperationResponse:
    """The response to one operation. ``is_document_error`` says whether its document was refused."""

    body: Json
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    is_document_error: bool = False
    #: Whether the operation is a subscription, which needs a stream.
    needs_stream: bool = False

    @classmethod
    def from_result(cls, result: ExecutionResult) -> "OperationResponse":
        """The response for a result. An operation that was refused before it ran has no ``data``, not even null."""
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
        return cls(body, status, _challenge(body["errors"][0]), is_document_error=status == 400)

    @classmethod
    def from_request_error(cls, error: RequestError) -> "OperationResponse":
        """The response to a request that is not valid."""
        return cls(_error(str(error), error.code.value), error.status, error.headers)

    @property
    def is_unauthenticated(self) -> bool:
        """Whether no field has a value, and all errors are UNAUTHENTICATED."""
        codes = {_code(error) for error in self.body.get("errors", ())}
        values = (self.body.get("data") or {}).values()
        return codes == {ErrorCode.UNAUTHENTICATED} and all(value is None for value in values)

    def refused(self, status: int, headers: Mapping[str, str]) -> "OperationResponse":
        """The same response for a request that is refused as a whole: without ``data``, with this status."""
        body = {name: value for name, value in self.body.items() if name != "data"}
        return replace(self, body=body, status=status, headers=headers)

    @classmethod
    def _not_allowed(cls, body: Json, operation_type: OperationType) -> "OperationResponse":
        """The response to an operation whose type the request's method may not run."""
        if operation_type is OperationType.SUBSCRIPTION:
            body["errors"][0]["message"] = "A subscription needs `Accept: text/event-stream`, or a WebSocket."
            return cls(body, 400, needs_stream=True)
        return cls(body, 405, ONLY_QUERIES)


def encode_json(value: object) -> str:
    """JSON on one line, in ASCII, because a message may quote a client's text that is not valid Unicode."""
    return _ENCODER.encode(value)


def single_response(operation: OperationResponse, media_type: str, admission: Admission | None = None) -> Response:
    """The response to a single operation. Its headers have the status of the budgets that pay for it.

    In ``application/json`` the response to an invalid document has status 200, as the specification requires: with
    another status, the response could be from a proxy. A refusal for other reasons, such as a rate limit, has a status
    of its own nevertheless.
    """
    status = 200 if operation.is_document_error and media_type == JSON else operation.status
    return _response(operation.body, status, media_type, {**operation.headers, **budget_headers(admission)})


def batch_response(
    operations: Sequence[OperationResponse], media_type: str, admissions: Sequence[Admission]
) -> Response:
    """The responses, in the order of the operations.

    The status is 429 if every operation was over the budget, and 401 if none has a valid token. The headers have
    the status of the budgets after the last operation, or those with the longest wait.
    """
    bodies, statuses = [operation.body for operation in operations], {operation.status for operation in operations}
    if statuses == {429}:
        return _response(bodies, 429, media_type, budget_headers(max(admissions, key=_wait)))
    headers = budget_headers(admissions[-1] if admissions else None)
    if statuses == {401}:
        return _response(bodies, 401, media_type, {**operations[0].headers, **headers})
    return _response(bodies, 200, media_type, headers)


def _response(body: object, status: int, media_type: str, headers: Mapping[str, str]) -> Response:
    return Response(encode_json(body), status, {"Content-Type": f"{media_type}; charset=utf-8", **headers})


def budget_headers(admission: Admission | None) -> dict[str, str]:
    """The headers with the status of the budgets that pay for a response."""
    if admission is None:
        return {}
    return refusal_headers(admission.refused) if admission.refused else rate_limit_headers(admission.layers)


def _wait(admission: Admission) -> float:
    """The seconds until a retry may succeed; infinite if it never does."""
    wait = getattr(admission.refused, "retry_after", None)
    return math.inf if wait is None else wait


def _error(message: str, code: str) -> Json:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def _challenge(error: Json) -> Mapping[str, str]:
    """The header of the refusal of a token that does not have a scope (RFC 6750, section 3.1)."""
    if not (scopes := (error.get("extensions") or {}).get("requiredScopes")):
        return {}
    return {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{" ".join(scopes)}"'}


def _status_of(errors: Sequence[Json]) -> int:
    return _statuses_by_code().get(_code(errors[0]), 400)


def _code(error: Json) -> str:
    return str((error.get("extensions") or {}).get("code"))


def _statuses(kind: type[CloudKeepError]) -> Iterator[tuple[str, int]]:
    yield kind.code.value, kind.status
    for special in kind.__subclasses__():
        yield from _statuses(special)


@cache
def _statuses_by_code() -> dict[str, int]:
    # Not when this module is imported: a domain whose errors are imported later would be missing.
    return dict(_statuses(CloudKeepError))


_ENCODER = json.JSONEncoder(separators=(",", ":"))


def internal_error() -> OperationResponse:
    """The response to an operation that failed by an internal error."""
    return OperationResponse({"errors": [{"message": FAULT, "extensions": fault_extensions()}]}, 500)
