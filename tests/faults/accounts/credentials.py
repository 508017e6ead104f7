"""The mutations of passwords and addresses."""

from tests.faults.accounts.documents import (
    CHANGE_PASSWORD,
    CONFIRM_CHANGE,
    REQUEST_CHANGE,
    REQUEST_RESET,
    RESET,
    UNDO_CHANGE,
)
from tests.faults.accounts.mutation import Mutation, owner
from tests.faults.accounts.people import CODE, NEW_PASSWORD, TOKEN, AccountServer, Person
from tests.support.server import PASSWORD, Json
from tests.support.waiting import eventually

EVERYTHING_ENDS = {"sessions": 0, "recent sign-ins": 0, "API tokens": 0, "works": []}


async def request_reset(person: Person) -> Json:
    """Request a reset, and wait for its mail, which is sent after the answer, or for the strike."""
    server, known = person.server, len(person.server.codes_to(person.email))
    payload = await server.call(REQUEST_RESET, {"email": person.email})

    async def done() -> bool:
        return server.arming.has_struck or len(server.codes_to(person.email)) > known

    await eventually(done)
    return payload


async def get_reset_code(person: Person) -> None:
    """Request a reset, and keep its code."""
    known = len(person.server.mails_to(person.email))
    payload = await person.server.succeed(REQUEST_RESET, {"email": person.email})
    person.pending, person.code = payload["reset"]["id"], await person.mailed(person.email, CODE, known=known)


async def waiting_for_reset(server: AccountServer) -> Person:
    """The owner of an account who has got the code for a new password."""
    person = await owner(server)
    await get_reset_code(person)
    return person


async def reset(person: Person) -> Json:
    given = {"resetId": person.pending, "otp": person.code, "newPassword": NEW_PASSWORD}
    return await person.server.call(RESET, given)


async def has_the_new_password(person: Person) -> None:
    """The new password opens the account, and the old one does not."""
    assert await person.opens(person.user_id, NEW_PASSWORD)
    assert not await person.opens(person.user_id, PASSWORD)


async def recover(person: Person) -> None:
    """Reset the password by the code of a new request."""
    await get_reset_code(person)
    assert not (await reset(person))["userErrors"]
    await has_the_new_password(person)


async def change_password(person: Person) -> Json:
    given = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    return await person.server.call(CHANGE_PASSWORD, given, person.bearer)


async def request_change(person: Person) -> Json:
    known = len(person.server.mails_to(person.new_email))
    payload = await person.server.call(REQUEST_CHANGE, {"newEmail": person.new_email}, person.bearer)
    if payload.get("emailChange"):
        person.pending = payload["emailChange"]["id"]
        person.code = await person.mailed(person.new_email, CODE, known=known)
    return payload


async def confirm_by_the_newest_code(person: Person) -> None:
    """The code of the repetition changes the address."""
    assert (await confirm(person))["account"]["email"] == person.new_email
    assert await person.opens(person.new_email, PASSWORD)


async def waiting_for_change(server: AccountServer) -> Person:
    """The owner of an account who has got the code for a new address."""
    person = await owner(server)
    assert not (await request_change(person))["userErrors"]
    return person


async def confirm(person: Person) -> Json:
    given = {"emailChangeId": person.pending, "otp": person.code}
    return await person.server.call(CONFIRM_CHANGE, given, person.bearer)


async def can_undo(person: Person) -> None:
    """The new address opens the account, the old one does not, and its mail undoes the change."""
    assert await person.opens(person.new_email, PASSWORD)
    assert not await person.opens(person.email, PASSWORD)
    await keep_token(person)
    assert (await undo(person))["email"] == person.email


async def keep_token(person: Person) -> None:
    """Keep the token of the mail to the old address."""
    person.noted["token"] = await person.mailed(person.email, TOKEN, "was changed")


async def changed(server: AccountServer) -> Person:
    """The owner of an account with a new address, and the token that undoes the change."""
    person = await waiting_for_change(server)
    assert not (await confirm(person))["userErrors"]
    await keep_token(person)
    return person


async def undo(person: Person) -> Json:
    return await person.server.call(UNDO_CHANGE, {"token": person.noted["token"]})


async def recover_by_the_old_address(person: Person) -> None:
    """No password opens the account until the old address resets it."""
    assert not await person.opens(person.user_id, PASSWORD)
    await recover(person)


MUTATIONS = (
    Mutation("requestPasswordReset", owner, request_reset, {"resets": 1}, finish=recover, mails=True),
    Mutation(
        "resetPassword",
        waiting_for_reset,
        reset,
        {"password": "new", "resets": 0, "mails": ["password_changed"], **EVERYTHING_ENDS},
        refusals=frozenset({"INVALID_OTP"}),
        finish=has_the_new_password,
    ),
    Mutation(
        "changePassword",
        waiting_for_reset,
        change_password,
        {
            "password": "new",
            "resets": 0,
            "mails": ["password_changed"],
            "sessions": 1,
            "recent sign-ins": 1,
            "works": ["first session", "API token"],
        },
        refusals=frozenset({"INVALID_CREDENTIALS"}),
        finish=has_the_new_password,
    ),
    Mutation(
        "requestEmailChange", owner, request_change, {"changes": 1}, finish=confirm_by_the_newest_code, mails=True
    ),
    Mutation(
        "confirmEmailChange",
        waiting_for_change,
        confirm,
        {"address": "new", "changes": 0, "reserved": 1, "mails": ["email_changed"]},
        refusals=frozenset({"INVALID_OTP"}),
        finish=can_undo,
    ),
    Mutation(
        "undoEmailChange",
        changed,
        undo,
        {"address": "first", "reserved": 0, "password": "new", "mails": ["password_changed"], **EVERYTHING_ENDS},
        refusals=frozenset({"INVALID_CREDENTIALS"}),
        finish=recover_by_the_old_address,
    ),
)
