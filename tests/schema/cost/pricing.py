"""Plans and prices of documents, for tests."""

from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode, parse

from schema.cost.plan import OperationPlan, plan_operation
from schema.cost.weights import Weights


def operation_of(document: DocumentNode, name: str | None = None) -> OperationDefinitionNode:
    """The operation of this name, or the first one."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return next(node for node in operations if name is None or (node.name and node.name.value == name))


def plan(weights: Weights, text: str, name: str | None = None) -> OperationPlan:
    """The plan of the operation in a text."""
    document = parse(text)
    return plan_operation(weights, document, operation_of(document, name))


def price(weights: Weights, text: str, variables: Mapping[str, Any] | None = None) -> int:
    """The most that an operation can cost."""
    return plan(weights, text).price(variables or {})
