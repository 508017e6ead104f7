"""The errors of asyncpg, translated into Tortoise's and ours."""

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
#: Those after which the connection is gone, or of no more use.
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
    """Raise Tortoise's errors and ours in place of asyncpg's. No message has a password."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as error:
        raise IntegrityError(error) from error
    except asyncpg.DiskFullError as error:
        raise NoSpace("the database has no room to grow") from error
    except _ABORTED as error:
        raise TransactionAborted(in_one_line(error)) from error
    except _UNAVAILABLE as error:
        # asyncpg's own DataError, a value that a column cannot hold, is one of these as well; and a certificate that is
        # not trusted is a ValueError for Python.
        if isinstance(error, ValueError) and not isinstance(error, ssl.SSLError):
            raise OperationalError(error) from error
        lost = isinstance(error, _CONNECTION_LOST) and not isinstance(error, TimeoutError)
        raise (ConnectionLost if lost else DatabaseUnavailable)(in_one_line(error)) from error
    except asyncpg.PostgresError as error:
        raise OperationalError(error) from error


def may_recover(cause: BaseException | None) -> bool:
    """Whether a server that fails like this may accept connections a little later."""
    # The second is asyncpg's error for a server without TLS.
    if isinstance(cause, ssl.SSLError) or type(cause) is ConnectionError:
        return False
    return isinstance(cause, (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError))
