"""Child processes: one does not outlive its parent, does not block it while it starts, and how it ended in words."""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

#: For a child to execute its program after the fork. That takes milliseconds.
EXEC_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1


def dies_with_parent() -> Callable[[], None]:
    """Return a ``preexec_fn`` that makes Linux send SIGKILL to the child when its parent ends in any way.

    Call this in the parent: libc is loaded here, so that only two system calls run between fork and exec. Linux watches
    the *thread* that forks, so start the child from a thread that lives as long as the process, such as the event
    loop's. On other systems the function does nothing.
    """
    if sys.platform != "linux":
        return _do_nothing
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have ended between fork and prctl: then there will be no signal.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return bind


@contextmanager
def killed_before_exec(prepare: Callable[[], None], seconds: float = EXEC_SECONDS) -> Iterator[Callable[[], None]]:
    """Start one child within the block, with the ``preexec_fn`` that this yields; it calls ``prepare``.

    A process that forks is blocked until the child executes its program. The child may hang before that: on a file
    server that does not respond, or on a lock that another thread held at the fork. A thread kills such a child after
    ``seconds``. It then counts as started, and its exit code shows that it was killed.
    """
    read_end, write_end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def report_and_prepare() -> None:
        os.write(write_end, str(os.getpid()).encode())
        prepare()

    timer = threading.Timer(seconds, _kill_reported, (read_end,))
    timer.daemon = True
    timer.start()
    try:
        yield report_and_prepare
    finally:
        timer.cancel()
        timer.join()
        os.close(read_end)
        os.close(write_end)


def _kill_reported(pipe: int) -> None:
    with suppress(BlockingIOError, ProcessLookupError):
        os.kill(int(os.read(pipe, 32)), signal.SIGKILL)


def signal_name(number: int) -> str:
    """The name of a signal, such as ``SIGKILL``. Python knows no names of real-time signals but the first and last."""
    with suppress(ValueError):
        return signal.Signals(number).name
    if signal.SIGRTMIN < number < signal.SIGRTMAX:
        return f"SIGRTMIN+{number - signal.SIGRTMIN}"
    return f"signal {number}"


def describe_end(exit_code: int) -> str:
    """The end of a sentence that begins with the process's name: how it ended. The code is negative for a signal."""
    if exit_code < 0:
        return f"was ended by {signal_name(-exit_code)}"
    return f"ended with exit code {exit_code}"


def _do_nothing() -> None:
    """Used where the system has no such signal."""
