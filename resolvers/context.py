"""What every field of one request, or of one WebSocket connection, can reach."""

from collections.abc import MutableSequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from uuid import UUID

from strawberry.dataloader import DataLoader

from services.accounts.errors import Unauthenticated
from services.accounts.tokens import Viewer
from services.budgets.budgets import LayerStatus, Payer
from services.container import Services
from services.core.clock import now
from services.core.errors import CloudKeepError, InvalidInput
from storage.accounts.models import Account
from storage.drive.models import File, Rendition


class Loaders:
    """Answer many fields with one query. They batch and never cache: what was loaded may change meanwhile."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def accounts(self) -> DataLoader[UUID, Account | None]:
        """Accounts by their keys."""
        return DataLoader(load_fn=self._accounts, cache=False)

    @cached_property
    def waiting(self) -> DataLoader[UUID, str | None]:
        """What the job of an upload waits for."""
        return DataLoader(load_fn=self._waiting, cache=False)

    @cached_property
    def files(self) -> DataLoader[UUID, File | None]:
        """Files by their keys."""
        return DataLoader(load_fn=self._files, cache=False)

    @cached_property
    def renditions(self) -> DataLoader[UUID, list[Rendition]]:
        """What was derived from a file."""
        return DataLoader(load_fn=self._renditions, cache=False)

    async def _accounts(self, keys: list[UUID]) -> list[Account | None]:
        found = await self._services.accounts.find_many(keys)
        return [found.get(key) for key in keys]

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
class Admission:
    """What one operation costs, in points, and what is left to whoever pays for it.

    ``actual`` is known when it has been run. ``refused`` says why it was not.
    """

    requested: int = 0
    actual: int | None = None
    layers: tuple[LayerStatus, ...] = ()
    refused: CloudKeepError | None = None


@dataclass
class Context:
    """What one operation runs in: the services, who is asking, from which address, and what it costs.

    ``base_url`` begins every URL in the response. ``token_error`` says why the token of the request is not valid.
    """

    services: Services
    authenticated: Viewer | None
    address: str
    base_url: str
    admission: Admission
    token_error: str | None = None
    #: When subscriptions end; None when the transport ends them, or nothing does.
    subscriptions_end_at: datetime | None = None
    _has_analysed: bool = False

    def analyse_once(self) -> None:
        """Every document keeps the process busy until it is read. Raises :class:`InvalidInput` for a second one."""
        if self._has_analysed:
            raise InvalidInput("An operation can ask for one price at a time.", field="query")
        self._has_analysed = True

    @cached_property
    def loaders(self) -> Loaders:
        """Loaders of this operation's own."""
        return Loaders(self.services)

    @property
    def viewer(self) -> Viewer:
        """Who is asking. Raises :class:`Unauthenticated` without a valid token."""
        viewer = self.viewer_or_none
        if viewer is None:
            raise Unauthenticated("Sign in first.")
        return viewer

    @property
    def viewer_or_none(self) -> Viewer | None:
        """Who is asking; None when the request has no token. Raises :class:`Unauthenticated` for one that is not valid.

        A client whose token has expired has to see an error, or it would take itself for signed out.
        """
        if self.token_error:
            raise Unauthenticated(self.token_error)
        if self.authenticated and self.authenticated.expires_at < now():
            raise Unauthenticated("The access token has expired.")
        return self.authenticated

    @property
    def payer(self) -> Payer:
        """Whose budget pays."""
        return Payer(self.address, self.authenticated.account_id if self.authenticated else None)


@dataclass
class RequestContext:
    """An HTTP request, which may bring several operations, or a WebSocket connection.

    ``base_url`` is the scheme and host by which the client reached the server; it begins every URL in the response.
    ``token_error`` says why the token of the request is not valid; fields that need no viewer work all the same.
    ``connection_params`` is what a WebSocket client sent to begin with. ``admissions`` are those of the operations, in
    the order in which they were begun.
    """

    services: Services
    address: str
    base_url: str
    authenticated: Viewer | None = None
    token_error: str | None = None
    connection_params: dict[str, object] | None = None
    admissions: MutableSequence[Admission] = field(default_factory=list)

    @property
    def subscriptions_end_at(self) -> datetime | None:
        """When the subscriptions of this request end: when the access token expires."""
        return self.authenticated.expires_at if self.authenticated else None

    def for_operation(self) -> Context:
        """What one more operation runs in."""
        admission = Admission()
        self.admissions.append(admission)
        return Context(
            self.services,
            self.authenticated,
            self.address,
            self.base_url,
            admission,
            self.token_error,
            self.subscriptions_end_at,
        )
