"""PostgreSQL behind TLS, as at hosting providers: the URL decides how its certificate is checked."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from storage.database.connection import close_database, fetch, migrate, open_database
from storage.errors import DatabaseUnavailable
from tests.storage.rows import new_account
from tests.support.backends.certificates import Certificates, make_certificates
from tests.support.faults.tcp_tunnel import TcpTunnel, postgres_tls_tunnel

pytestmark = pytest.mark.postgres


@pytest.fixture
async def tunnel(database_url: str, certificates: Certificates) -> AsyncIterator[TcpTunnel]:
    """A database behind TLS, by a certificate for 127.0.0.1."""
    async with postgres_tls_tunnel(database_url, certificates.server) as secure:
        yield secure


@pytest.fixture
def trusting(certificates: Certificates) -> str:
    """The option that names the authority."""
    return f"sslrootcert={quote(str(certificates.authority))}"


@pytest.mark.parametrize("mode", ["verify-full", "verify-ca", "require", "prefer"])
async def test_it_is_used_behind_tls(tunnel: TcpTunnel, trusting: str, mode: str) -> None:
    await open_database(f"{tunnel.url}?sslmode={mode}&{trusting}")
    await new_account()
    assert await fetch("SELECT COUNT(*) FROM account") == [(1,)]
    await close_database()


async def test_without_a_mode_tls_is_used_with_any_certificate(tunnel: TcpTunnel) -> None:
    await open_database(tunnel.url)
    await new_account()
    await close_database()


@pytest.fixture
def at_once(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Settings with which a start does not wait for a server."""
    yield
    assert "waiting" not in caplog.text


async def test_a_server_of_another_authority_is_refused_at_once(
    tunnel: TcpTunnel, tmp_path: Path, at_once: None
) -> None:
    (tmp_path / "other").mkdir()
    other = make_certificates(tmp_path / "other")
    with pytest.raises(DatabaseUnavailable, match="certificate verify failed"):
        await migrate(f"{tunnel.url}?sslmode=verify-ca&sslrootcert={quote(str(other.authority))}")


async def test_a_server_of_another_name_is_refused_at_once(tunnel: TcpTunnel, trusting: str, at_once: None) -> None:
    with pytest.raises(DatabaseUnavailable, match="Hostname mismatch"):
        await migrate(f"{tunnel.url.replace('127.0.0.1', 'localhost')}?sslmode=verify-full&{trusting}")


async def test_a_server_without_tls_is_refused_at_once_where_it_is_asked_for(database_url: str, at_once: None) -> None:
    with pytest.raises(DatabaseUnavailable, match="rejected SSL upgrade"):
        await migrate(database_url.replace("sslmode=disable", "sslmode=require"))
