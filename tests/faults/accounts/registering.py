"""The mutations of a registration."""

from services.accounts.registration import invitations
from services.accounts.registration.invitations import InvitationTerms
from storage.accounts.models import Account, Registration
from tests.faults.accounts.documents import RESEND
from tests.faults.accounts.mutation import Mutation, newcomer, signs_in
from tests.faults.accounts.people import CODE, AccountServer, Person
from tests.support.server import PASSWORD, Json

#: What `verifyOtp` says of a code that was used.
USED = frozenset({"INVALID_OTP"})
REGISTERED = {"account": True, "registrations": 0, "administrator": False, "address": "first", "password": "first"}
NOTHING_ELSE = {"API tokens": 0, "resets": 0, "changes": 0, "reserved": 0, "mails": [], "refreshed": 0}
ACCOUNT = {**REGISTERED, **NOTHING_ELSE, "quota": 0, "sessions": 1, "recent sign-ins": 1}
NO_SESSION = {"sessions": 0, "recent sign-ins": 0}


async def register(person: Person) -> Json:
    return await person.register()


async def complete(person: Person) -> None:
    """The newest registration and its code open the account."""
    assert (await person.verify())["session"]
    await signs_in(person)


async def registered(server: AccountServer) -> Person:
    """Somebody whose registration waits for its code."""
    person = await newcomer(server)
    assert not (await person.register())["userErrors"]
    return person


async def resend(person: Person) -> Json:
    known = len(person.server.mails_to(person.email))
    payload = await person.server.call(RESEND, {"registrationId": person.pending})
    if payload.get("registration"):
        person.code = await person.mailed(person.email, CODE, known=known)
    return payload


async def invited(server: AccountServer) -> Person:
    """Somebody and a rival, whose registrations have the same invitation."""
    invitation, token = await invitations.create(InvitationTerms(quota=1_000_000))
    person, rival = await newcomer(server), await newcomer(server)
    for each in (person, rival):
        assert not (await each.register(invitation=token))["userErrors"]
    person.noted["invitation"], person.rival = invitation.id, rival
    return person


async def verify(person: Person) -> Json:
    return await person.verify()


async def keep_the_invitation(person: Person) -> None:
    """The owner gets in, and the rival gets nothing."""
    assert person.rival
    (error,) = (await person.rival.verify())["userErrors"]
    assert error["code"] == "INVITATION_INVALID"
    await signs_in(person)


async def first(server: AccountServer) -> Person:
    """Somebody and a rival who register at a server without any account."""
    await Account.all().delete()
    await Registration.all().delete()
    person = await registered(server)
    person.rival = await registered(server)
    return person


async def stay_the_only_administrator(person: Person) -> None:
    """The rival gets an account, but does not become an administrator."""
    assert person.rival
    session = (await person.rival.verify())["session"]
    assert not session["account"]["isAdmin"]
    assert [account.user_id for account in await Account.filter(is_admin=True)] == [person.user_id]
    assert await person.opens(person.user_id, PASSWORD)


MUTATIONS = (
    Mutation("register", newcomer, register, {"registrations": 1, "new codes": 1}, finish=complete, mails=True),
    Mutation("resendOtp", registered, resend, {"new codes": 1}, finish=complete, mails=True),
    # The code is used up with the account. Without a session, the password opens one.
    Mutation(
        "verifyOtp with an invitation",
        invited,
        verify,
        {**ACCOUNT, "invitation": "used", "quota": 1},
        between=({**ACCOUNT, "invitation": "used", "quota": 1, **NO_SESSION},),
        refusals=USED,
        finish=keep_the_invitation,
    ),
    Mutation(
        "verifyOtp of the first account",
        first,
        verify,
        {**ACCOUNT, "administrator": True},
        between=({**ACCOUNT, "administrator": True, **NO_SESSION},),
        refusals=USED,
        finish=stay_the_only_administrator,
    ),
)
