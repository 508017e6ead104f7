"""Trusted documents: the file, the IDs, and requests that name a document."""

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from graphql import GraphQLError

from schema.build import build_schema
from schema.execution.documents import MAX_TOKENS
from schema.execution.persisted_documents import (
    LARGEST_FILE,
    DocumentNotFound,
    TrustedDocuments,
    TrustedDocumentsError,
    UntrustedDocument,
    named_in,
    names_a_document,
)
from services.core.errors import CloudKeepError, MalformedRequest

DOCUMENTS = build_schema().documents
ME = "query Me { me { id } }"
NAME = "query Name { me { userName } }"
OTHER = "{ me { email } }"


def check(text: str) -> Sequence[GraphQLError]:
    return DOCUMENTS.prepare(text).errors


def resolved(
    documents: TrustedDocuments, query: str | None, document_id: object, extensions: Mapping[str, object] | None
) -> str:
    """The text that runs for a request with these members."""
    return documents.resolve(query or "", named_in({"documentId": document_id, "extensions": extensions}) or {})


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def apollo(**changes: object) -> dict[str, object]:
    """A file as ``generate-persisted-query-manifest`` writes it."""
    operation = {"id": digest(ME), "name": "Me", "type": "query", "body": ME}
    return {"format": "apollo-persisted-query-manifest", "version": 1, "operations": [operation], **changes}


@pytest.fixture
def load(tmp_path: Path) -> Callable[[object], TrustedDocuments]:
    """Loads a file with this content: a text as it is, any other value as JSON."""

    def loaded(content: object) -> TrustedDocuments:
        path = tmp_path / "documents.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return TrustedDocuments.load(path, check)

    return loaded


Load = Callable[[object], TrustedDocuments]


@pytest.mark.parametrize(
    "document_id", ["Me", "me.v2-final~1_0", "x-team:me", "d41d8cd98f00b204e9800998ecf8427e", f"sha256:{digest(ME)}"]
)
def test_an_object_from_id_to_text_is_read(load: Load, document_id: str) -> None:
    documents = load({document_id: ME, "Name": NAME})
    assert documents.find(document_id) == ME
    assert documents.find("Name") == NAME
    assert documents.find("name") is None


def test_the_manifest_of_apollo_is_read(load: Load) -> None:
    assert load(apollo()).find(digest(ME)) == ME


def test_a_byte_order_mark_and_any_unicode_text_are_accepted(load: Load) -> None:
    text = "# 日本語 \U0001f4fc\n" + ME
    documents = load("\ufeff" + json.dumps({"Me": text}))
    assert documents.find(f"sha256:{digest(text)}") == text


@pytest.mark.parametrize("content", [{"Me": ME}, {f"sha256:{digest(ME)}": ME}, {digest(ME): ME}, apollo()])
def test_every_document_is_found_by_its_hash(load: Load, content: object) -> None:
    documents = load(content)
    assert documents.find(f"sha256:{digest(ME)}") == ME
    assert resolved(documents, None, f"sha256:{digest(ME)}", None) == ME
    assert resolved(documents, None, None, {"persistedQuery": {"version": 1, "sha256Hash": digest(ME)}}) == ME


