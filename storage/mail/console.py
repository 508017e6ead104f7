"""Mail for a machine without a mail server: printed to the standard output of the server."""

import asyncio
import re
import sys

from storage.mail.base import Mail, MailError

# All control characters except newline and tab.
_TERMINAL_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class ConsoleMailer:
    """Prints every mail to standard output, one UTF-8 block each. ``timeout``: seconds to wait for a stuck terminal."""

    def __init__(self, *, timeout: float = 10.0) -> None:
        self._timeout = timeout

    async def send(self, mail: Mail) -> None:
        """Print the mail. Raises MailError when standard output is closed, full or stuck."""
        block = _render(mail)
        try:
            async with asyncio.timeout(self._timeout):
                await asyncio.to_thread(_print_block, block)
        except TimeoutError:
            raise MailError("standard output accepts no more text") from None
        except (OSError, ValueError) as error:
            raise MailError(f"standard output cannot be written: {error}") from None

    async def close(self) -> None:
        """Does nothing: nothing is open."""


def _render(mail: Mail) -> bytes:
    text = _TERMINAL_CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", mail.text).removesuffix("\n")
    return f"--- mail to {mail.to} ---\nSubject: {mail.subject}\n\n{text}\n--- end of mail ---\n".encode()


def _print_block(block: bytes) -> None:
    """Flush the buffer, then write the block in one call, so that processes do not mix their lines."""
    sys.stdout.flush()
    sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()
