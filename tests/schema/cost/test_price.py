"""Prices, compared with those calculated by hand."""

import pytest
from graphql import build_schema

from schema.cost.weights import Weights
from tests.schema.cost.pricing import plan, price

SERVED = {
    # me: field 1, Account 1.
    "{ me { id } }": 2,
    # `storage` sums over tables: 5, and the type 1.
    "{ me { storage { used } } }": 8,
    # Connection 1 + 1, edges 1, 20 edges, each with a node 1 + 1.
    "{ files { edges { node { id } } } }": 2 + 1 + 20 * (1 + 1 + 1),
    "{ files(first: 100) { nodes { id name size } pageInfo { endCursor } } }": 2 + 1 + 100 + 2,
    "{ files(first: 7) { nodes { media { width } renditions { recipe } } } }": 2 + 1 + 7 * (1 + 2 + 2),
    # `waitsFor` takes a database query, although it returns no object.
    "{ uploads(first: 3) { nodes { waitsFor } } }": 2 + 1 + 3 * 2,
    # `slots` 5 + 1; up to 1,000 at once.
    '{ upload(id: "x") { slots(first: 1000) { nodes { url } } } }': 2 + 6 + 1 + 1000,
    '{ upload(id: "x") { slots { nodes { url } } } }': 2 + 6 + 1 + 100,
    '{ node(id: "x") { id } }': 2,
    # Of an Upload and a File, the Upload is more expensive.
    '{ node(id: "x") { ... on File { media { width } } ... on Upload { file { media { width } } } } }': 2 + 2 + 2,
    # The input 1, the payload 1, the list of errors 1, up to 11 errors.
    'mutation { login(input: {userId: "a", password: "b"}) { userErrors { code } } }': 50 + 1 + 1 + 1 + 11,
    "mutation { register(input: {}) { registration { email } } }": 100 + 1 + 1 + 2,
    'mutation { abortUpload(input: {uploadId: "x"}) { upload { id } } }': 10 + 1 + 1 + 2,
    "mutation { initUpload(input: {}) { upload { id } } }": 20 + 1 + 1 + 2,
    "mutation { initUpload(input: {chunkHashes: [], compress: {}}) { upload { id } } }": 20 + 1 + 1 + 2 + 50 + 50,
    "mutation { initUpload(input: {chunkHashes: null}) { upload { id } } }": 20 + 1 + 1 + 2,
    'mutation { initUpload(input: {relativePath: "a/b"}) { upload { id } } }': 20 + 1 + 1 + 2 + 2,
    # The list of files 1, the results 1, and each of them 2 more than its upload.
    "mutation { initUploads(input: {uploads: [{}, {relativePath: null}]}) { results { upload { id } } } }": (
        (20 + 1 + 1 + 1 + 1) + 2 * (2 + 2)
    ),
    'mutation { initUploads(input: {uploads: [{relativePath: "a"}]}) { results { upload { id } } } }': (
        (20 + 1 + 1 + 1 + 1) + 2 + 2 + 2
    ),
    'subscription { uploadProgress(uploadId: "x") { percent upload { id } } }': 10 + 1 + 2,
}


@pytest.mark.parametrize(("document", "expected"), SERVED.items())
def test_an_operation_over_the_served_schema_has_its_price(weights: Weights, document: str, expected: int) -> None:
    assert price(weights, document) == expected


