"""The copies of a database that are made before migrations, beside it: ``cloudkeep.sqlite3.before-0011``.

The number is that of the first migration that the copy does not have. A migration is one transaction, so one that fails
changes nothing; the copy is for the operator who wants to go back to an older version of CloudKeep.
"""

import logging
from pathlib import Path

from storage.database.sqlite.copying import copy_database

logger = logging.getLogger("cloudkeep.database")

#: So many of these copies stay, the newest ones.
COPIES_KEPT = 3


def copy_before_migration(database: Path, first: str) -> Path:
    """Copy the database before the migration named ``first``. Blocks. Raises like :func:`copy_database`.

    The caller keeps all others from writing to the database.
    """
    copy = database.with_name(f"{database.name}.before-{first.partition('_')[0]}")
    copy_database(database, copy)
    logger.info("updating the database; %s is a copy of it from before", copy)
    copies = database.parent.glob(f"{database.name}.before-[0-9]*")
    # By time: the copy of an old database that was put back has a low number.
    for old in sorted(copies, key=lambda path: path.stat().st_mtime_ns)[:-COPIES_KEPT]:
        if not old.name.endswith(".partial"):
            old.unlink()
    return copy
