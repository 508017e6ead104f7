"""Renders errors: expected ones as ``userErrors`` of a payload, all others as top-level errors with a code."""

import logging
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.types.graphql import OperationType

from schema.cost.directives import at_most
from schema.error_codes import UserErrorCode
from services.core.errors import CloudKeepError, ErrorCode, ExpectedError, refusal_of
from services.core.log_context import request_id

logger = logging.getLogger("cloudkeep.graphql")

T = TypeVar("T")

FAULT = "Something went wrong on the server."

#: One for each field of the largest input, `InitUploadInput`.
MAX_USER_ERRORS = at_most(11)
#: The longest is input, uploads, 17, chunkHashes, 3.
ERROR_PATH = at_most(5)
USER_ERROR_CODES = frozenset(UserErrorCode.__members__)


@strawberry.type(description="An error in the input of a mutation, or another reason why it changed nothing.")
class UserError:
    field: list[str] | None = strawberry.field(
        description="The path of the field that caused the error, such as `input`, `compress`, `maxHeight`; null if no "
        "field did.",
        directives=[ERROR_PATH],
    )
    message: str = strawberry.field(description="What is wrong, for people.")
    code: UserErrorCode = strawberry.field(description="What is wrong, for programs.")

    @classmethod
    def of(cls, error: ExpectedError, place: Sequence[str] = ()) -> "UserError":
        """The GraphQL form of an expected error. ``place`` is the path of the object whose field caused it."""
        path = ["input", *place, *error.field.split(".")] if error.field else None
        return cls(field=path, message=str(error), code=UserErrorCode(error.code.value))


def user_errors(
    description: str = "The reasons why nothing was changed, with every invalid field; empty on success.",
) -> Any:
    """The field ``userErrors`` of a payload."""
    return strawberry.field(description=description, directives=[MAX_USER_ERRORS])


async def to_payload(work: Awaitable[T]) -> tuple[T | None, list[UserError]]:
    """Await the work of a mutation. Returns its result without errors, or None with the expected errors."""
    try:
        return await work, []
    except Exception as error:
        refusal = refusal_of(error)
        if not isinstance(refusal, ExpectedError) or refusal.code not in USER_ERROR_CODES:
            raise
        return None, [UserError.of(each) for each in (refusal, *refusal.others)]


class OperationNotAllowed(GraphQLError):
    """The transport cannot run this type of operation."""

    def __init__(self, operation_type: OperationType) -> None:
        super().__init__(f"{operation_type.value} operations are not allowed here.")
        self.operation_type = operation_type


def rendered(error: CloudKeepError) -> GraphQLError:
    """The GraphQL error for an error of CloudKeep."""
    return GraphQLError(str(error), original_error=error)


def coded(errors: list[GraphQLError] | None) -> list[GraphQLError] | None:
    """Give every error a code. Unexpected errors are logged and hidden; CloudKeep's and GraphQL's are not."""
    return [_coded(error) for error in errors] if errors else None


def _coded(error: GraphQLError) -> GraphQLError:
    cause = error.original_error
    if refusal := refusal_of(cause):
        error.message, error.extensions = str(refusal), refusal.extensions
        return error
    if cause is None or isinstance(cause, GraphQLError):
        error.extensions = {"code": ErrorCode.GRAPHQL_INVALID.value, **(error.extensions or {})}
        return error
    logger.error("fault in field %s", error.path, exc_info=cause)
    return GraphQLError(FAULT, error.nodes, path=error.path, extensions=fault_extensions())


def code_of(errors: Sequence[GraphQLError] | None) -> str:
    """The code of the first error. :func:`coded` has given every error a code."""
    return str((errors[0].extensions or {}).get("code")) if errors else ErrorCode.INTERNAL.value


def fault_extensions() -> dict[str, object]:
    """The extensions of an unexpected error: its code, and the ID of the request, which the log has as well."""
    name = request_id()
    return {"code": ErrorCode.INTERNAL.value, **({"requestId": name} if name else {})}
