"""The last use of a session is stored at most once a minute, with where it came from."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from services.accounts.sessions import session_use
from services.accounts.sessions.session_use import SessionUse
from services.accounts.sessions.sessions import Client
from storage.accounts.models import Session
from storage.accounts.sessions import Use, insert, record_uses
from storage.errors import DatabaseUnavailable
from tests.storage.rows import LATER, NOW, new_account, session_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("database")
MINUTE = timedelta(minutes=1)


async def new_session(used_at: datetime | None = None) -> Session:
    row = session_of(await new_account(), LATER)
    row.last_used_at = used_at
    await insert(row)
    return row


async def stored(session: Session) -> tuple[datetime | None, str | None, str | None]:
    found = await Session.get(id=session.id)
    return found.last_used_at, found.address, found.user_agent


async def test_uses_are_stored_in_the_background_with_the_newest_client() -> None:
    use, session = SessionUse(timedelta(seconds=0.01)), await new_session()
    use.record(session.id, Client("192.0.2.1", "curl"))
    use.record(session.id, Client("192.0.2.2", "x" * 999))
    use.record(uuid4(), Client("192.0.2.3"))
    await use.start()

    async def look() -> bool:
        return (await stored(session))[1] is not None

    await eventually(look)
    await use.close()
    assert (await stored(session))[1:] == ("192.0.2.2", "x" * 255)


async def test_the_last_uses_are_stored_when_the_process_ends() -> None:
    use, session = SessionUse(), await new_session()
    await use.start()
    use.record(session.id, Client("192.0.2.1", None))
    await use.close()
    assert (await stored(session))[1:] == ("192.0.2.1", None)


async def test_a_session_is_written_once_a_minute_by_all_processes_together() -> None:
    session = await new_session(NOW)
    await record_uses([Use(session.id, NOW + timedelta(seconds=59), "192.0.2.1", None)], MINUTE)
    assert await stored(session) == (NOW, None, None)
    moment = NOW + timedelta(seconds=61)
    await record_uses([Use(session.id, moment, "192.0.2.1", "curl")], MINUTE)
    assert await stored(session) == (moment, "192.0.2.1", "curl")


async def test_the_uses_of_too_many_sessions_are_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_use, "MOST", 1)
    use, known, other = SessionUse(), await new_session(), await new_session()
    for session in (known, other, known):
        use.record(session.id, Client("192.0.2.1"))
    await use.close()
    assert (await stored(known))[1] == "192.0.2.1"
    assert (await stored(other))[1] is None


async def test_a_database_that_is_away_does_not_end_the_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise DatabaseUnavailable("away")

    use, session = SessionUse(), await new_session()
    use.record(session.id, Client("192.0.2.1"))
    with monkeypatch.context() as patch:
        patch.setattr(session_use, "record_uses", fail)
        await use.close()
    use.record(session.id, Client("192.0.2.2"))
    await use.close()
    assert (await stored(session))[1] == "192.0.2.2"
