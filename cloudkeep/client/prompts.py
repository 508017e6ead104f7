"""Questions on standard error, answers from standard input. A password is not echoed."""

import sys
from getpass import getpass

from cloudkeep.client.errors import UsageError

#: Characters. The server accepts no longer answers.
MAX_LINE = 4096


def ask(question: str) -> str:
    """Ask for a line. Raises KeyboardInterrupt at the end of the input."""
    sys.stderr.write(f"{question}: ")
    sys.stderr.flush()
    line = sys.stdin.readline(MAX_LINE)
    if not line:
        raise KeyboardInterrupt
    return line.strip()


def ask_password(question: str = "Password") -> str:
    """Ask for a password in the terminal. Raises KeyboardInterrupt at the end of the input."""
    try:
        return getpass(f"{question}: ")
    except EOFError:
        raise KeyboardInterrupt from None


def ask_new_password() -> str:
    """Ask twice until both answers are the same."""
    while True:
        password = ask_password()
        if password == ask_password("Password again"):
            return password
        sys.stderr.write("The two passwords are not the same. Please try again.\n")


def password_of_stdin() -> str:
    """The first line of standard input. Raises :class:`UsageError` if it is empty."""
    line = sys.stdin.readline(MAX_LINE).rstrip("\r\n")
    if not line:
        raise UsageError("--password-stdin: there is no password on standard input")
    return line


def require_terminal(instead: str) -> None:
    """Raise :class:`UsageError` unless someone can answer. ``instead`` says what to do without a terminal."""
    if not sys.stdin.isatty():
        raise UsageError(f"this is not a terminal: {instead}")
