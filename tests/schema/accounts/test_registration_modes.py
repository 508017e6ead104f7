"""Who may register on an open, an inviting and a closed server."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

import pytest

from cloudkeep.settings.settings import Settings
from services.accounts.registration import invitations
from services.accounts.registration.invitations import InvitationTerms
from services.accounts.types import RegistrationMode
from tests.schema.accounts.applicant import EMAIL, Applicant, error_of
from tests.storage.rows import new_account
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.server import Api, http_client, listening_socket, serve

OPEN, INVITE, CLOSED = RegistrationMode
ANY = InvitationTerms()
Serving = Callable[[RegistrationMode], AbstractAsyncContextManager[Applicant]]


@pytest.fixture
def serving(settings: Settings, sink: SmtpSink) -> Serving:
    """Serve in a mode, on the database of the test."""

    @asynccontextmanager
    async def serve_mode(mode: RegistrationMode) -> AsyncIterator[Applicant]:
        with listening_socket() as listener:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            changed = settings.model_copy(update={"public_url": address, "registration": mode})
            async with serve(changed, listener) as url, http_client(url) as http:
                shown = await Api(http).data("{ server { registration } }")
                assert shown == {"registration": mode.name}
                yield Applicant(http, sink)

    return serve_mode


async def invite(terms: InvitationTerms = ANY) -> str:
    """The token of a new invitation."""
    _, token = await invitations.create(terms)
    return token


async def test_a_server_that_invites_takes_an_invitation_and_nothing_else(serving: Serving) -> None:
    async with serving(INVITE) as applicant:
        assert error_of(await applicant.register("ada")) == "INVITATION_REQUIRED"
        assert error_of(await applicant.register("ada", invitation="cki_typed")) == "INVITATION_INVALID"
        assert (await applicant.join("ada", invitation=await invite()))["userId"] == "ada"


async def test_an_invitation_is_good_for_one_account(serving: Serving) -> None:
    async with serving(INVITE) as applicant:
        token = await invite()
        rival = await applicant.begin("bob", "bob@example.org", invitation=token)
        await applicant.join("ada", invitation=token)
        assert error_of(await applicant.verify(*rival)) == "INVITATION_INVALID"
        assert error_of(await applicant.register("eve", invitation=token)) == "INVITATION_INVALID"


async def test_an_invitation_for_an_address_is_refused_for_another(serving: Serving) -> None:
    async with serving(INVITE) as applicant:
        token = await invite(InvitationTerms(EMAIL))
        assert error_of(await applicant.register("eve", "eve@example.org", invitation=token)) == "INVITATION_INVALID"
        assert (await applicant.join("ada", EMAIL, invitation=token))["email"] == EMAIL


async def test_an_invitation_that_has_expired_is_refused(serving: Serving) -> None:
    async with serving(INVITE) as applicant:
        token = await invite(InvitationTerms(lifetime=timedelta(seconds=-1)))
        assert error_of(await applicant.register("ada", invitation=token)) == "INVITATION_INVALID"


async def test_an_invitation_that_was_deleted_does_not_complete_a_registration(serving: Serving) -> None:
    async with serving(INVITE) as applicant:
        row, token = await invitations.create(InvitationTerms())
        begun = await applicant.begin("ada", invitation=token)
        assert await invitations.delete(row.id)
        assert error_of(await applicant.verify(*begun)) == "INVITATION_INVALID"


async def test_an_invitation_gives_its_quota_and_makes_an_administrator_also_on_an_open_server(
    serving: Serving,
) -> None:
    async with serving(OPEN) as applicant:
        await new_account("bob")
        terms = InvitationTerms(makes_admin=True, quota=2**40)
        account = await applicant.join("ada", invitation=await invite(terms))
        assert (account["isAdmin"], account["storage"]["quota"]) == (True, 2**40)


async def test_a_closed_server_refuses_also_invitations(serving: Serving) -> None:
    async with serving(CLOSED) as applicant:
        await new_account("bob")
        for invitation in (None, await invite()):
            assert error_of(await applicant.register("ada", invitation=invitation)) == "REGISTRATION_CLOSED"


async def test_the_first_account_of_a_closed_server_needs_an_invitation(serving: Serving) -> None:
    async with serving(CLOSED) as applicant:
        assert error_of(await applicant.register("eve")) == "INVITATION_REQUIRED"
        assert (await applicant.join("ada", invitation=await invite()))["isAdmin"]
        assert error_of(await applicant.register("eve", invitation=await invite())) == "REGISTRATION_CLOSED"


async def test_a_registration_that_began_on_an_open_server_is_not_completed_on_a_closed_one(serving: Serving) -> None:
    async with serving(OPEN) as applicant:
        await new_account("bob")
        begun = await applicant.begin("ada")
    async with serving(CLOSED) as applicant:
        assert error_of(await applicant.verify(*begun)) == "REGISTRATION_CLOSED"
        assert error_of(await applicant.resend(begun[0])) == "REGISTRATION_CLOSED"
    async with serving(INVITE) as applicant:
        assert error_of(await applicant.resend(begun[0])) == "INVITATION_REQUIRED"
