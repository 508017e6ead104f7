"""Expected failures as data, and everything else as a top-level error with a code."""

import logging
from collections.abc import Awaitable, Sequence
from typing import TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.types.graphql import OperationType

from schema.cost.directives import at_most
from services.core.errors import CloudKeepError, ErrorCode, ExpectedError, refusal_of
from services.core.log_context import request_id

logger = logging.getLogger("cloudkeep.graphql")

T = TypeVar("T")

INVALID_REQUEST = "GRAPHQL_INVALID"
FAULT = "Something went wrong on the server."

strawberry.enum(ErrorCode, description="What went wrong, for programs. A code never changes its meaning.")


#: A mutation stops at the first.
USER_ERRORS = at_most(1)
#: The longest is input, compress, maxHeight.
ERROR_PATH = at_most(3)


@strawberry.type(description="Something the caller can put right.")
class UserError:
    field: list[str] | None = strawberry.field(description="The input it is about, as a path.", directives=[ERROR_PATH])
    message: str = strawberry.field(description="What is wrong, for people.")
    code: ErrorCode

    @classmethod
    def of(cls, error: ExpectedError) -> "UserError":
        """The GraphQL form of an expected error."""
        path = ["input", *error.field.split(".")] if error.field else None
        return cls(field=path, message=str(error), code=error.code)

    @classmethod
    def of_argument(cls, error: ExpectedError) -> "UserError":
        """The same for a mutation whose arguments stand by themselves."""
        return cls(field=error.field.split(".") if error.field else None, message=str(error), code=error.code)


async def to_payload(work: Awaitable[T]) -> tuple[T | None, list[UserError]]:
    """The result of a mutation's work and no error, or no result and the expected error."""
    try:
        return await work, []
    except Exception as error:
        refusal = refusal_of(error)
        if not isinstance(refusal, ExpectedError):
            raise
        return None, [UserError.of(refusal)]


class OperationNotAllowed(GraphQLError):
    """The transport has no way to answer this type of operation."""

    def __init__(self, operation_type: OperationType) -> None:
        super().__init__(f"{operation_type.value} operations are not allowed here.")
        self.operation_type = operation_type


def rendered(error: CloudKeepError) -> GraphQLError:
    """The GraphQL form of an error of ours."""
    return GraphQLError(str(error), original_error=error)


def coded(errors: list[GraphQLError] | None) -> list[GraphQLError] | None:
    """Give every error a code. Our own errors and those of GraphQL itself pass; others are logged and hidden."""
    return [_coded(error) for error in errors] if errors else None


def _coded(error: GraphQLError) -> GraphQLError:
    cause = error.original_error
    if refusal := refusal_of(cause):
        error.message, error.extensions = str(refusal), refusal.extensions
        return error
    if cause is None or isinstance(cause, GraphQLError):
        error.extensions = {"code": INVALID_REQUEST, **(error.extensions or {})}
        return error
    logger.error("fault in field %s", error.path, exc_info=cause)
    return GraphQLError(FAULT, error.nodes, path=error.path, extensions=fault_extensions())


def code_of(errors: Sequence[GraphQLError] | None) -> str:
    """The code of the first of errors that were given codes."""
    return str((errors[0].extensions or {}).get("code")) if errors else ErrorCode.INTERNAL.value


def fault_extensions() -> dict[str, object]:
    """What goes with a fault of ours: its code, and the ID of the request, by which the log can be searched."""
    name = request_id()
    return {"code": ErrorCode.INTERNAL.value, **({"requestId": name} if name else {})}
