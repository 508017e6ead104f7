"""The weights of the served schema, and of a test schema with everything that can change a price."""

import pytest
from graphql import build_schema

import schema.build
from schema.cost.weights import Weights
from tests.schema.cost.rich import SDL


@pytest.fixture(scope="session")
def weights() -> Weights:
    """The weights of the schema that is served."""
    return Weights.of(schema.build.build_schema()._schema)


@pytest.fixture(scope="session")
def rich() -> Weights:
    """The weights of a schema with unions, nested lists, several slicing arguments, weights on inputs and scalars."""
    return Weights.of(build_schema(SDL))
