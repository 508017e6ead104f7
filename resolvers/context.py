"""What every field of one request, or of one WebSocket connection, can reach."""

from dataclasses import dataclass, field
from uuid import UUID

from strawberry.dataloader import DataLoader

from services.clock import now
from services.container import Services
from services.errors import Unauthenticated
from services.tokens import Viewer
from storage.models import File, Rendition


class Loaders:
    """Answer many fields with one query. They batch and never cache: a connection outlives what it once read."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.waiting = DataLoader[UUID, str | None](load_fn=self._waiting, cache=False)
        self.files = DataLoader[UUID, File | None](load_fn=self._files, cache=False)
        self.renditions = DataLoader[UUID, list[Rendition]](load_fn=self._renditions, cache=False)

    async def _waiting(self, keys: list[UUID]) -> list[str | None]:
        found = await self._services.uploads.waiting_of(keys)
        return [found.get(key) for key in keys]

    async def _files(self, keys: list[UUID]) -> list[File | None]:
        found = await self._services.files.find_many(keys)
        return [found.get(key) for key in keys]

    async def _renditions(self, keys: list[UUID]) -> list[list[Rendition]]:
        found = await self._services.files.renditions_of(keys)
        return [found[key] for key in keys]


@dataclass
class Context:
    """The services, and who is asking. ``connection_params`` is what a WebSocket client sent to begin with."""

    services: Services
    authenticated: Viewer | None = None
    connection_params: dict[str, object] | None = None
    loaders: Loaders = field(init=False)

    def __post_init__(self) -> None:
        self.loaders = Loaders(self.services)

    @property
    def viewer(self) -> Viewer:
        """Who is asking. Raises :class:`Unauthenticated` when nobody is signed in, or no longer."""
        if self.authenticated is None:
            raise Unauthenticated("Sign in first.")
        if self.authenticated.expires_at < now():
            raise Unauthenticated("The access token has expired.")
        return self.authenticated
