"""The results of operations for the transports: with coded errors, with their cost, and counted in the metrics."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from typing import Any

from graphql import ExecutionResult as Response
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from resolvers import operations
from resolvers.context import Admission, Context
from schema.cost.extension import cost_extension
from schema.execution.admission import Admitted, Refused, Request
from schema.execution.errors import code_of, coded
from services.core.counters import OperationKind, Outcome
from storage.tracing import is_recording, span

#: The most characters of an operation's name in a trace.
LONGEST_NAME = 100


def operation_span(admitted: Admitted) -> AbstractContextManager[None]:
    """A span of the trace for an operation, if there is a trace."""
    if not is_recording():
        return nullcontext()
    kind, name = admitted.operation.type.value, admitted.operation.node.name
    attributes: dict[str, str | int] = {
        "graphql.operation.type": kind,
        "graphql.cost": admitted.context.admission.requested,
    }
    if name:
        attributes["graphql.operation.name"] = name.value[:LONGEST_NAME]
    return span(f"graphql {kind}", attributes)


def first_result(admitted: Admitted, request: Request, response: Response) -> ExecutionResult:
    """The first result of an operation, which is counted in the metrics."""
    errors = coded(response.errors)
    _count(admitted.context, request, admitted.operation.type.value, "errors" if errors else "data", errors)
    return ExecutionResult(response.data, errors, cost_extension(admitted.context.admission, request.extensions))


def later_result(response: Response, admission: Admission, request_extensions: Mapping[str, Any]) -> ExecutionResult:
    """A further result of a subscription, with its own cost."""
    return ExecutionResult(response.data, coded(response.errors), cost_extension(admission, request_extensions))


def refusal(context: Context, request: Request, refused: Refused) -> PreExecutionError:
    """The only result of an operation that does not run."""
    errors = coded(refused.errors)
    _count(context, request, "unknown", "refused", errors)
    return PreExecutionError(None, errors, cost_extension(context.admission, request.extensions))


def _count(
    context: Context, request: Request, kind: OperationKind, outcome: Outcome, errors: list[GraphQLError] | None
) -> None:
    operations.count_operation(
        context,
        kind,
        outcome,
        error_code=code_of(errors) if errors else None,
        seconds=perf_counter() - request.began,
    )
