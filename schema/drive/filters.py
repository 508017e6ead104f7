"""Filters of lists of items."""

from datetime import datetime
from typing import Annotated

import strawberry

from schema.cost.directives import Cost
from schema.drive.types import FileKind
from schema.scalars import ByteSize
from services.drive.types import ItemFilter as Conditions
from storage.drive import models


@strawberry.input(
    description="Conditions that all hold for the items of a list. A condition that is null is not checked. Folders "
    "have no kind and no size, so a condition on one of these excludes them."
)
class ItemFilter:
    kinds: list[FileKind] | None = strawberry.field(default=None, description="Only files of one of these kinds.")
    starred: bool | None = strawberry.field(default=None, description="Only items with a star, or only those without.")
    min_size: ByteSize | None = strawberry.field(default=None, description="Only files of at least so many bytes.")
    max_size: ByteSize | None = strawberry.field(default=None, description="Only files of at most so many bytes.")
    created_after: datetime | None = strawberry.field(default=None, description="Only items created after this time.")
    created_before: datetime | None = strawberry.field(default=None, description="Only items created before this time.")

    @property
    def value(self) -> Conditions:
        """The conditions of storage."""
        kinds = None if self.kinds is None else tuple(models.FileKind[kind.name] for kind in dict.fromkeys(self.kinds))
        sizes = (self.min_size, self.max_size)
        return Conditions(kinds, self.starred, *sizes, self.created_after, self.created_before)


Filter = Annotated[ItemFilter | None, strawberry.argument(description="Conditions for the items.")]
#: The server may read all items of the folder to find some that meet the conditions: a thirtieth of a second for
#: 100,000 of them.
FOLDER_FILTER = Cost(weight="20")
FolderFilter = Annotated[
    ItemFilter | None, strawberry.argument(description="Conditions for the items.", directives=[FOLDER_FILTER])
]
