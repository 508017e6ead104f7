"""The credentials of every server: which ones there are, and where each is kept.

``credentials.json`` lists the servers. The credentials of a server are in the system keyring if it worked at the
sign-in, else in that file.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from cloudkeep.client.credentials.private_folder import PrivateFolder, config_folder
from cloudkeep.client.credentials.system_keyring import KeyringUnavailable, SystemKeyring
from cloudkeep.client.credentials.types import ServerCredentials
from cloudkeep.client.errors import CredentialsError, KeyringError, printable

Json = dict[str, Any]

FILE, LOCK = "credentials.json", "credentials.lock"
VERSION = 1
#: Stands in the file for credentials that are in the keyring.
IN_KEYRING = "keyring"


@dataclass
class _Document:
    """The content of the file. ``signed_in`` are the URLs of servers with a session, the last sign-in at the end."""

    signed_in: list[str] = field(default_factory=list)
    servers: dict[str, Json | str] = field(default_factory=dict)

    def to_json(self) -> Json:
        return {"version": VERSION, "signedIn": self.signed_in, "servers": self.servers}

    @classmethod
    def of(cls, value: Json) -> "_Document":
        if value["version"] != VERSION:
            raise ValueError("another version")
        return cls([str(url) for url in value["signedIn"]], dict(value["servers"]))


class CredentialStore:
    """The credentials of this user by server URL. Every method raises :class:`CredentialsError`, and may block."""

    def __init__(self, folder: PrivateFolder, keyring: SystemKeyring) -> None:
        self.folder = folder
        self._keyring = keyring

    def default_server(self) -> str | None:
        """The server of the last sign-in that has not ended by a logout."""
        return next(reversed(self._read().signed_in), None)

    def load(self, url: str) -> ServerCredentials:
        """The credentials of a server, which are empty if there are none."""
        entry = self._read().servers.get(url)
        if entry is None:
            return ServerCredentials()
        if entry == IN_KEYRING:
            return self._load_from_keyring(url)
        with self._damage_reported():
            return ServerCredentials.of(dict(entry))  # type: ignore[arg-type]

    def save(self, url: str, credentials: ServerCredentials) -> None:
        """Replace the credentials of a server after a refresh. They stay where they are kept."""
        entry = self._read().servers.get(url)
        self._replace(url, self._stored(url, credentials, try_keyring=entry == IN_KEYRING))

    def save_sign_in(self, url: str, credentials: ServerCredentials) -> None:
        """Replace the credentials of a server after a sign-in, which makes it the default."""
        self._replace(url, self._stored(url, credentials, try_keyring=True), signed_in=True)

    def remove_session(self, url: str) -> bool:
        """Remove the session of a server, also if the keyring does not work. Returns whether there was one."""
        document = self._read()
        if url not in document.servers:
            return False
        entry: Json | str | None = None
        with suppress(KeyringError):
            credentials = self.load(url).with_session(None)
            entry = self._stored(url, credentials, try_keyring=document.servers[url] == IN_KEYRING)
        self._replace(url, entry, signed_in=False)
        return url in document.signed_in

    def place(self, url: str) -> str:
        """Where the credentials of a server are kept, for people."""
        if self._read().servers.get(url) == IN_KEYRING:
            return "the system keyring"
        return printable(str(self.folder.path / FILE))

    def _load_from_keyring(self, url: str) -> ServerCredentials:
        try:
            text = self._keyring.get(url)
        except KeyringUnavailable as error:
            raise KeyringError(
                f"the session at {url} is kept in the system keyring, but {error}; sign in again with "
                f"`cloudkeep login --url {url}`, or set CLOUDKEEP_TOKEN"
            ) from error
        if text is None:
            return ServerCredentials()
        with self._damage_reported():
            return ServerCredentials.of(json.loads(text))

    def _stored(self, url: str, credentials: ServerCredentials, *, try_keyring: bool) -> Json | str:
        """The entry of the file for these credentials, after they were stored in the keyring if there is one."""
        if try_keyring:
            try:
                self._keyring.set(url, json.dumps(credentials.to_json()))
            except KeyringUnavailable:
                return credentials.to_json()
            return IN_KEYRING
        return credentials.to_json()

    def _replace(self, url: str, entry: Json | str | None, *, signed_in: bool | None = None) -> None:
        """Replace the entry of a server, or remove it. ``signed_in`` says whether it has a session, None keeps that."""
        with self._changing() as document:
            document.servers.pop(url, None)
            if entry is not None:
                document.servers[url] = entry
            if signed_in is not None:
                document.signed_in = [other for other in document.signed_in if other != url]
                document.signed_in += [url] * signed_in

    @contextmanager
    def _changing(self) -> Iterator[_Document]:
        """Change the document. Two processes that do so at the same time both succeed."""
        with self.folder.locked(LOCK):
            document = self._read()
            yield document
            self.folder.write(FILE, json.dumps(document.to_json(), indent=2).encode())

    def _read(self) -> _Document:
        content = self.folder.read(FILE)
        if content is None:
            return _Document()
        with self._damage_reported():
            return _Document.of(json.loads(content))

    @contextmanager
    def _damage_reported(self) -> Iterator[None]:
        try:
            yield
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            path = printable(str(self.folder.path / FILE))
            raise CredentialsError(f"the stored credentials are damaged; delete {path} and sign in again") from error


def open_store() -> CredentialStore:
    """The store of this user."""
    return CredentialStore(PrivateFolder(config_folder()), SystemKeyring())
