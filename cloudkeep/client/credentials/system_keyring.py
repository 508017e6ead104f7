"""The keyring of the desktop, such as GNOME Keyring, KWallet or the macOS Keychain, by the library ``keyring``.

The library is an optional extra, and its backends talk to other programs. So each call runs in a thread with a timeout,
and any failure means that there is no keyring.
"""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "cloudkeep"
#: Seconds. A person may have to unlock the keyring in a dialog.
TIMEOUT = 30.0
#: The library recommends only backends of at least this priority. Those below store nothing or plain text.
MIN_PRIORITY = 1


class KeyringUnavailable(Exception):
    """There is no keyring, or it does not work. The message says why, without secrets."""


class SystemKeyring:
    """Secrets by name. After a failure, later calls fail at once. Every method raises :class:`KeyringUnavailable`."""

    def __init__(self, timeout: float = TIMEOUT) -> None:
        """``timeout`` is that of one call, in seconds."""
        self._timeout = timeout
        self._failure: str | None = None

    def get(self, name: str) -> str | None:
        """The secret with this name, if there is one."""
        return self._call(lambda backend: backend.get_password(SERVICE, name))

    def set(self, name: str, secret: str) -> None:
        """Store a secret in place of an older one."""

        def work(backend: "KeyringBackend") -> str | None:
            backend.set_password(SERVICE, name, secret)
            return backend.get_password(SERVICE, name)

        if self._call(work) != secret:
            raise self._failed("does not return what was stored in it")

    def _call(self, work: Callable[["KeyringBackend"], T]) -> T:
        if self._failure:
            raise KeyringUnavailable(self._failure)
        result: Future[T] = Future()
        # A daemon thread, so that a backend that hangs does not keep the process from ending.
        Thread(target=_run, args=(work, result), daemon=True).start()
        try:
            return result.result(self._timeout)
        except TimeoutError:
            raise self._failed(f"does not answer within {self._timeout:g} seconds") from None
        except ImportError:
            raise self._failed("is not used without the package cloudkeep[keyring]") from None
        except KeyringUnavailable as error:
            raise self._failed(str(error)) from None
        except Exception as error:
            # Without the message, which could have the secret.
            raise self._failed(f"fails ({type(error).__name__})") from None

    def _failed(self, reason: str) -> KeyringUnavailable:
        self._failure = f"the system keyring {reason}"
        return KeyringUnavailable(self._failure)


def _run(work: Callable[["KeyringBackend"], T], result: "Future[T]") -> None:
    try:
        result.set_result(work(_backend()))
    except BaseException as error:
        result.set_exception(error)


def _backend() -> "KeyringBackend":
    import keyring

    backend = keyring.get_keyring()
    if backend.priority < MIN_PRIORITY:
        raise KeyringUnavailable("was not found")
    return backend
