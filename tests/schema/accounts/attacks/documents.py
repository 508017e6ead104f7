"""A document for every mutation of accounts, made from the schema: it selects everything that the payload has."""

from functools import lru_cache
from pathlib import Path

from graphql import GraphQLField, build_schema, get_named_type, is_leaf_type, is_object_type, is_required_argument

import schema

#: Mutations of other domains. One that is neither here nor has a rule fails a test.
OF_ZIPS = frozenset({"createZip"})
OF_UPLOADS = frozenset({"initUpload", "initUploads", "completeUpload", "reportChunks", "abortUpload", "retryUpload"})
OF_TREE = frozenset({"createFolder", "renameItem", "moveItems", "copyItems", "starItem", "trashItems", "restoreItems"})
OF_DELETION = frozenset({"deleteItems", "emptyTrash", "restoreVersion", "deleteVersion"})
#: Levels of objects below a payload: ``session``, and in it the account and the session.
LEVELS = 2

_SCHEMA = build_schema((Path(schema.__file__).parent / "schema.graphql").read_text())


def account_mutations() -> set[str]:
    """The names of all mutations of accounts."""
    assert _SCHEMA.mutation_type
    return set(_SCHEMA.mutation_type.fields) - OF_UPLOADS - OF_ZIPS - OF_DELETION - OF_TREE


@lru_cache
def document_of(mutation: str) -> str:
    """A document that calls this mutation with the variable ``input``, if it has an input."""
    assert _SCHEMA.mutation_type
    field = _SCHEMA.mutation_type.fields[mutation]
    selected = _selection(field, LEVELS)
    if not field.args:
        return f"mutation {{ {mutation} {selected} }}"
    return f"mutation ($input: {field.args['input'].type}) {{ {mutation}(input: $input) {selected} }}"


def _selection(field: GraphQLField, levels: int) -> str:
    """Everything below a field that needs no argument, down to so many levels."""
    kind = get_named_type(field.type)
    if not is_object_type(kind):
        return ""
    found = [
        f"{name} {_selection(each, levels - 1)}" for name, each in kind.fields.items() if _is_selected(each, levels)
    ]
    return "{ " + " ".join(found) + " }"


def _is_selected(field: GraphQLField, levels: int) -> bool:
    kind = get_named_type(field.type)
    if field.args or any(is_required_argument(each) for each in field.args.values()):
        return False
    return is_leaf_type(kind) or (levels > 0 and is_object_type(kind))
