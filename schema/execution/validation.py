"""Validation in bounded time.

graphql-core compares each pair of fields of one response key and each pair of fragments on one object, up to 250,000
pairs or half a second. It also reports up to a hundred errors, each of which may quote a large part of the document.
"""

from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    specified_rules,
    validate,
)
from graphql.validation import ValidationContext
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.cost.work_limit import OperationTooComplex

#: The value for graphql-core's ``MAX_COMPLEXITY_BUDGET``. A unit takes 1 to 4 microseconds. Forty fragments in one
#: place, or forty fields with one response key, take 4,000.
MAX_COMPARISONS = 5_000
#: Errors per document. Each may quote a whole input object.
MAX_ERRORS = 5


class FewOverlappingFields(OverlappingFieldsCanBeMergedRule):
    """The rule OverlappingFieldsCanBeMerged (GraphQL specification, section 5.3.2) with a lower limit on its work."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MAX_COMPARISONS

    def enter_selection_set(self, selection_set: SelectionSetNode, *arguments: Any) -> None:
        """Compare the fields of an object. Raises :class:`TooManyComparisons`, which ends the validation."""
        try:
            super().enter_selection_set(selection_set, *arguments)
        except ValidationAbortedError as error:
            if self.rule_context.remaining_complexity_budget >= 0:
                raise
            raise TooManyComparisons from error


class TooManyComparisons(ValidationAbortedError):
    """The document has too many fields or fragments in one place to compare every pair."""

    def __init__(self) -> None:
        message = "The operation is too complex: it selects the same fields too often in one place."
        refusal = OperationTooComplex(message, limit="comparisons", maximum=MAX_COMPARISONS, actual=MAX_COMPARISONS + 1)
        super().__init__(message, original_error=refusal)


#: The rules of the specification, and those that Strawberry adds for its input types.
RULES = (
    *(FewOverlappingFields if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)


def validate_document(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """The errors of a document, or one error OPERATION_TOO_COMPLEX if its validation takes too much work."""
    return [_as_document_error(error) for error in validate(schema, document, RULES, max_errors=MAX_ERRORS)]


def _as_document_error(error: GraphQLError) -> GraphQLError:
    """An error of the document where a scalar type has failed to read a literal, which is no fault of the server.

    Python's ``int`` raises ValueError for more than 4,300 digits, and graphql-core's ``Int`` passes it on.
    """
    if isinstance(error.original_error, ValueError):
        return GraphQLError("The value cannot be read as its type.", error.nodes)
    return error
