"""A server, and two accounts with API tokens of every kind."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
import pytest_asyncio

from services.accounts.api_tokens import PREFIX
from services.accounts.types import ApiTokenScope
from services.core import checked_tokens
from services.core.clock import now
from storage.accounts.models import ApiToken
from tests.support.server import Api, key_of
from tests.support.shared_server import SharedServer, another_user
from tests.support.waiting import eventually

CREATE = """mutation ($input: CreateApiTokenInput!) { createApiToken(input: $input) {
  apiToken { id name scopes lastCharacters expiresAt lastUsedAt } secret userErrors { field code message } } }"""
REVOKE = """mutation ($id: ID!) { revokeApiToken(input: {apiTokenId: $id}) {
  apiToken { id } userErrors { field code message } } }"""
CONTENT = b"what an owner stores"
#: A part of the names of the owner's files.
OWNED = "name-that-only-its-owner-sees"


@dataclass(frozen=True)
class Owner:
    """A signed-in user, and the IDs of objects of theirs, by type."""

    api: Api
    ids: dict[str, str] = field(default_factory=dict)

    async def new_token(self, *scopes: ApiTokenScope) -> str:
        """The text of a new token with these scopes, which is created by the API."""
        payload = await self.api.data(CREATE, input={"name": "a script", "scopes": list(scopes)})
        assert payload["userErrors"] == []
        self.ids["ApiToken"] = payload["apiToken"]["id"]
        secret: str = payload["secret"]
        return secret

    async def stored_token(self, scopes: Collection[str], days: float | None = None) -> str:
        """The text of a new token that the API would not create: without scopes, or expired."""
        secret = checked_tokens.new(PREFIX)
        await ApiToken.create(
            account_id=key_of(self.ids["Account"]),
            name="stored",
            secret_hash=checked_tokens.digest(secret),
            last_characters=secret[-4:],
            scopes=list(scopes),
            expires_at=None if days is None else now() + timedelta(days=days),
        )
        return secret


async def _owner(api: Api, name: str) -> Owner:
    done = await api.upload(CONTENT, fileName=name)

    async def is_stored() -> bool:
        return (await api.look(done["id"]))["file"] is not None

    await eventually(is_stored)
    owner = Owner(api, {"Account": (await api.data("{ me { id } }"))["id"]})
    owner.ids["File"] = (await api.look(done["id"]))["file"]["id"]
    owner.ids["Upload"] = (await api.init(bytes(200_000), fileName=name, chunkSize=65_536))["id"]
    await owner.new_token(ApiTokenScope.READ)
    return owner


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(shared: SharedServer) -> Owner:
    """A user with a file, an open upload and a token."""
    return await _owner(shared.api, f"{OWNED}.bin")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stranger(shared: SharedServer) -> AsyncIterator[Owner]:
    """Another user, with the same."""
    async with another_user(shared) as api:
        yield await _owner(api, "other.bin")


@pytest.fixture
def anonymous(shared: SharedServer) -> Api:
    """A client without credentials."""
    return Api(shared.http)
