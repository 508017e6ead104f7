"""Validation in bounded time.

graphql-core compares every two fields of one response key, and every two fragments of one object, up to 250,000 times
or half a second; and it describes each of a hundred errors at the length of what is wrong.
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

#: Units of graphql-core's ``MAX_COMPLEXITY_BUDGET``, 1 to 4 microseconds each. Forty fragments in one place, or as many
#: fields of one response key, take 4,000.
MAX_COMPARISONS = 5_000
#: Each may quote all of an input object.
MAX_ERRORS = 5


class FewOverlappingFields(OverlappingFieldsCanBeMergedRule):
    """The rule of the specification (section 5.3.2), that gives up early."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = MAX_COMPARISONS

    def enter_selection_set(self, selection_set: SelectionSetNode, *arguments: Any) -> None:
        """Compare the fields of an object. Raises :class:`TooManyComparisons` to abort the validation."""
        try:
            super().enter_selection_set(selection_set, *arguments)
        except ValidationAbortedError as error:
            if self.rule_context.remaining_complexity_budget >= 0:
                raise
            raise TooManyComparisons from error


class TooManyComparisons(ValidationAbortedError):
    """The document has too many fields or fragments in one place to compare each with each."""

    def __init__(self) -> None:
        message = "The operation is too complex: it asks for the same fields too often in one place."
        refusal = OperationTooComplex(message, limit="comparisons", maximum=MAX_COMPARISONS, actual=MAX_COMPARISONS + 1)
        super().__init__(message, original_error=refusal)


#: The rules of the specification, and those that Strawberry adds for its input types.
RULES = (
    *(FewOverlappingFields if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)


def validate_document(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """What is wrong with a document. One that takes too much work is refused with the code OPERATION_TOO_COMPLEX."""
    return validate(schema, document, RULES, max_errors=MAX_ERRORS)
