"""Reads copies of a PostgreSQL database."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from storage.database.backup import BlobEntry, DatabaseCopy
from storage.errors import DatabaseDamaged

#: The file that describes the others.
DESCRIPTION = "tables.json"
#: A null value in the text format of COPY.
NULL = r"\N"


class PostgresCopyReader:
    """See :class:`storage.database.backup.CopyReader`."""

    def read(self, folder: Path) -> DatabaseCopy:
        """See :class:`storage.database.backup.CopyReader`."""
        try:
            description = json.loads((folder / DESCRIPTION).read_bytes())
            for name, table in description["tables"].items():
                with (folder / file_name(name)).open("rb") as lines:
                    count = sum(1 for _ in lines)
                if count != table["rows"]:
                    raise DatabaseDamaged(f"{file_name(name)} has {count} rows instead of {table['rows']}")
            return copy_of(description)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatabaseDamaged(f"the tables cannot be read: {error}") from error

    def blobs(self, folder: Path) -> Iterator[BlobEntry]:
        """See :class:`storage.database.backup.CopyReader`."""
        columns = json.loads((folder / DESCRIPTION).read_bytes())["tables"]["blob"]["columns"]
        places = [columns.index(name) for name in ("key", "size", "sha256")]
        # Copies of older versions have no such column.
        released = columns.index("released_at") if "released_at" in columns else None
        with (folder / file_name("blob")).open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                # None of these columns has a character that COPY escapes.
                values = line.rstrip("\n").split("\t")
                if released is not None and values[released] != NULL:
                    continue
                key, size, sha256 = (values[place] for place in places)
                yield BlobEntry(key, int(size), sha256)


def file_name(table: str) -> str:
    """The file with the rows of a table."""
    return f"{table}.copy"


def copy_of(description: Mapping[str, Any]) -> DatabaseCopy:
    """The contents of a copy, by its description."""
    return DatabaseCopy(
        str(description["migration"]), {name: int(table["rows"]) for name, table in description["tables"].items()}
    )
