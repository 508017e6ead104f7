"""Expected failures as data, and everything else as a top-level error with a code."""

import logging
from collections.abc import Awaitable
from typing import TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import MaskErrors
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError

from schema.cost.directives import at_most
from services.errors import ErrorCode, ExpectedError, refusal_of

logger = logging.getLogger("cloudkeep.graphql")

T = TypeVar("T")

INVALID_REQUEST = "GRAPHQL_INVALID"
#: What GraphQL itself refuses, and what Strawberry refuses before GraphQL sees it.
REQUEST_ERRORS = (GraphQLError, MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)

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


async def settle(work: Awaitable[T]) -> tuple[T | None, list[UserError]]:
    """The result of a mutation's work and no error, or no result and the expected error."""
    try:
        return await work, []
    except Exception as error:
        refusal = refusal_of(error)
        if not isinstance(refusal, ExpectedError):
            raise
        return None, [UserError.of(refusal)]


class CodedErrors(MaskErrors):
    """Gives every top-level error a code, and hides what a fault of ours would say about the inside."""

    def __init__(self) -> None:
        super().__init__(error_message="Something went wrong on the server.")

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """Our own errors and those of GraphQL itself pass, with a code; anything else is logged and hidden."""
        cause = error.original_error
        if refusal := refusal_of(cause):
            error.message, error.extensions = str(refusal), refusal.extensions
            return error
        if cause is None or isinstance(cause, REQUEST_ERRORS):
            error.extensions = {"code": INVALID_REQUEST, **(error.extensions or {})}
            return error
        logger.error("fault in field %s", error.path, exc_info=cause)
        masked = super().anonymise_error(error)
        masked.extensions = {"code": ErrorCode.INTERNAL.value}
        return masked
