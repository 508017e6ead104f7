"""What the database has of a drive, read as a whole and compared without the product's queries."""

from dataclasses import dataclass
from uuid import UUID

from storage.accounts.models import Account
from storage.drive.models import Blob, FileVersion, Item, Rendition
from storage.search.models import SearchEntry


@dataclass(frozen=True)
class Stored:
    """The rows of an account's drive."""

    account: Account
    items: dict[UUID, Item]
    versions: list[FileVersion]
    renditions: list[Rendition]
    blobs: dict[UUID, Blob]
    entries: dict[UUID, SearchEntry]

    @classmethod
    async def read(cls, account_id: UUID) -> "Stored":
        """Read them. Nothing may change meanwhile."""
        versions = await FileVersion.filter(account_id=account_id).order_by("number")
        return cls(
            account=await Account.get(id=account_id),
            items={item.id: item for item in await Item.filter(account_id=account_id)},
            versions=versions,
            renditions=await Rendition.filter(version_id__in=[version.id for version in versions]),
            blobs={blob.id: blob for blob in await Blob.filter(account_id=account_id)},
            entries={entry.item_id: entry for entry in await SearchEntry.filter(account_id=account_id)},
        )

    def chain(self, item_id: UUID) -> list[Item]:
        """The item and what is above it, up to a row without a parent. Fails on a cycle."""
        found = [self.items[item_id]]
        while (parent := found[-1].parent_id) is not None:
            assert len(found) <= len(self.items), f"a cycle above {item_id}"
            found.append(self.items[parent])
        return found

    def attached(self) -> dict[UUID, list[Item]]:
        """The chains of the items that are in the drive or its trash."""
        chains = {item_id: self.chain(item_id) for item_id in self.items}
        return {key: chain for key, chain in chains.items() if chain[-1].id == self.account.id}

    def visible(self) -> dict[UUID, list[Item]]:
        """The chains of the items outside the trash."""
        return {key: chain for key, chain in self.attached().items() if not any(item.trashed_at for item in chain)}
