"""A mail server that goes away and comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cloudkeep.settings.settings import Settings
from tests.support.backends.smtp_sink import SmtpSink
from tests.support.server import PASSWORD, REGISTER, VERIFY, Api, Json, http_client, listening_socket, otp_of, serve

PERSON = {"userId": "ada", "userName": "Ada", "email": "ada@example.org", "password": PASSWORD}


class Link:
    """A connection to the mail server that can be cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.up = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect a client with the mail server, or close its connection if the link is cut."""
        if self.up:
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(pump(reader, back), pump(there, writer))
        writer.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(4_096):
            writer.write(data)
    writer.close()


@asynccontextmanager
async def served_behind(link: Link, settings: Settings) -> AsyncIterator[Api]:
    """A server that sends its mail through the link."""
    relay = await asyncio.start_server(link.carry, "127.0.0.1", 0)
    port = relay.sockets[0].getsockname()[1]
    with listening_socket() as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        changes = {"mail_url": f"smtp://127.0.0.1:{port}?tls=none", "public_url": url}
        async with serve(settings.model_copy(update=changes), listener), http_client(url) as http:
            yield Api(http)
    relay.close()


async def test_a_registration_fails_while_the_mail_server_is_away_and_then_works_again(
    settings: Settings, sink: SmtpSink
) -> None:
    link = Link(sink.port)
    async with served_behind(link, settings) as api:
        payload: Json = await api.data(REGISTER, input=PERSON)
        assert payload["registration"] is None
        assert [error["code"] for error in payload["userErrors"]] == ["MAIL_UNAVAILABLE"]
        link.up = True
        assert await api.join(PERSON, lambda: otp_of(sink))


async def test_a_mailed_code_stays_valid_if_the_next_mail_cannot_be_sent(settings: Settings, sink: SmtpSink) -> None:
    link = Link(sink.port)
    async with served_behind(link, settings) as api:
        link.up = True
        registration = (await api.data(REGISTER, input=PERSON))["registration"]
        link.up = False
        await api.data(REGISTER, input=PERSON)
        assert (await api.data(VERIFY, input={"registrationId": registration["id"], "otp": otp_of(sink)}))["session"]