RICH = {
    "{ user { name } }": 3,
    "{ a: user { name } b: user { name } }": 6,
    "{ user { name } user { name } ... { user { name } } ...F } fragment F on Query { user { name } }": 3,
    "{ user { self { name } } user { self { self { name } } } }": 3 + 3 + 3,
    "{ users { name } }": 1 + 5 * 2,
    "{ users(first: 2, last: 3) { name } }": 1 + 3 * 2,
    "{ users(first: -2) { name } }": 1,
    "{ users(first: 1000000) { name } }": 1 + 100 * 2,
    "{ users(first: 99999999999999999999) { name } }": 1 + 100 * 2,
    "{ users(first: null) { name } }": 1 + 100 * 2,
    "{ unsized { owner { name } } }": 1 + 100 * (1 + 3),
    "{ matrix { owner { name } } }": 1 + 9 * (1 + 3),
    "{ page(first: 3) { items { owner { name } } rest { owner { name } } } }": 2 + (1 + 3 * 4) + (1 + 100 * 4),
    "{ page { items { owner { name } } } }": 2 + 1 + 100 * 4,
    # One fragment, two sizes.
    "{ a: page(first: 3) { ...P } b: page(first: 5) { ...P } } fragment P on Page { items { owner { name } } }": (
        (2 + 1 + 3 * 4) + (2 + 1 + 5 * 4)
    ),
    # A picture costs 3 and a colour 2; there are six pictures in the list.
    "{ user { picture colour pictures } }": 3 + 3 + 2 + 6 * 3,
    # The most expensive of User 2, Item 1 + 1 and Group 5.
    "{ things { __typename } }": 1 + 4 * 5,
    "{ things { ... on Named { name } } }": 1 + 4 * 5,
    "{ things { ... on User { self { name } } ... on Item { name } } }": 1 + 4 * 5,
    "{ things { ... on User { self { self { name } } } } }": 1 + 4 * (2 + 3 + 3),
    # A field of an interface costs as much as on the most expensive type: Item.name has a weight.
    "{ named { friend { name } } }": 1 + 2 + 1 + 2,
    "{ search { name } }": 4 + 2,
    "{ search(flag: false) { name } }": 4 + 2,
    "{ search(filter: {}) { name } }": 4 + 5 + 2,
    '{ search(filter: {expensive: "x"}) { name } }': 4 + 5 + 7 + 2,
    '{ search(filter: {expensive: null, text: "x"}) { name } }': 4 + 5 + 2,
    # A weight may be negative; the cost of a field may not.
    "{ search(cheap: true) { name } }": 0 + 2,
    '{ search(filter: {inner: {inner: {expensive: ""}}}) { name } }': 4 + 5 + 2 + 2 + 7 + 2,
    '{ search(many: [{expensive: ""}, {expensive: ""}, null]) { name } }': 4 + 1 + 14 + 2,
    '{ search(filter: {all: [{expensive: ""}, {cheap: true}]}) { name } }': 4 + 5 + 1 + 7 - 4 + 2,
    "{ user @skip(if: true) { name } named @include(if: false) { name } }": 0,
    "{ user @skip(if: false) @include(if: true) { name } }": 3,
    "{ ... @skip(if: true) { user { name } } ...F @include(if: false) } fragment F on Query { user { name } }": 0,
    "{ __typename }": 0,
    "{ self { self { user { name } } } }": 1 + 1 + 3,
}


@pytest.mark.parametrize(("document", "expected"), RICH.items())
def test_an_operation_has_its_price(rich: Weights, document: str, expected: int) -> None:
    assert price(rich, document) == expected


def test_only_the_selected_operation_counts(rich: Weights) -> None:
    document = "query A { user { name } } query B { users { name } }"
    assert [plan(rich, document, name).price() for name in "AB"] == [3, 11]


def test_variables_say_how_long_a_list_is(rich: Weights) -> None:
    document = "query ($first: Int, $last: Int) { users(first: $first, last: $last) { name } }"
    requests: list[dict[str, object]] = [
        {},
        {"first": 1},
        {"first": 1, "last": 9},
        {"first": -1},
        {"first": None},
        {"first": 10**9},
    ]
    assert [price(rich, document, variables) for variables in requests] == [11, 3, 19, 1, 201, 201]


def test_variables_say_which_fields_are_there(rich: Weights) -> None:
    document = "query ($yes: Boolean!) { user @include(if: $yes) { name } users @skip(if: $yes) { name } }"
    assert [price(rich, document, {"yes": yes}) for yes in (True, False)] == [3, 11]
    assert price(rich, document) == 14, "a field whose condition is not known counts"


def test_variables_say_which_inputs_are_used(rich: Weights) -> None:
    document = """query ($filter: Filter, $text: String) {
        search(filter: $filter, many: [{expensive: $text}, $filter]) { name } }"""
    requests: list[dict[str, object]] = [
        {},
        {"filter": None, "text": "x"},
        {"filter": {"expensive": "x", "all": [{"expensive": "y", "cheap": None}]}},
    ]
    base = 4 + 1 + 2
    assert [price(rich, document, variables) for variables in requests] == [
        base,
        base + 7,
        base + 5 + 2 * (7 + 1 + 7),
    ]


def test_a_plan_names_the_variables_that_change_its_price(rich: Weights) -> None:
    document = """query ($id: ID, $first: Int, $yes: Boolean!, $text: String, $flag: Boolean) {
        user(id: $id) { items(first: $first) { name @include(if: $yes) } }
        search(filter: {expensive: $text}, flag: $flag) { name } }"""
    assert plan(rich, document).uses_variables == {"first", "yes", "text"}


def test_a_weight_that_is_not_a_whole_number_is_refused() -> None:
    sdl = 'directive @cost(weight: String!) on OBJECT\ntype Query @cost(weight: "0.5") { a: Int }'
    with pytest.raises(ValueError, match="whole number"):
        Weights.of(build_schema(sdl))
