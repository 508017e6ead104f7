"""Refusals as problem documents (RFC 9457). ``code`` is the same as in GraphQL's ``extensions.code``."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from endpoints.rate_limit_headers import refusal_headers
from services.core.errors import CloudKeepError, ErrorCode, refusal_of
from services.core.log_context import request_id
from storage.redaction import without_credentials

MEDIA_TYPE = "application/problem+json"


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """A response with a problem document."""
    document = _document(status, code, detail, {})
    return JSONResponse(document, status, headers=headers, media_type=MEDIA_TYPE)


def _document(status: int, code: str, detail: str, extensions: Mapping[str, object]) -> Mapping[str, object]:
    """A problem document. ``about:blank`` means that the title is the status, as section 4.2.1 requires.

    ``detail`` loses secrets, which the text of an error may quote. ``requestId`` names the request in the server's log.
    """
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": without_credentials(detail),
        **extensions,
    }
    if current_id := request_id():
        document["requestId"] = current_id
    return document


def refusal_document(refusal: CloudKeepError) -> Mapping[str, object]:
    """The problem document for a refusal."""
    return _document(refusal.status, refusal.code.value, str(refusal), refusal.extensions)


async def refusal_response(_: Request, error: Exception) -> Response:
    """The problem document for an error of CloudKeep or of its storage."""
    refusal = refusal_of(error)
    assert refusal
    headers = refusal_headers(refusal)
    if refusal.closes_connection:
        headers["Connection"] = "close"
    return JSONResponse(refusal_document(refusal), refusal.status, headers=headers, media_type=MEDIA_TYPE)


async def http_error_response(_: Request, error: Exception) -> Response:
    """Render an error of the router."""
    assert isinstance(error, HTTPException)
    code = ErrorCode.NOT_FOUND if error.status_code == HTTPStatus.NOT_FOUND else ErrorCode.MALFORMED_REQUEST
    return problem(error.status_code, code.value, _detail(error), dict(error.headers or {}))


def _detail(error: HTTPException) -> str:
    """What the error means for a reader; the router only repeats the title."""
    allowed = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return "There is nothing at this address."
        case HTTPStatus.METHOD_NOT_ALLOWED if allowed:
            return f"This address answers only to {allowed}."
        case _:
            return error.detail


async def internal_error_response(_: Request, __: Exception) -> Response:
    """Render any other error without its text, which the server logs."""
    return problem(500, ErrorCode.INTERNAL.value, "Something went wrong on the server.")
