"""The mutations of sessions and API tokens."""

from datetime import UTC, datetime

from storage.accounts.models import Session
from tests.faults.accounts.documents import (
    CREATE_TOKEN,
    LOGIN,
    LOGOUT,
    ME,
    REAUTHENTICATE,
    REFRESH,
    REVOKE_OTHERS,
    REVOKE_TOKEN,
)
from tests.faults.accounts.mutation import Mutation, member, owner, signs_in
from tests.faults.accounts.people import AccountServer, Person
from tests.support.server import PASSWORD, Json

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


async def login(person: Person) -> Json:
    return await person.server.call(LOGIN, {"userId": person.user_id, "password": PASSWORD})


async def refresh(person: Person) -> Json:
    person.last = await person.server.call(REFRESH, {"refreshToken": person.session["refreshToken"]})
    return person.last


async def stay_signed_in(person: Person) -> None:
    """The tokens of the repetition work, and the next refresh, too."""
    session = person.last["session"]
    assert (await person.server.call(ME, None, session["accessToken"]))["id"]
    assert await Session.filter(account__user_id=person.user_id).count() == 1
    await person.server.succeed(REFRESH, {"refreshToken": session["refreshToken"]})
    await signs_in(person)


async def logout(person: Person) -> Json:
    return await person.server.call(LOGOUT, None, person.bearer)


async def revoke_others(person: Person) -> Json:
    return await person.server.call(REVOKE_OTHERS, None, person.bearer)


async def signed_in_long_ago(server: AccountServer) -> Person:
    """The owner of an account whose password was not given for long."""
    person = await member(server)
    await Session.filter(account__user_id=person.user_id).update(authenticated_at=LONG_AGO)
    return person


async def reauthenticate(person: Person) -> Json:
    return await person.server.call(REAUTHENTICATE, {"password": PASSWORD}, person.bearer)


async def change_credentials(person: Person) -> None:
    """What needs a recent sign-in is allowed."""
    await person.server.succeed(REVOKE_OTHERS, None, person.bearer)
    await signs_in(person)


async def create_token(person: Person) -> Json:
    given = {"name": "another program", "scopes": ["READ"]}
    person.last = await person.server.call(CREATE_TOKEN, given, person.bearer)
    return person.last


async def use_the_token(person: Person) -> None:
    """The token of the repetition works, and one whose secret was lost can be revoked."""
    assert (await person.server.call(ME, None, person.last["secret"]))["id"]
    await signs_in(person)


async def revoke_token(person: Person) -> Json:
    return await person.server.call(REVOKE_TOKEN, {"apiTokenId": person.api_token_id}, person.bearer)


MUTATIONS = (
    Mutation(
        "login with a new device",
        member,
        login,
        {"sessions": 2, "recent sign-ins": 2, "mails": ["new_sign_in"]},
        # The mail comes first, so that there is no session without it.
        between=({"mails": ["new_sign_in"]},),
    ),
    Mutation("refreshSession", member, refresh, {"refreshed": 1}, finish=stay_signed_in),
    Mutation(
        "logout",
        member,
        logout,
        {"sessions": 0, "recent sign-ins": 0, "works": []},
        refusals=frozenset({"UNAUTHENTICATED"}),
    ),
    Mutation(
        "revokeOtherSessions",
        owner,
        revoke_others,
        {"sessions": 1, "recent sign-ins": 1, "works": ["first session", "API token"]},
    ),
    Mutation("reauthenticate", signed_in_long_ago, reauthenticate, {"recent sign-ins": 1}, finish=change_credentials),
    Mutation(
        "createApiToken", owner, create_token, {"API tokens": 2, "mails": ["api_token_created"]}, finish=use_the_token
    ),
    Mutation(
        "revokeApiToken",
        owner,
        revoke_token,
        {"API tokens": 0, "works": ["first session", "other session"]},
        refusals=frozenset({"NOT_FOUND"}),
    ),
)
