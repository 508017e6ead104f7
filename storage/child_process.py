"""Child processes that do not outlive their parent."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1


def dies_with_parent() -> Callable[[], None]:
    """Return a ``preexec_fn`` that has Linux send SIGKILL to the child when its parent ends, however it ends.

    Call this in the parent: libc is loaded here, so that nothing but two system calls runs between fork and exec. Linux
    watches the *thread* that forks, so start the child from a thread that lives as long as the process does, as the
    event loop's does. On other systems the function does nothing.
    """
    if sys.platform != "linux":
        return _do_nothing
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have ended between fork and prctl: then no signal will come.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return bind


def _do_nothing() -> None:
    """Used where the system has no such signal."""
