"""Deletion of items for good."""

from typing import Annotated

import strawberry

from resolvers.drive import deletion
from resolvers.drive.items import MAX_ITEMS
from schema.cost.directives import Cost
from schema.execution.errors import UserError, to_payload, user_errors
from schema.relay.node import INPUT, RequestInfo
from schema.scopes.directives import DELETE

#: A transaction deletes a few hundred rows, and a job the rest.
DELETION = Cost(weight="50")
#: Up to fifty such transactions.
EMPTYING = Cost(weight="500")
COUNT = "The number of deleted items, without those in deleted folders."


@strawberry.input(description="The input of `deleteItems`.")
class DeleteItemsInput:
    item_ids: list[strawberry.ID] = strawberry.field(
        description=f"The IDs of the folders and files, in the trash or not: 1 to {MAX_ITEMS}."
    )


@strawberry.type(description="The result of `deleteItems`.")
class DeleteItemsPayload:
    deleted_count: int | None = strawberry.field(description=f"{COUNT} It is null if there are errors.")
    user_errors: list[UserError] = user_errors()


@strawberry.type(description="The result of `emptyTrash`.")
class EmptyTrashPayload:
    deleted_count: int | None = strawberry.field(description=f"{COUNT} It is null if there are errors.")
    is_empty: bool | None = strawberry.field(
        description="Whether nothing is left in the trash. If something is, call the mutation again. It is null if "
        "there are errors."
    )
    user_errors: list[UserError] = user_errors()


@strawberry.type
class DeletionMutations:
    @strawberry.mutation(
        description="Deletes folders and files for good, with everything in the folders. None of it can be restored. "
        "All items are deleted, or none if one of them does not exist.",
        directives=[DELETION, DELETE],
    )
    async def delete_items(self, info: RequestInfo, input: Annotated[DeleteItemsInput, INPUT]) -> DeleteItemsPayload:
        count, errors = await to_payload(deletion.delete_items(info.context, input.item_ids))
        return DeleteItemsPayload(deleted_count=count, user_errors=errors)

    @strawberry.mutation(
        description="Deletes everything in the trash for good, the oldest item first: at most 10,000 items in a call.",
        directives=[EMPTYING, DELETE],
    )
    async def empty_trash(self, info: RequestInfo) -> EmptyTrashPayload:
        result, errors = await to_payload(deletion.empty_trash(info.context))
        count, is_empty = result or (None, None)
        return EmptyTrashPayload(deleted_count=count, is_empty=is_empty, user_errors=errors)
