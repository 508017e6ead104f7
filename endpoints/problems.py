"""Refusals as problem documents (RFC 9457). ``code`` is the same as in GraphQL's ``extensions.code``."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from endpoints.rate_limit_headers import refusal_fields
from services.core.context import request_id
from services.core.errors import ErrorCode, refusal_of

MEDIA_TYPE = "application/problem+json"


def problem(
    status: int,
    code: str,
    detail: str,
    headers: dict[str, str] | None = None,
    extensions: Mapping[str, object] | None = None,
) -> JSONResponse:
    """A problem document. ``about:blank`` says that the title is the status, as section 4.2.1 wants it.

    ``requestId`` is what its reader can quote.
    """
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **(extensions or {}),
    }
    if name := request_id():
        document["requestId"] = name
    return JSONResponse(document, status, headers=headers, media_type=MEDIA_TYPE)


async def refused(_: Request, error: Exception) -> Response:
    """Render one of our own errors, or what one of storage's stands for."""
    refusal = refusal_of(error)
    assert refusal
    headers = refusal_fields(refusal)
    if refusal.closes_connection:
        headers["Connection"] = "close"
    return problem(refusal.status, refusal.code.value, str(refusal), headers, refusal.extensions)


async def http_error(_: Request, error: Exception) -> Response:
    """Render what the router refuses."""
    assert isinstance(error, HTTPException)
    code = ErrorCode.NOT_FOUND if error.status_code == HTTPStatus.NOT_FOUND else ErrorCode.MALFORMED_REQUEST
    return problem(error.status_code, code.value, error.detail, dict(error.headers or {}))


async def fault(_: Request, __: Exception) -> Response:
    """Render a fault of ours without saying more than that; the server logs it."""
    return problem(500, ErrorCode.INTERNAL.value, "Something went wrong on the server.")
