"""The schema reaches services only through resolvers."""

import ast
from pathlib import Path

import pytest

import schema

MODULES = sorted(Path(schema.__file__).parent.rglob("*.py"))
#: Attributes of a context that only resolvers use.
BEHIND_THE_DOOR = {"services", "loaders"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(Path(schema.__file__).parent)))
def test_no_module_of_the_schema_reaches_a_service_through_the_context(path: Path) -> None:
    attributes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
    assert [node.lineno for node in attributes if node.attr in BEHIND_THE_DOOR] == []
