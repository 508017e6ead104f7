"""The documents of the demo are valid for the schema."""

from cloudkeep.client.demo.documents import ALL
from schema.build import build_schema


def test_every_document_is_valid() -> None:
    schema = build_schema()
    assert [error for document in ALL for error in schema.documents.prepare(document).errors] == []
