"""The cost directives of the served schema conform to the specification, section 9."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from graphql import (
    DirectiveDefinitionNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    parse,
    print_ast,
)

import schema.build
from resolvers.pages import MAX_PAGE
from resolvers.uploads import MAX_INITS, MAX_REPORTS, MAX_SLOTS
from schema.cost.weights import FieldWeight, Weights

SERVED = build_schema(schema.build.build_schema().as_str())
SPECIFIED = """
directive @cost(weight: String!) on
  ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(
  assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
) on FIELD_DEFINITION
"""


def test_the_directives_are_those_of_the_specification() -> None:
    for node in parse(SPECIFIED).definitions:
        assert isinstance(node, DirectiveDefinitionNode)
        served = next(directive for directive in SERVED.directives if directive.name == node.name.value)
        assert served.ast_node
        assert all(argument.description for argument in served.ast_node.arguments or ())
        (undescribed,) = parse(re.sub(r'"""[^"]*"""', "", print_ast(served.ast_node))).definitions
        assert print_ast(undescribed) == print_ast(node)


def own_objects(served: GraphQLSchema) -> list[GraphQLObjectType]:
    return [
        kind
        for kind in served.type_map.values()
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
    ]


def test_every_list_has_a_size(weights: Weights) -> None:
    handed: dict[str, list[frozenset[str]]] = {}
    for fields in weights.fields.values():
        for field in fields.values():
            handed.setdefault(field.type, []).append(field.rule.sized if field.rule else frozenset())
    for kind in own_objects(SERVED):
        for name, field in kind.fields.items():
            if "[" in str(field.type):
                parents = handed.get(kind.name, [])
                by_parents = bool(parents) and all(name in sized for sized in parents)
                assert "listSize" in written(field) or by_parents, f"{kind.name}.{name}"


def test_every_size_applies_to_a_list(weights: Weights) -> None:
    for kind in own_objects(SERVED):
        for name, field in kind.fields.items():
            if "listSize" in written(field):
                check_size(weights.fields[kind.name][name], field.args, get_named_type(field.type))


def check_size(weight: FieldWeight, arguments: Mapping[str, Any], returned: object) -> None:
    assert weight.rule
    assert bool(weight.lists) != bool(weight.rule.sized)
    assert all(slicing.is_list or _type(arguments, slicing.path) == "Int" for slicing in weight.rule.slicing)
    if weight.rule.sized:
        assert isinstance(returned, GraphQLObjectType)
        assert all("[" in str(returned.fields[name].type) for name in weight.rule.sized)


def _type(arguments: Mapping[str, Any], path: Sequence[str]) -> str:
    *objects, last = path
    for name in objects:
        arguments = get_named_type(arguments[name].type).fields
    return str(arguments[last].type).rstrip("!")


def test_the_largest_size_of_a_list_is_that_of_its_resolver(weights: Weights) -> None:
    paged = {
        field.coordinate: field.rule.maximum
        for fields in weights.fields.values()
        for field in fields.values()
        if field.rule and field.rule.slicing
    }
    assert paged == {
        "Account.sessions": MAX_PAGE,
        "Account.apiTokens": MAX_PAGE,
        "File.versions": MAX_PAGE,
        "Folder.items": MAX_PAGE,
        "Mutation.copyItems": MAX_PAGE,
        "Mutation.moveItems": MAX_PAGE,
        "Mutation.restoreItems": MAX_PAGE,
        "Mutation.trashItems": MAX_PAGE,
        "Query.changes": MAX_PAGE,
        "Query.search": MAX_PAGE,
        "Query.trash": MAX_PAGE,
        "Query.uploads": MAX_PAGE,
        "Query.files": MAX_PAGE,
        "Query.starred": MAX_PAGE,
        "Upload.slots": MAX_SLOTS,
        "Mutation.reportChunks": MAX_REPORTS,
        "Mutation.initUploads": MAX_INITS,
        "Query.uploadsByIds": MAX_PAGE,
    }


def test_every_mutation_and_subscription_has_a_price_and_the_roots_have_none(weights: Weights) -> None:
    for name in ("Query", "Mutation", "Subscription"):
        assert weights.types[name] == 0
    for name in ("Mutation", "Subscription"):
        assert all(field.weight >= 10 for field in weights.fields[name].values())


def test_no_interface_has_a_cost() -> None:
    for kind in SERVED.type_map.values():
        if isinstance(kind, GraphQLInterfaceType):
            assert not any("cost" in written(field) for field in kind.fields.values())


def test_the_sdl_has_all_weights(weights: Weights) -> None:
    read = Weights.of(SERVED)
    assert read.types == weights.types
    prices = [
        {(kind, name): field.weight for kind, fields in each.fields.items() for name, field in fields.items()}
        for each in (read, weights)
    ]
    assert prices[0] == prices[1]
    assert read.inputs == weights.inputs


def written(field: object) -> set[str]:
    node = getattr(field, "ast_node", None)
    return {directive.name.value for directive in (node.directives if node else None) or ()}
