"""Random documents and random responses cost as much as the reference implementation says."""

from graphql import build_schema, parse
from graphql.execution.values import VariableValues, get_variable_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.cost.plan import plan_operation
from schema.cost.weights import Weights
from tests.schema.cost.documents import VARIABLES, answer, documents
from tests.schema.cost.pricing import operation_of
from tests.schema.cost.reference import Reference
from tests.schema.cost.rich import SDL

SCHEMA = build_schema(SDL)
WEIGHTS = Weights.of(SCHEMA)
#: The same examples in every run, so that no run fails by chance.
SAME = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@settings(SAME, max_examples=100)
@given(text=documents(SCHEMA), variables=VARIABLES)
def test_a_price_equals_that_of_the_reference(text: str, variables: dict[str, object]) -> None:
    document = parse(text)
    plan = plan_operation(WEIGHTS, document, operation_of(document))
    coerced = coerce(text, variables)
    assert plan.price(coerced) == Reference(SCHEMA, document, coerced).price()
    assert sum(entry.total for entry in plan.entries(coerced) if "." not in entry.path) == plan.price(coerced)
    influential = {name: value for name, value in coerced.items() if name in plan.uses_variables}
    assert plan.price(influential) == plan.price(coerced)


@settings(SAME, max_examples=50)
@given(text=documents(SCHEMA), variables=VARIABLES, seed=st.integers(0, 2**32))
def test_the_actual_cost_equals_the_reference_and_is_at_most_the_price(
    text: str, variables: dict[str, object], seed: int
) -> None:
    document, coerced = parse(text), coerce(text, variables)
    data = answer(SCHEMA, document, variables, seed)
    plan = plan_operation(WEIGHTS, document, operation_of(document))
    assert plan.actual(data, coerced) == Reference(SCHEMA, document, coerced).actual(data)
    assert plan.actual(data, coerced) <= plan.price(coerced)


@settings(SAME, max_examples=200)
@given(text=documents(SCHEMA), variables=VARIABLES, seed=st.integers(0, 2**32))
def test_every_field_that_is_resolved_is_one_of_the_coordinates_of_the_plan(
    text: str, variables: dict[str, object], seed: int
) -> None:
    document, resolved = parse(text), set[str]()
    answer(SCHEMA, document, variables, seed, resolved)
    assert resolved <= plan_operation(WEIGHTS, document, operation_of(document)).coordinates(coerce(text, variables))


def coerce(text: str, variables: dict[str, object]) -> dict[str, object]:
    """The variables as execution sees them."""
    result = get_variable_values(SCHEMA, operation_of(parse(text)).variable_definitions or (), variables)
    assert isinstance(result, VariableValues)
    return result.coerced
