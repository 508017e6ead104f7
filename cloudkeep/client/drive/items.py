"""Items as the server describes them."""

from dataclasses import dataclass, field
from typing import Self

from cloudkeep.client.api.graphql import Json


@dataclass(frozen=True)
class RemoteItem:
    """A folder or a file. ``size`` (bytes), ``sha256`` and ``mime_type`` are None for a folder.

    ``path`` and ``parent_id`` are empty or None where they were not queried. ``url`` is a secret.
    """

    id: str
    name: str
    is_folder: bool
    path: str
    updated_at: str
    trashed_at: str | None = None
    starred: bool = False
    size: int | None = None
    sha256: str | None = None
    mime_type: str | None = None
    parent_id: str | None = None
    url: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, node: Json, path: str = "") -> Self:
        """From the GraphQL object. ``path`` is used if the object has none."""
        return cls(
            id=node["id"],
            name=node["name"],
            is_folder=node["__typename"] == "Folder",
            path=node.get("path") or path,
            updated_at=node["updatedAt"],
            trashed_at=node["trashedAt"],
            starred=node["starred"],
            size=node.get("size"),
            sha256=node.get("sha256"),
            mime_type=node.get("mimeType"),
            parent_id=(node.get("parent") or {}).get("id"),
            url=(node.get("download") or {}).get("url"),
        )

    @property
    def label(self) -> str:
        """How messages name it: by its path, or by its ID if it has none, as in the trash."""
        return self.path or self.id

    def to_json(self) -> Json:
        """The object that ``--json`` prints."""
        return {
            "id": self.id,
            "kind": "FOLDER" if self.is_folder else "FILE",
            "name": self.name,
            "path": self.path,
            "size": self.size,
            "sha256": self.sha256,
            "mimeType": self.mime_type,
            "starred": self.starred,
            "updatedAt": self.updated_at,
            "trashedAt": self.trashed_at,
        }