def test_a_text_is_trusted_only_if_every_character_is_equal(load: Load) -> None:
    documents = load({"Me": ME})
    assert documents.trusts(ME)
    assert not documents.trusts(ME + " ")
    assert not documents.trusts(NAME)
    assert not documents.trusts("")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is not JSON in UTF-8: Expecting value: line 1 column 1 (char 0)"),
        ("{", "it is not JSON in UTF-8: Expecting property name"),
        ("[" * 100_000, "it is not JSON in UTF-8: "),
        ("[]", "it is neither an object from ID to document nor an Apollo operation manifest, or it is empty"),
        ("{}", "it is neither an object from ID to document nor an Apollo operation manifest, or it is empty"),
        ({"Me": 1}, "'Me' must be a document as a string, not int"),
        ({"Me": None}, "'Me' must be a document as a string, not NoneType"),
        (f'{{"Me": "{ME}", "Me": "{NAME}"}}', "it has 'Me' twice, with different values"),
        ({"Me": "query {"}, "'Me': Syntax Error: Expected Name, found <EOF>."),
        ({"Me": ""}, "'Me': Syntax Error: Unexpected <EOF>."),
        ({"Me": "{ you }"}, "'Me': Cannot query field 'you' on type 'Query'."),
        ({"Good": ME, "Bad": "{ me }"}, "'Bad': Field 'me' of type 'Account' must have a selection of subfields."),
        ({"Long": "{ me {" + "id " * MAX_TOKENS + "} }"}, "'Long': Syntax Error: Document contains more than "),
        ({"a b": ME}, "'a b' is not a valid document ID"),
        ({"": ME}, "'' is not a valid document ID"),
        ({"a" * 256: ME}, f"{repr('a' * 256)[:87]}... is not a valid document ID"),
        ({"md5:abc": ME}, "'md5:abc' is not a valid document ID"),
        ({f"sha256:{digest(NAME)}": ME}, f"'sha256:{digest(NAME)}' is not the SHA-256 of its document, which is "),
        ({f"sha256:{digest(ME).upper()}": ME}, f"'sha256:{digest(ME).upper()}' is not the SHA-256 of its document"),
        (apollo(format="else"), "it has operations, but is not an apollo-persisted-query-manifest of version 1"),
        (apollo(version=2), "it has operations, but is not an apollo-persisted-query-manifest of version 1"),
        (apollo(operations=[{"body": ME}]), "one of its operations has no id"),
        (apollo(operations=[{"id": "Me"}]), "'Me' must be a document as a string, not NoneType"),
        (
            apollo(operations=[{"id": "a", "body": ME}, {"id": "a", "body": NAME}]),
            "it has 'a' twice, with different values",
        ),
        (apollo(operations=[]), "it is neither an object from ID to document nor an Apollo operation manifest"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line_that_names_it(
    load: Load, tmp_path: Path, content: object, reason: str
) -> None:
    with pytest.raises(TrustedDocumentsError) as caught:
        load(content)
    assert str(caught.value).startswith(f"{tmp_path}/documents.json: {reason}")
    assert "\n" not in str(caught.value)


def test_a_missing_or_too_large_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "documents.json"
    with pytest.raises(TrustedDocumentsError, match=r"documents\.json cannot be read: No such file or directory"):
        TrustedDocuments.load(path, check)
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(TrustedDocumentsError, match=r"documents\.json: it has more than 16777216 bytes"):
        TrustedDocuments.load(path, check)


def persisted(document: str) -> Mapping[str, object]:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest(document)}}


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize(
    ("query", "document_id", "extensions"),
    [
        (None, "Me", None),
        ("", "Me", {}),
        (None, f"sha256:{digest(ME)}", {"other": 1}),
        (None, None, persisted(ME)),
        (None, "Me", persisted(NAME)),
        (ME, None, None),
        (ME, "Me", None),
        (ME, f"sha256:{digest(ME)}", None),
        (ME, None, persisted(ME)),
    ],
)
def test_a_trusted_document_runs_however_the_request_names_it(
    exclusive: bool, query: str | None, document_id: str | None, extensions: Mapping[str, object] | None
) -> None:
    documents = TrustedDocuments({"Me": ME, "Name": NAME}, exclusive=exclusive)
    assert resolved(documents, query, document_id, extensions) == ME


