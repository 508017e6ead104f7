"""A server that the tests of the client use, and what they can have done with it."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from cloudkeep.settings.secret_keys import read_or_create_keys
from endpoints.chunks.chunk import slot_authorization_of
from services.access.signed_urls import SignedUrls
from tests.support.process import ServeProcess, free_port
from tests.support.server import PASSWORD, REGISTER, VERIFY


class Stand:
    """A running server, and a person who is signed in to it."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._folder = folder
        self._settings = settings
        self._port = free_port()
        self._start()
        self._token = self._sign_up()

    def environment(self, control: str) -> dict[str, str]:
        """What the tests of the client have to know."""
        return {"CLOUDKEEP_URL": self._process.url, "CLOUDKEEP_TOKEN": self._token, "CLOUDKEEP_CONTROL": control}

    def restart(self, _: str) -> str:
        """Stop the server, and start it again with the same data."""
        self.stop()
        self._start()
        return ""

    def expire(self, url: str) -> str:
        """The URL of the same slot as it was signed long ago."""
        parts = urlsplit(url)
        _, _, upload_id, _, index = parts.path.split("/")
        slot = slot_authorization_of(upload_id, index, parse_qs(parts.query)["size"][0])
        keys = read_or_create_keys(self._folder / "secret.keys")
        return SignedUrls(keys, timedelta(hours=-2)).slot(slot, self._process.url)

    def stop(self) -> None:
        """Stop the server."""
        self._process.stop()

    def _start(self) -> None:
        self._process = ServeProcess(self._folder, self._port, **self._settings)
        self._process.wait_until_ready()

    def _sign_up(self) -> str:
        name = f"user-{secrets.token_hex(4)}"
        person = {"userId": name, "userName": "A Person", "email": f"{name}@example.org", "password": PASSWORD}
        registration = self._payload(REGISTER, person)["registration"]
        session = self._payload(VERIFY, {"registrationId": registration["id"], "otp": self._process.otp()})["session"]
        return str(session["accessToken"])

    def _payload(self, document: str, given: dict[str, str]) -> dict[str, dict[str, str]]:
        answer = httpx.post(
            f"{self._process.url}/graphql", json={"query": document, "variables": {"input": given}}, timeout=60
        ).json()
        (payload,) = answer["data"].values()
        found: dict[str, dict[str, str]] = payload
        return found


@contextmanager
def standing(folder: Path, **settings: str) -> Iterator[dict[str, str]]:
    """Run a server; yields the environment for the tests of the client."""
    stand = Stand(folder, settings)
    try:
        with _controlled({"/restart": stand.restart, "/expire": stand.expire}) as url:
            yield stand.environment(url)
    finally:
        stand.stop()


@contextmanager
def _controlled(actions: dict[str, Callable[[str], str]]) -> Iterator[str]:
    """Do what is requested by POST, with the text of the body; yields the URL for that."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = actions[self.path](body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
