"""Every field of the schema, as each kind of client meets it: API tokens of each scope, sessions, strangers, nobody.

The documents are generated from the schema, and the expectations are those of ``expected.py``.
"""

from collections.abc import Callable
from uuid import UUID

import pytest
import pytest_asyncio

from schema.build import build_schema
from services.accounts.api_tokens import PREFIX
from services.accounts.types import ApiTokenScope
from services.core import checked_tokens
from services.core.ids import Prefix, encode
from tests.schema.scopes.conftest import OWNED, REVOKE, Owner
from tests.schema.scopes.documents import Document, every_document
from tests.schema.scopes.expected import ANONYMOUS, EVERY_SCOPE, NEEDS, Scopes, may_use
from tests.support.server import PASSWORD, Api, Json, sse_events
from tests.support.shared_server import SharedServer

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCUMENTS = list(every_document(build_schema().as_graphql(), NEEDS.__contains__))
#: A fault of the server, or a document that the test has generated wrongly.
DEFECTS = {"INTERNAL", "GRAPHQL_INVALID"}
LOGIN = """mutation ($user: String!, $password: String!) {
  login(input: {userId: $user, password: $password}) { session { accessToken } } }"""
#: The scopes of each token.
TOKENS: dict[str, Scopes] = {
    **{scope.value: frozenset({scope}) for scope in ApiTokenScope},
    "no scope": frozenset(),
    "every scope": EVERY_SCOPE,
}
INVALID = ("expired", "revoked", "truncated", "mistyped", "unknown")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tokens(owner: Owner) -> dict[str, str]:
    """The text of the owner's token of each kind."""
    own = {name: await owner.stored_token(scopes) for name, scopes in TOKENS.items()}
    revoked = await owner.new_token(*EVERY_SCOPE)
    await owner.api.data(REVOKE, id=owner.ids["ApiToken"])
    await owner.new_token(*EVERY_SCOPE)
    whole = own["every scope"]
    return {
        **own,
        "expired": await owner.stored_token(EVERY_SCOPE, days=-1),
        "revoked": revoked,
        "truncated": whole[:-1],
        "mistyped": whole.replace(whole[10], "1" if whole[10] != "1" else "2", 1),
        "unknown": checked_tokens.new(PREFIX),
    }


def ids_of(owner: Owner) -> Callable[[str, str], str]:
    """The owner's IDs for generated arguments: by the name of the argument, or else by the type of the field.

    For a type without an object of the owner's, it is an ID that does not exist.
    """

    def choose(name: str, returned: str) -> str:
        wanted = name.removesuffix("Id").lower()
        named = next((kind for kind in owner.ids if kind.lower() == wanted), returned)
        name = named.upper().removeprefix("FILE") if named == "FileVersion" else named.upper()
        prefix = next((each for each in Prefix if each.name.replace("_", "") == name), Prefix.ACCOUNT)
        return owner.ids.get(named) or (owner.ids["Account"] if named == "Node" else encode(prefix, UUID(int=1)))

    return choose


async def ask(shared: SharedServer, document: Document, text: str, token: str | None) -> tuple[int, Json]:
    """The status and the first result of an operation."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if document.kind != "subscription":
        response = await shared.http.post("/graphql", json={"query": text}, headers=headers)
        return response.status_code, response.json()
    headers["Accept"] = "text/event-stream"
    async with shared.http.stream("POST", "/graphql", json={"query": text}, headers=headers) as stream:
        async for event in sse_events(stream):
            return stream.status_code, event
    raise AssertionError("no result")


def codes_of(answer: Json) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", ())}


def missing(document: Document, scopes: Scopes) -> list[str]:
    """What a token with these scopes may not use."""
    wanted = [*document.coordinates, *([document.node_type] if document.node_type else [])]
    return [name for name in wanted if not may_use(scopes, name)]


@pytest.mark.parametrize("kind", TOKENS)
async def test_an_api_token_may_use_the_fields_that_its_scopes_allow(
    shared: SharedServer, owner: Owner, tokens: dict[str, str], kind: str
) -> None:
    for document in DOCUMENTS:
        status, answer = await ask(shared, document, document.text(ids_of(owner)), tokens[kind])
        if forbidden := missing(document, TOKENS[kind]):
            check_refusal(document, min(forbidden), status, answer)
        else:
            assert status == 200, document.name
            assert not codes_of(answer) & {*DEFECTS, "FORBIDDEN", "UNAUTHENTICATED"}, document.name


def check_refusal(document: Document, forbidden: str, status: int, answer: Json) -> None:
    (error,) = answer["errors"]
    required = NEEDS[forbidden] or frozenset()
    assert error["extensions"] == {"code": "FORBIDDEN", "requiredScopes": sorted(required)}, document.name
    assert all(name in error["message"] for name in (forbidden, *required)), document.name
    if not document.node_type:
        assert "data" not in answer, document.name
        assert status == (200 if document.kind == "subscription" else 403), document.name


@pytest.mark.parametrize("kind", INVALID)
async def test_an_api_token_that_is_not_valid_opens_nothing(
    shared: SharedServer, owner: Owner, tokens: dict[str, str], kind: str
) -> None:
    for document in DOCUMENTS:
        status, answer = await ask(shared, document, document.text(ids_of(owner)), tokens[kind])
        if document.root in ANONYMOUS:
            assert not codes_of(answer) & {*DEFECTS, "FORBIDDEN"}, document.name
        else:
            assert codes_of(answer) == {"UNAUTHENTICATED"}, document.name
            assert status == (200 if document.kind == "subscription" else 401), document.name


async def test_an_api_token_of_another_account_sees_nothing_of_the_owner(
    shared: SharedServer, owner: Owner, stranger: Owner
) -> None:
    token = await stranger.stored_token(EVERY_SCOPE)
    for document in DOCUMENTS:
        text = document.text(ids_of(owner))
        status, answer = await ask(shared, document, text, token)
        assert status in (200, 403), document.name
        assert not codes_of(answer) & {*DEFECTS, "UNAUTHENTICATED"}, document.name
        # Messages may repeat what the client has sent.
        shown = str(answer.get("data"))
        assert not [value for value in owner.ids.values() if value in shown], document.name
        assert OWNED not in shown, document.name


async def test_a_session_may_use_every_field(shared: SharedServer, owner: Owner) -> None:
    user_id = (await owner.api.data("{ me { userId } }"))["userId"]
    for document in DOCUMENTS:
        # A session of its own, because some mutations close it.
        signed_in = await Api(shared.http).data(LOGIN, user=user_id, password=PASSWORD)
        token = signed_in["session"]["accessToken"]
        status, answer = await ask(shared, document, document.text(ids_of(owner)), token)
        assert status == 200, document.name
        assert not codes_of(answer) & {*DEFECTS, "FORBIDDEN", "UNAUTHENTICATED"}, document.name


async def test_a_client_without_credentials_sees_only_what_is_public(shared: SharedServer, owner: Owner) -> None:
    for document in DOCUMENTS:
        _, answer = await ask(shared, document, document.text(ids_of(owner)), None)
        if document.root == "Query.me":
            assert answer["data"] == {"me": None}, document.name
        elif document.root in ANONYMOUS:
            assert not codes_of(answer) & {*DEFECTS, "FORBIDDEN", "UNAUTHENTICATED"}, document.name
        else:
            assert codes_of(answer) == {"UNAUTHENTICATED"}, document.name
