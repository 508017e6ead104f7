"""Mail printed where the server runs."""

import io
import sys

import pytest

from storage.mail import Mail, MailError, open_mailer


class Terminal(io.RawIOBase):
    """Keeps every write apart."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.writes.append(bytes(memoryview(data)))  # type: ignore[arg-type]  # any buffer, which 3.11 cannot name
        return len(self.writes[-1])


async def test_a_mail_is_printed_as_a_readable_block(capsys: pytest.CaptureFixture[str]) -> None:
    await open_mailer("console:").send(Mail("ada@example.org", "Your code", "It is 123456.\n"))
    assert capsys.readouterr().out == (
        "--- mail to ada@example.org ---\nSubject: Your code\n\nIt is 123456.\n--- end of mail ---\n"
    )


async def test_a_mail_reaches_the_terminal_in_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(terminal), encoding="ascii"))
    sys.stdout.write("said before\n")
    await open_mailer("console:").send(Mail("ada@example.org", "Hello", "größer als ein Puffer\n" * 1_000))
    said, block = terminal.writes
    assert (said, block.count(b"\n")) == (b"said before\n", 1_004)


async def test_a_mail_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    await open_mailer("console:").send(Mail("ada@example.org", "Hello", "a\x1b[2Jb\rc\td\x9be"))
    assert "\na\\x1b[2Jb\\x0dc\td\\x9be\n" in capsys.readouterr().out


async def test_a_closed_standard_output_is_a_mail_error(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.TextIOWrapper(io.BytesIO())
    stdout.close()
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(MailError, match="standard output"):
        await open_mailer("console:").send(Mail("ada@example.org", "Hello", "text"))
