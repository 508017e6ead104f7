"""Orders of lists of items."""

from enum import Enum
from typing import Annotated

import strawberry

from services.drive import types


@strawberry.enum(description="What the items of a folder are ordered by. Items that are equal in it are ordered by ID.")
class ItemOrderField(Enum):
    NAME = strawberry.enum_value(
        "NAME", description="The name: without case, and with numbers by their value, so that `a9` is before `a10`."
    )
    SIZE = strawberry.enum_value("SIZE", description="The size of files. Folders have none; they are ordered by name.")
    CREATED_AT = strawberry.enum_value("CREATED_AT", description="When the item was created.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="When the item was last changed.")


@strawberry.enum(description="The direction of an order.")
class OrderDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="The smallest, the first or the earliest at the start.")
    DESC = strawberry.enum_value("DESC", description="The largest, the last or the latest at the start.")


@strawberry.input(description="The order of the items of a folder. In both directions folders come before files.")
class ItemOrder:
    field: ItemOrderField = strawberry.field(description="What the items are ordered by.")
    direction: OrderDirection = strawberry.field(description="The direction of the order.")

    def to_domain(self) -> types.ItemOrder:
        """The form that the services accept."""
        return types.ItemOrder(types.OrderField[self.field.name], descending=self.direction is OrderDirection.DESC)


OrderBy = Annotated[
    ItemOrder | None,
    strawberry.argument(description="The order of the items; by default by name. Cursors belong to one order."),
]
BY_NAME = types.ItemOrder()
