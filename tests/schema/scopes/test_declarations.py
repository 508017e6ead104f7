"""Every field of the schema says which API tokens may use it, and says what the tables of these tests say."""

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, OperationType

from schema.build import build_schema
from schema.roots import NODES
from schema.scopes.requirements import Requirements, requirement_of_type
from services.access.types import ANY_TOKEN, TokenRequirement
from tests.schema.scopes.documents import every_document, object_types
from tests.schema.scopes.expected import NEEDS, NOT_LISTED, PLAIN

ADD = "new: %s. Add it to a table of tests/schema/scopes/expected.py, and declare in the schema what it needs."


@pytest.fixture(scope="module")
def served() -> GraphQLSchema:
    return build_schema().as_graphql()


def coordinates(kind: GraphQLObjectType) -> list[str]:
    return [f"{kind.name}.{name}" for name in kind.fields]


def expected(coordinate: str) -> TokenRequirement:
    needed = NEEDS[coordinate]
    return ANY_TOKEN if needed is None else TokenRequirement(needed, allows_tokens=bool(needed))


def test_every_field_is_in_a_table(served: GraphQLSchema) -> None:
    listed = {f"{kind}.{name}" for kind, names in PLAIN.items() for name in names.split()} | NEEDS.keys()
    kinds = [kind for kind in object_types(served) if not kind.name.endswith(NOT_LISTED)]
    new = [name for kind in kinds for name in coordinates(kind) if name not in listed]
    assert not new, ADD % ", ".join(new)


def test_every_field_declares_what_the_tables_say(served: GraphQLSchema) -> None:
    declared = Requirements(served).fields
    known = {name for name in NEEDS if "." in name}
    assert {name: declared[name] for name in declared} == {name: expected(name) for name in known}


def test_every_type_that_node_loads_declares_what_the_tables_say() -> None:
    for kind in NODES.values():
        name = kind.type.__name__
        assert name in NEEDS, ADD % name
        assert requirement_of_type(kind.type) == expected(name)


def test_every_root_field_declares_something_by_itself(served: GraphQLSchema) -> None:
    for root in (served.get_root_type(kind) for kind in OperationType):
        assert root
        for name, field in root.fields.items():
            directives = field.extensions["strawberry-definition"].directives
            assert any(hasattr(each, "requirement") for each in directives), f"{root.name}.{name}"


def test_the_generated_documents_have_every_field(served: GraphQLSchema) -> None:
    used = {name for document in every_document(served, NEEDS.__contains__) for name in document.coordinates}
    assert used == {f"{kind.name}.{name}" for kind in object_types(served) for name in kind.fields}


def test_tools_show_what_a_field_needs(served: GraphQLSchema) -> None:
    assert served.query_type
    assert served.mutation_type
    assert (
        served.query_type.fields["uploads"].description == "The viewer's uploads, newest first. Scope: READ or UPLOAD."
    )
    assert "No API token may use it." in str(served.mutation_type.fields["login"].description)
    assert "coped" not in str(served.query_type.fields["server"].description)
