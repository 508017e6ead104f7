"""Relay's compiler and runtime, with the code of docs/clients.md."""

from collections.abc import Iterator

import pytest
import pytest_asyncio
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, build_schema, is_required_argument

from tests.clients.guide.conftest import NAMES, Person
from tests.clients.guide.page import SDL, Guide
from tests.support.server import Json
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMPILER = "node_modules/relay-compiler/cli.js"
REFETCHABLE = '@refetchable(queryName: "Nodes{}Query")'
CONNECTION = """graphql`fragment Nodes_{kind}_{field} on {kind} {{
  {field}(first: 1) @connection(key: "Nodes_{kind}_{field}") {{ edges {{ node {{ __typename }} }} }} }}`"""
CURSOR = "{ uploads(last: 1) { pageInfo { endCursor } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def compiled(guide: Guide) -> Guide:
    """The guide, with what the compiler makes of its documents."""
    await guide.node(COMPILER)
    return guide


async def run(guide: Guide, case: str, server: SharedServer, tokens: Json, **given: object) -> Json:
    """What a case returns, and what was seen. Warnings of Relay fail the test."""
    outcome: Json = await guide.run("run-relay.js", case, url=server.url, tokens=tokens, **given)
    assert outcome["warnings"] == []
    return outcome


def connections(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Every field of the schema that is a connection and needs no argument, with its type."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            yield from (
                (kind.name, name)
                for name, field in kind.fields.items()
                if str(field.type).endswith("Connection!") and not any(map(is_required_argument, field.args.values()))
            )


async def test_the_compiler_accepts_a_refetchable_fragment_on_every_node_and_every_connection(
    guide: Guide, compiled: Guide
) -> None:
    schema = build_schema(SDL.read_text())
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    names = [item.name for item in schema.get_possible_types(node)]
    fragments = [f"graphql`fragment Nodes_{name} on {name} {REFETCHABLE.format(name)} {{ id }}`" for name in names]
    fragments += [CONNECTION.format(kind=kind, field=field) for kind, field in connections(schema)]
    assert len(fragments) > len(names)
    (guide.folder / "src" / "Nodes.js").write_text("\n".join(["import { graphql } from 'relay-runtime'", *fragments]))
    await guide.node(COMPILER)
    files = [path.name for path in (guide.folder / "src" / "__generated__").iterdir()]
    assert {f"Nodes{name}Query.graphql.js" for name in names} <= set(files)


async def test_the_store_joins_the_pages_of_both_directions(
    server: SharedServer, reader: Person, compiled: Guide
) -> None:
    forwards = await run(compiled, "forwards", server, reader.tokens)
    assert forwards["result"] == [NAMES[:2], NAMES[:4], NAMES]
    backwards = await run(compiled, "backwards", server, reader.tokens)
    assert backwards["result"] == [NAMES[-2:], NAMES[-4:], NAMES]
    cursor = (await reader.api.data(CURSOR))["pageInfo"]["endCursor"]
    before = await run(compiled, "both", server, reader.tokens, cursor=cursor)
    assert before["result"] == [NAMES[-3:-1], NAMES[:-1]]


async def test_the_store_joins_the_pages_of_slots_that_node_loads(
    server: SharedServer, uploader: Person, compiled: Guide
) -> None:
    upload = await uploader.api.init(b"x" * 300_000, chunkSize=100_000)
    assert (await run(compiled, "slots", server, uploader.tokens, upload=upload))["result"] == [0, 1, 2]


async def test_an_account_is_refetched_by_its_id_and_a_token_that_expired_is_renewed(
    server: SharedServer, uploader: Person, compiled: Guide
) -> None:
    upload = await uploader.api.init(b"xyz")
    outcome = await run(compiled, "account", server, uploader.expired, upload=upload)
    assert outcome["result"]["after"] == outcome["result"]["before"] + len(b"xyz")
    assert outcome["refreshes"] == 1


async def test_a_subscription_goes_on_after_its_token_has_expired_and_updates_the_store(
    server: SharedServer, uploader: Person, compiled: Guide
) -> None:
    upload = await uploader.api.init(b"abc")
    outcome = await run(compiled, "subscription", server, uploader.with_token(10), upload=upload)
    assert (outcome["result"]["frames"][-1], outcome["result"]["stored"]) == ("READY", "READY")
    assert (outcome["closes"][0], outcome["refreshes"]) == (4403, 1)
