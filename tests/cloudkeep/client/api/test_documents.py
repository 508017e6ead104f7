"""The documents of the client, as a file for a server that only runs trusted documents."""

from pathlib import Path

from cloudkeep.client.accounts import documents as accounts
from cloudkeep.client.api import documents
from cloudkeep.client.demo import documents as demo
from cloudkeep.client.drive import documents as drive
from schema.build import build_schema
from schema.execution.persisted_documents import TrustedDocuments
from tests.support.process import cloudkeep


def test_the_printed_documents_are_a_file_of_trusted_documents(tmp_path: Path) -> None:
    (path := tmp_path / "documents.json").write_text(cloudkeep("documents").stdout)
    trusted = TrustedDocuments.load(path, lambda text: build_schema().documents.prepare(text).errors, exclusive=True)
    assert all(trusted.trusts(document) for document in [*documents.ALL, *accounts.ALL, *drive.ALL, *demo.ALL])
