"""The operations of a drive, each with retries."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from cloudkeep.client.api.graphql import Json
from cloudkeep.client.api.retry import Attempts, Notify, RetryPolicy, retry
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.waiting import when_allowed
from cloudkeep.client.drive import documents
from cloudkeep.client.drive.items import RemoteItem
from cloudkeep.client.drive.paths import ROOT_PATH, is_id, joined, normalized
from cloudkeep.client.errors import ItemFailed, RetryableError, TransferFailed

#: The server's largest page, and its longest list of items in one mutation.
PAGE_SIZE = 100
FAIL, KEEP_BOTH, REPLACE = "FAIL", "KEEP_BOTH", "REPLACE"
CONFLICT_POLICIES = (FAIL, KEEP_BOTH, REPLACE)
#: Called with a folder that was deleted before all of its items were listed.
OnGone = Callable[[RemoteItem], None]


class Drive:
    """The drive of one account. ``place`` is a path or an ID. ``notify`` gets messages about retries and waits.

    Every method raises :class:`TransferFailed` when the server refuses or after the last retry, and
    :class:`SignInError`.
    """

    def __init__(self, session: Session, notify: Notify, policy: RetryPolicy | None = None) -> None:
        self.session = session
        self._policy = policy or RetryPolicy()
        self.notify = notify

    async def find(self, place: str) -> RemoteItem:
        """The item. Raises :class:`ItemFailed` if there is none."""
        item = await self.lookup(place)
        if item is None:
            raise ItemFailed(place, "there is no such file or folder")
        return item

    async def find_folder(self, place: str) -> RemoteItem:
        """The folder. Raises :class:`ItemFailed` if there is none."""
        item = await self.find(place)
        if not item.is_folder:
            raise ItemFailed(place, "is not a folder")
        return item

    async def lookup(self, place: str) -> RemoteItem | None:
        """The item, or None. An item in the trash has an ID and no path."""
        if is_id(place):
            node = await self._execute(documents.ITEM, id=place)
        elif (path := normalized(place)) == ROOT_PATH:
            node = await self._execute(documents.ROOT)
        else:
            node = await self._execute(documents.ITEM_BY_PATH, path=path)
        return RemoteItem.of(node) if node else None

    async def children(
        self, folder: RemoteItem, document: str = documents.ITEMS, on_gone: OnGone = lambda _: None
    ) -> AsyncIterator[RemoteItem]:
        """The items of a folder: folders first, by name. They end early if the folder is deleted meanwhile."""
        after = None
        while True:
            node = await self._execute(document, id=folder.id, first=PAGE_SIZE, after=after)
            if not node:
                on_gone(folder)
                return
            page = node["items"]
            for child in page["nodes"]:
                yield RemoteItem.of(child, joined(folder.path, child["name"]))
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    async def tree(
        self, folder: RemoteItem, document: str = documents.ITEMS, on_gone: OnGone = lambda _: None
    ) -> AsyncIterator[RemoteItem]:
        """Everything below a folder. A folder comes before its items, which are listed a page at a time."""
        folders = [folder]
        while folders:
            below: list[RemoteItem] = []
            async for child in self.children(folders.pop(), document, on_gone):
                yield child
                if child.is_folder:
                    below.append(child)
            folders += reversed(below)

    async def trash(self) -> AsyncIterator[RemoteItem]:
        """The items of the trash, without those in folders of the trash. ``path`` is where they were."""
        async for node in self._nodes(documents.TRASH):
            yield RemoteItem.of(node)

    async def search(self, query: str) -> AsyncIterator[RemoteItem]:
        """The items with these words, newest first."""
        async for node in self._nodes(documents.SEARCH, query=query):
            yield RemoteItem.of(node)

    async def total_size(self, folder: RemoteItem) -> int | None:
        """The bytes of all files below a folder; None if it has very many items."""
        node = await self._execute(documents.TOTAL_SIZE, id=folder.id)
        return node["totalSize"] if node else None

    async def with_url(self, item: RemoteItem) -> RemoteItem | None:
        """The file as it is now, with a new URL; None if it was deleted."""
        node = await self._execute(documents.DOWNLOADED_ITEM, id=item.id)
        return RemoteItem.of(node, item.path) if node else None

    async def create_folder(self, parent: RemoteItem, name: str, conflict: str = FAIL) -> RemoteItem:
        """Create a folder."""
        payload = await self._change(documents.CREATE_FOLDER, parentId=parent.id, name=name, conflict=conflict)
        return RemoteItem.of(payload["folder"])

    async def rename(self, item: RemoteItem, name: str, conflict: str) -> RemoteItem:
        """Rename an item within its folder."""
        payload = await self._change(documents.RENAME_ITEM, itemId=item.id, name=name, conflict=conflict)
        return RemoteItem.of(payload["item"])

    async def move(self, items: Sequence[RemoteItem], parent: RemoteItem, conflict: str) -> list[RemoteItem]:
        """Move items into a folder: all of them or none, at most ``PAGE_SIZE``."""
        ids = [item.id for item in items]
        payload = await self._change(documents.MOVE_ITEMS, itemIds=ids, parentId=parent.id, conflict=conflict)
        return [RemoteItem.of(node) for node in payload["items"]]

    async def copy(self, items: Sequence[RemoteItem], parent: RemoteItem, conflict: str) -> list[RemoteItem]:
        """Copy items into a folder: all of them or none, at most ``PAGE_SIZE``.

        Not retried after a lost connection, because the server may have made the copies.
        """
        given = {"itemIds": [item.id for item in items], "parentId": parent.id, "conflict": conflict}
        try:
            payload = await when_allowed(lambda: self.session.execute(documents.COPY_ITEMS, input=given))
        except RetryableError as error:
            raise TransferFailed(f"{error}; look at the folder before you copy again") from error
        return [RemoteItem.of(node) for node in payload["items"]]

    async def move_to_trash(self, items: Sequence[RemoteItem]) -> None:
        """Move at most ``PAGE_SIZE`` items to the trash."""
        await self._change(documents.TRASH_ITEMS, itemIds=[item.id for item in items])

    async def restore(self, items: Sequence[RemoteItem]) -> list[RemoteItem]:
        """Restore at most ``PAGE_SIZE`` items from the trash. One may get another name or another folder."""
        payload = await self._change(documents.RESTORE_ITEMS, itemIds=[item.id for item in items])
        return [RemoteItem.of(node) for node in payload["items"]]

    async def delete(self, items: Sequence[RemoteItem]) -> None:
        """Delete at most ``PAGE_SIZE`` items, in the trash or not. They cannot be restored."""
        await self._change(documents.DELETE_ITEMS, itemIds=[item.id for item in items])

    async def _nodes(self, document: str, **variables: object) -> AsyncIterator[Json]:
        after = None
        while True:
            page = await self._execute(document, first=PAGE_SIZE, after=after, **variables)
            for node in page["nodes"]:
                yield node
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    async def _change(self, document: str, **given: object) -> Any:
        return await self._execute(document, input=given)

    async def _execute(self, document: str, **variables: object) -> Any:
        attempts = Attempts(self._policy, self.notify)
        return await retry(lambda: self.session.execute(document, **variables), attempts)
