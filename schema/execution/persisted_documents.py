"""Persisted documents: clients name the documents that an operator trusts by their IDs.

A request has the ID in ``documentId`` (GraphQL over HTTP, appendix A, Persisted Documents), as Relay sends it, or in
``extensions.persistedQuery.sha256Hash``, as the clients of Apollo and urql do. Build tools write the file of documents:
an object from ID to text (Relay, GraphQL Code Generator), or Apollo's operation manifest.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from graphql import GraphQLError

from services.core.errors import CloudKeepError, ErrorCode, MalformedRequest

#: The largest size of the file, in bytes.
LARGEST_FILE = 16 * 2**20
#: The longest ID, in characters.
LONGEST_ID = 255
SHA256 = "sha256:"
DOCUMENT_ID, PERSISTED_QUERY = "documentId", "persistedQuery"
APOLLO = "apollo-persisted-query-manifest"

UNTRUSTED = "This server only runs documents that its operator trusts."

_DIGEST = re.compile("[0-9a-f]{64}")
#: The appendix allows these characters in IDs, and a prefix with a colon.
_ID = re.compile(r"(?:(?P<prefix>sha256|x-[A-Za-z0-9._~-]+):)?[A-Za-z0-9._~-]+")

#: Returns the errors of a document, the most important one first.
Check = Callable[[str], Sequence[GraphQLError]]


class DocumentNotFound(CloudKeepError):
    """No document has the ID in the request.

    The code is that of Apollo Server: upon it, clients of Apollo repeat the request with the document's text.
    """

    code = ErrorCode.PERSISTED_QUERY_NOT_FOUND
    status = 404


class UntrustedDocument(CloudKeepError):
    """The server only runs trusted documents, and this is not one of them."""

    code = ErrorCode.UNTRUSTED_DOCUMENT
    status = 403


class TrustedDocumentsError(ValueError):
    """The file cannot be used. ``str(error)`` is one line that names the file and, if possible, the document."""


class TrustedDocuments:
    """The documents by their IDs and by their SHA-256. If ``exclusive``, no other document runs."""

    def __init__(self, documents: Mapping[str, str], *, exclusive: bool = False) -> None:
        self.exclusive = exclusive
        self._by_id = {**{SHA256 + _digest(text): text for text in documents.values()}, **documents}
        self._texts = frozenset(documents.values())

    @classmethod
    def load(cls, path: Path, check: Check, *, exclusive: bool = False) -> Self:
        """Read the file, and check each of its documents. Raises :class:`TrustedDocumentsError`."""
        try:
            documents = _documents_in(_read(path))
            for name, text in documents.items():
                _verify(name, text, check)
        except OSError as error:
            raise TrustedDocumentsError(f"{path} cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise TrustedDocumentsError(f"{path}: {error}") from None
        return cls(documents, exclusive=exclusive)

    def find(self, document_id: str) -> str | None:
        """The text of the document with this ID; None if there is none."""
        return self._by_id.get(document_id)

    def trusts(self, text: str) -> bool:
        """Whether one of the documents has exactly this text."""
        return text in self._texts

    def resolve(self, text: str, extensions: Mapping[str, Any]) -> str:
        """The text to run for a request that has a text, a document's ID in its extensions, or both.

        If there are both, the ID must fit the text. The text is not stored for later requests. Raises
        :class:`MalformedRequest`, :class:`DocumentNotFound` and :class:`UntrustedDocument`.
        """
        name = _named(extensions) if names_a_document(extensions) else None
        if name is not None:
            trusted = self.find(name) or self.find(SHA256 + name)
            if not text and trusted is None:
                raise self._unknown(is_apollo=DOCUMENT_ID not in extensions)
            if text and not _belong_together(text, name, trusted):
                raise MalformedRequest("The request has the text of one document and the ID of another.")
            text = text or trusted or ""
        self.admit(text)
        return text

    def admit(self, text: str) -> None:
        """Raise :class:`UntrustedDocument` for a text that must not run."""
        if self.exclusive and not self.trusts(text):
            raise UntrustedDocument(UNTRUSTED)

    def _unknown(self, *, is_apollo: bool) -> DocumentNotFound | UntrustedDocument:
        if self.exclusive:
            return UntrustedDocument(UNTRUSTED)
        # urql recognizes this message; the clients of Apollo recognize the message or the code.
        return DocumentNotFound("PersistedQueryNotFound" if is_apollo else "The server has no document with this ID.")


def _belong_together(text: str, name: str, trusted: str | None) -> bool:
    """Whether the text may have this ID. An unknown ID that is not a hash may belong to any text."""
    if trusted is not None:
        return text == trusted
    digest = name.removeprefix(SHA256)
    return not _DIGEST.fullmatch(digest) or digest == _digest(text)


def named_in(request: Mapping[str, Any]) -> dict[str, Any] | None:
    """The extensions of a request, with the request's ``documentId`` added: the engine only reads extensions."""
    extensions: dict[str, Any] | None = request.get("extensions")
    document_id = request.get(DOCUMENT_ID)
    return extensions if document_id is None else {**(extensions or {}), DOCUMENT_ID: document_id}


def names_a_document(extensions: Mapping[str, Any] | None) -> bool:
    """Whether a request names its document."""
    return extensions is not None and (DOCUMENT_ID in extensions or PERSISTED_QUERY in extensions)


def _named(extensions: Mapping[str, Any]) -> str:
    persisted = extensions.get(PERSISTED_QUERY)
    hashed = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    name = extensions.get(DOCUMENT_ID, hashed)
    if not isinstance(name, str) or not name or len(name) > LONGEST_ID:
        raise MalformedRequest(f"The ID of a document must be a string of 1 to {LONGEST_ID} characters.")
    return name


def _read(path: Path) -> object:
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ValueError(f"it has more than {LARGEST_FILE} bytes")
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_without_duplicates)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON in UTF-8: {error}") from None


def _without_duplicates(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    result: dict[str, object] = {}
    for name, value in pairs:
        if result.setdefault(name, value) != value:
            raise ValueError(f"it has {_short(name)} twice, with different values")
    return result


def _documents_in(content: object) -> dict[str, str]:
    if isinstance(content, dict) and isinstance(content.get("operations"), list):
        if content.get("format") != APOLLO or content.get("version") != 1:
            raise ValueError(f"it has operations, but is not an {APOLLO} of version 1")
        content = _without_duplicates(map(_apollo, content["operations"]))
    if not isinstance(content, dict) or not content:
        raise ValueError("it is neither an object from ID to document nor an Apollo operation manifest, or it is empty")
    for name, text in content.items():
        if not isinstance(text, str):
            raise ValueError(f"{_short(name)} must be a document as a string, not {type(text).__name__}")
    return content


def _apollo(operation: object) -> tuple[str, object]:
    if not isinstance(operation, dict) or not isinstance(operation.get("id"), str):
        raise ValueError("one of its operations has no id")
    return operation["id"], operation.get("body")


def _verify(name: str, text: str, check: Check) -> None:
    match = _ID.fullmatch(name)
    if not match or len(name) > LONGEST_ID:
        raise ValueError(f"{_short(name)} is not a valid document ID")
    if match["prefix"] == "sha256" and name != SHA256 + _digest(text):
        raise ValueError(f"{_short(name)} is not the SHA-256 of its document, which is {_digest(text)}")
    for error in check(text):
        raise ValueError(f"{_short(name)}: {' '.join(error.message.split())}")


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()


def _short(name: str) -> str:
    quoted = repr(name)
    return quoted if len(quoted) <= 90 else f"{quoted[:87]}..."
