"""Sessions below the API: expiry, rotated keys, wrong clocks and races."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from cloudkeep.resources import clock_file
from cloudkeep.resources.clock_sync import synchronized_clock
from services.accounts.errors import InvalidCredentials, Unauthenticated
from services.accounts.sessions.sessions import REPEATABLE
from storage.accounts.models import Session
from tests.services.accounts.conftest import NEW, OLD, AccountServices, World
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.clock import Clocks


async def test_a_session_that_was_not_used_for_too_long_is_over(world: World, sink: SmtpSink) -> None:
    session = await world.accounts(session=-1).join(sink)
    with pytest.raises(InvalidCredentials):
        await world.accounts().sessions.refresh(session.refresh_token)


@pytest.fixture
def later(clocks: Clocks) -> Callable[[timedelta], None]:
    """Advance the time."""
    return lambda by: setattr(clocks, "passed", by)


@pytest.mark.parametrize("days", [8, -8])
async def test_sessions_live_as_long_on_a_host_with_a_wrong_clock(
    tmp_path: Path, world: World, sink: SmtpSink, clocks: Clocks, days: int
) -> None:
    accounts = world.accounts()
    token = (await accounts.join(sink)).refresh_token
    clocks.host = timedelta(days=days)
    async with synchronized_clock(tmp_path / clock_file.NAME):
        session = await accounts.sessions.refresh(token)
        assert (await accounts.authentication.by_bearer_token(session.access_token)).account_id == session.account.id
        clocks.host = timedelta(0)
        assert not await is_over(accounts, session.refresh_token)
        assert await accounts.sessions.find(session.session.id)
        clocks.passed = timedelta(seconds=3_700)
        assert await accounts.sessions.find(session.session.id) is None


@pytest.mark.parametrize("minutes", [7, -7])
async def test_access_tokens_are_valid_on_a_host_that_is_minutes_off(
    tmp_path: Path, world: World, sink: SmtpSink, clocks: Clocks, minutes: int
) -> None:
    clocks.host = timedelta(minutes=minutes)
    async with synchronized_clock(tmp_path / clock_file.NAME):
        wrong = await world.accounts().join(sink)
        clocks.host = timedelta(0)
        right = await world.accounts().sessions.refresh(wrong.refresh_token)
        authentication = world.accounts().authentication
        assert (await authentication.by_bearer_token(wrong.access_token)).account_id == wrong.account.id
        clocks.host = timedelta(minutes=minutes)
        assert (await authentication.by_bearer_token(right.access_token)).account_id == right.account.id
        clocks.passed = timedelta(minutes=16)
        with pytest.raises(Unauthenticated):
            await authentication.by_bearer_token(right.access_token)


async def is_over(accounts: AccountServices, token: str) -> bool:
    try:
        await accounts.sessions.refresh(token)
    except InvalidCredentials:
        return True
    return False


async def test_simultaneous_refreshes_keep_the_session_and_give_one_successor(world: World, sink: SmtpSink) -> None:
    """Also while one process after another gets a new lifetime for sessions."""
    before, after = world.accounts(), world.accounts(session=7_200)
    token = (await before.join(sink)).refresh_token
    found = await asyncio.gather(*(accounts.sessions.refresh(token) for accounts in (before, after) * 4))
    (fresh,) = {session.refresh_token for session in found}
    assert fresh != token
    assert await Session.all().count() == 1
    assert not await is_over(before, fresh)


async def test_a_refresh_whose_answer_was_lost_can_be_made_again_and_the_session_continues(
    world: World, sink: SmtpSink, later: Callable[[timedelta], None]
) -> None:
    accounts = world.accounts()
    token = (await accounts.join(sink)).refresh_token
    lost = await accounts.sessions.refresh(token)
    later(REPEATABLE - timedelta(seconds=5))
    found = await accounts.sessions.refresh(token)
    assert found.refresh_token == lost.refresh_token
    assert not await is_over(accounts, found.refresh_token)


@pytest.mark.parametrize("lifetime", [60, 90 * 24 * 3_600])
async def test_a_refresh_is_made_again_after_a_change_of_the_lifetime_of_sessions(
    world: World, sink: SmtpSink, lifetime: int
) -> None:
    token = (await world.accounts().join(sink)).refresh_token
    lost = await world.accounts().sessions.refresh(token)
    assert (await world.accounts(session=lifetime).sessions.refresh(token)).refresh_token == lost.refresh_token


async def test_a_change_of_the_lifetime_of_sessions_does_not_let_an_old_refresh_be_made_again(
    world: World, sink: SmtpSink, later: Callable[[timedelta], None]
) -> None:
    token = (await world.accounts(session=3_600).join(sink)).refresh_token
    await world.accounts(session=3_600).sessions.refresh(token)
    later(timedelta(seconds=1_800))
    assert await is_over(world.accounts(session=1_800), token)


async def test_a_refresh_is_made_again_after_a_change_of_keys(world: World, sink: SmtpSink) -> None:
    token = (await world.accounts(OLD).join(sink)).refresh_token
    lost = await world.accounts(OLD).sessions.refresh(token)
    assert (await world.accounts(NEW, OLD).sessions.refresh(token)).refresh_token == lost.refresh_token


async def test_a_refresh_token_that_is_used_again_later_closes_its_session(
    world: World, sink: SmtpSink, later: Callable[[timedelta], None]
) -> None:
    accounts = world.accounts()
    token = (await accounts.join(sink)).refresh_token
    fresh = await accounts.sessions.refresh(token)
    later(REPEATABLE + timedelta(seconds=5))
    assert await is_over(accounts, token)
    assert await is_over(accounts, fresh.refresh_token)


async def test_to_refresh_again_does_not_prolong_the_time_in_which_that_can_be_done(
    world: World, sink: SmtpSink, later: Callable[[timedelta], None]
) -> None:
    accounts = world.accounts()
    token = (await accounts.join(sink)).refresh_token
    await accounts.sessions.refresh(token)
    later(REPEATABLE - timedelta(seconds=5))
    await accounts.sessions.refresh(token)
    later(REPEATABLE + timedelta(seconds=5))
    assert await is_over(accounts, token)


async def test_a_refresh_token_whose_successor_was_used_closes_its_session_at_once(
    world: World, sink: SmtpSink
) -> None:
    accounts = world.accounts()
    first = (await accounts.join(sink)).refresh_token
    second = (await accounts.sessions.refresh(first)).refresh_token
    newest = (await accounts.sessions.refresh(second)).refresh_token
    assert await is_over(accounts, first)
    assert await is_over(accounts, newest)


async def test_what_was_never_a_refresh_token_of_a_session_is_not_given_one(world: World, sink: SmtpSink) -> None:
    accounts = world.accounts()
    token = (await accounts.join(sink)).refresh_token
    await accounts.sessions.refresh(token)
    assert await is_over(accounts, f"{token}x")


async def test_garbage_is_no_refresh_token(world: World) -> None:
    for garbage in ("", ".", "x.y", "\0", "\ud800", "00000000-0000-0000-0000-000000000000.x", "." * 99):
        with pytest.raises(InvalidCredentials):
            await world.accounts().sessions.refresh(garbage)


async def test_one_session_too_many_signs_out_the_device_that_was_idle_for_longest(
    world: World, sink: SmtpSink
) -> None:
    accounts = world.accounts(sessions=2)
    first = await accounts.join(sink)
    second = await accounts.login()
    first = await accounts.sessions.refresh(first.refresh_token)
    third = await accounts.login()
    with pytest.raises(InvalidCredentials):
        await accounts.sessions.refresh(second.refresh_token)
    for session in (first, third):
        assert (await accounts.sessions.refresh(session.refresh_token)).account.user_id == "ada"