@pytest.mark.parametrize(
    ("query", "document_id", "extensions", "code"),
    [
        (None, "You", None, "UNTRUSTED_DOCUMENT"),
        (None, f"sha256:{digest(OTHER)}", None, "UNTRUSTED_DOCUMENT"),
        (None, None, persisted(OTHER), "UNTRUSTED_DOCUMENT"),
        (OTHER, None, None, "UNTRUSTED_DOCUMENT"),
        (OTHER, None, persisted(OTHER), "UNTRUSTED_DOCUMENT"),
        (OTHER, "You", None, "UNTRUSTED_DOCUMENT"),
        (OTHER, "Me", None, "MALFORMED_REQUEST"),
        (ME + "\n", "Me", None, "MALFORMED_REQUEST"),
        (f"{ME} {OTHER}", None, persisted(ME), "MALFORMED_REQUEST"),
    ],
)
def test_an_exclusive_server_runs_nothing_but_trusted_documents(
    query: str | None, document_id: str | None, extensions: Mapping[str, object] | None, code: str
) -> None:
    documents = TrustedDocuments({"Me": ME}, exclusive=True)
    with pytest.raises(CloudKeepError) as caught:
        resolved(documents, query, document_id, extensions)
    assert caught.value.code == code
    assert OTHER not in str(caught.value)


@pytest.mark.parametrize("documents", [TrustedDocuments({}), TrustedDocuments({"Me": ME})])
class TestAnyDocument:
    """A server that runs every document, trusted or not."""

    def test_a_text_is_run_with_its_hash_or_with_an_unknown_id(self, documents: TrustedDocuments) -> None:
        assert resolved(documents, OTHER, None, None) == OTHER
        assert resolved(documents, OTHER, None, persisted(OTHER)) == OTHER
        assert resolved(documents, OTHER, f"sha256:{digest(OTHER)}", None) == OTHER
        assert resolved(documents, OTHER, "mine", {}) == OTHER

    def test_a_text_with_the_hash_of_another_one_is_refused(self, documents: TrustedDocuments) -> None:
        with pytest.raises(MalformedRequest):
            resolved(documents, OTHER, None, persisted(ME))
        with pytest.raises(MalformedRequest):
            resolved(documents, OTHER, f"sha256:{digest(NAME)}", None)

    def test_an_unknown_id_is_not_found(self, documents: TrustedDocuments) -> None:
        with pytest.raises(DocumentNotFound, match="The server has no document with this ID"):
            resolved(documents, None, "mine", None)

    def test_clients_of_apollo_and_urql_get_the_error_that_they_recognize(self, documents: TrustedDocuments) -> None:
        """They repeat the request with the document."""
        with pytest.raises(DocumentNotFound) as caught:
            resolved(documents, None, None, persisted(OTHER))
        assert str(caught.value) == "PersistedQueryNotFound"
        assert caught.value.extensions == {"code": "PERSISTED_QUERY_NOT_FOUND"}

    @pytest.mark.parametrize("document_id", ["", "x" * 256, 1, True, ["Me"], {}])
    def test_an_id_that_is_not_a_short_string_is_refused(
        self, documents: TrustedDocuments, document_id: object
    ) -> None:
        with pytest.raises(MalformedRequest, match="a string of 1 to 255 characters"):
            resolved(documents, None, document_id, None)

    @pytest.mark.parametrize("extension", [1, "x", [], {}, {"sha256Hash": None}, {"sha256Hash": 1}, {"version": 1}])
    def test_an_extension_of_another_form_is_refused(self, documents: TrustedDocuments, extension: object) -> None:
        with pytest.raises(MalformedRequest):
            resolved(documents, None, None, {"persistedQuery": extension})


@pytest.mark.parametrize("extensions", [None, {}, {"else": {}}])
def test_a_request_names_a_document_by_its_id_or_by_its_hash(extensions: dict[str, object] | None) -> None:
    assert not names_a_document(named_in({"query": ME, "extensions": extensions}))
    assert names_a_document(named_in({"documentId": "Me", "extensions": extensions}))
    assert names_a_document(named_in({"extensions": persisted(ME)}))


def test_a_text_that_is_not_unicode_is_never_trusted() -> None:
    with pytest.raises(UntrustedDocument):
        resolved(TrustedDocuments({"Me": ME}, exclusive=True), "\ud800", None, None)
    with pytest.raises(MalformedRequest):
        resolved(TrustedDocuments({"Me": ME}), "\ud800", None, persisted(ME))
