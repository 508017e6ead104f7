"""Translates the errors of asyncpg into those of Tortoise and of storage."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from tortoise.exceptions import IntegrityError, OperationalError

from storage.errors import ConnectionLost, DatabaseUnavailable, NoSpace, TransactionAborted, in_one_line

#: The server is away or starting, or refuses connections for now.
_UNAVAILABLE = (
    OSError,
    TimeoutError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
#: Errors after which the connection is lost or unusable.
_CONNECTION_LOST = (
    OSError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,
)
_ABORTED = (asyncpg.TransactionRollbackError, asyncpg.InvalidCachedStatementError)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise the errors of Tortoise and of storage instead of asyncpg's. No message has a password."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(error) from error
    except asyncpg.DiskFullError as error:
        raise NoSpace("the database has no room to grow") from error
    except _ABORTED as error:
        raise TransactionAborted(in_one_line(error)) from error
    except _UNAVAILABLE as error:
        # These include asyncpg's own DataError, for a value that a column cannot hold; and Python raises a ValueError
        # for an untrusted certificate.
        if isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
            raise OperationalError(error) from error
        is_lost = isinstance(error, _CONNECTION_LOST) and not isinstance(error, TimeoutError)
        raise (ConnectionLost if is_lost else DatabaseUnavailable)(in_one_line(error)) from error
    except asyncpg.PostgresError as error:
        raise OperationalError(error) from error


def may_recover(cause: BaseException | None) -> bool:
    """Whether the server may accept connections a little later, after this error."""
    # The second is asyncpg's error for a server without TLS.
    if isinstance(cause, ssl.SSLError) or type(cause) is ConnectionError:
        return False
    return isinstance(cause, (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError))
