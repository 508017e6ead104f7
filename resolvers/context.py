"""The contexts of resolvers: one for each operation, and one for each request or WebSocket connection."""

from collections.abc import MutableSequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from strawberry.dataloader import DataLoader

from resolvers.cookies import Cookie, CookieName, Cookies
from services.accounts.errors import Unauthenticated
from services.accounts.sessions.sessions import Client
from services.accounts.tokens import Viewer
from services.budgets.budgets import LayerStatus, Payer
from services.container import Services
from services.core.errors import CloudKeepError, InvalidInput
from storage.accounts.models import Account
from storage.drive.models import FileVersion, Item, Rendition
from storage.drive.tree.listing import ItemList
from storage.uploads.open_slots import SlotRange

#: Why there are no cookies where the transport does not say otherwise.
NO_COOKIES = "Only a response over HTTP can set cookies."


class Loaders:
    """Data loaders, which batch the keys of many fields into one query. They do not cache, because rows may change."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @cached_property
    def accounts(self) -> DataLoader[UUID, Account | None]:
        """Accounts by their keys."""
        return DataLoader(load_fn=self._accounts, cache=False)

    @cached_property
    def waiting(self) -> DataLoader[UUID, str | None]:
        """The code of the resource that the job of an upload waits for, by the upload's key."""
        return DataLoader(load_fn=self._waiting, cache=False)

    @cached_property
    def items(self) -> DataLoader[UUID, Item | None]:
        """Folders and files by their keys."""
        return DataLoader(load_fn=self._items, cache=False)

    @cached_property
    def versions(self) -> DataLoader[UUID, FileVersion | None]:
        """Versions by their keys, with their blobs and files."""
        return DataLoader(load_fn=self._versions, cache=False)

    @cached_property
    def renditions(self) -> DataLoader[UUID, list[Rendition]]:
        """The renditions of a version, by its key."""
        return DataLoader(load_fn=self._renditions, cache=False)

    @cached_property
    def item_pages(self) -> DataLoader[ItemList, list[Item]]:
        """Windows of the items of folders."""
        return DataLoader(load_fn=self._services.items.pages, cache=False)

    @cached_property
    def item_counts(self) -> DataLoader[UUID, int]:
        """The number of items in a folder, by its key."""
        return DataLoader(load_fn=self._item_counts, cache=False)

    @cached_property
    def total_sizes(self) -> DataLoader[UUID, int | None]:
        """The bytes below a folder, by its key."""
        return DataLoader(load_fn=self._total_sizes, cache=False)

    @cached_property
    def paths(self) -> DataLoader[UUID, str]:
        """The path of a folder or file, by its key."""
        return DataLoader(load_fn=self._paths, cache=False)

    @cached_property
    def open_slots(self) -> DataLoader[SlotRange, list[range]]:
        """The open slots of parts of uploads."""
        return DataLoader(load_fn=self._open_slots, cache=False)

    async def _accounts(self, keys: list[UUID]) -> list[Account | None]:
        accounts = await self._services.accounts.find_many(keys)
        return [accounts.get(key) for key in keys]

    async def _waiting(self, keys: list[UUID]) -> list[str | None]:
        codes = await self._services.uploads.waiting_of(keys)
        return [codes.get(key) for key in keys]

    async def _items(self, keys: list[UUID]) -> list[Item | None]:
        items = await self._services.items.find_many(set(keys))
        return [items.get(key) for key in keys]

    async def _item_counts(self, keys: list[UUID]) -> list[int]:
        counts = await self._services.items.counts(set(keys))
        return [counts[key] for key in keys]

    async def _total_sizes(self, keys: list[UUID]) -> list[int | None]:
        sizes = await self._services.items.total_sizes(set(keys))
        return [sizes.get(key) for key in keys]

    async def _paths(self, keys: list[UUID]) -> list[str]:
        paths = await self._services.items.paths(set(keys))
        return [paths.get(key, "/") for key in keys]

    async def _versions(self, keys: list[UUID]) -> list[FileVersion | None]:
        versions = await self._services.items.find_versions(set(keys))
        return [versions.get(key) for key in keys]

    async def _renditions(self, keys: list[UUID]) -> list[list[Rendition]]:
        renditions = await self._services.items.renditions_of(keys)
        return [renditions[key] for key in keys]

    async def _open_slots(self, parts: list[SlotRange]) -> list[list[range]]:
        return await self._services.uploads.open_slots(parts)


@dataclass
class Admission:
    """The cost of one operation, in points, and the status of the budgets that pay for it.

    ``requested`` is the price. ``actual`` is None until the operation has run. ``refused`` is the error of an operation
    that was not admitted.
    """

    requested: int = 0
    actual: int | None = None
    layers: tuple[LayerStatus, ...] = ()
    refused: CloudKeepError | None = None


@dataclass
class Context:
    """The context of one operation: the services, the viewer, the client's address, and the operation's cost.

    Every URL in the response begins with ``base_url``. ``token_error`` says why the token of the request is not valid,
    or cannot be checked at the moment.
    """

    services: Services
    authenticated: Viewer | None
    address: str
    base_url: str
    admission: Admission
    token_error: CloudKeepError | None = None
    user_agent: str | None = None
    #: Whether subscriptions end with the credentials of the viewer. Otherwise the transport ends.
    ends_subscriptions: bool = True
    cookies: Cookies = field(default_factory=lambda: Cookies(NO_COOKIES))
    _has_analysed: bool = False

    def analyse_once(self) -> None:
        """Allow one analysis of a document, which blocks the process. Raises :class:`InvalidInput` on another call."""
        if self._has_analysed:
            raise InvalidInput("An operation may query `operationCost` only once.", field="query")
        self._has_analysed = True

    @cached_property
    def loaders(self) -> Loaders:
        """The data loaders of this operation."""
        return Loaders(self.services)

    @property
    def viewer(self) -> Viewer:
        """The account that is signed in. Raises :class:`Unauthenticated` without a valid token."""
        viewer = self.viewer_or_none
        if viewer is None:
            raise Unauthenticated("Sign in first.")
        return viewer

    @property
    def viewer_or_none(self) -> Viewer | None:
        """The account that is signed in; None if the request has no token.

        Raises :class:`Unauthenticated` for a token that is not valid: with None, a client whose token has expired would
        appear to be signed out. Raises :class:`TemporarilyUnavailable` if the token cannot be checked at the moment.
        """
        if self.token_error:
            raise self.token_error
        if self.authenticated and self.authenticated.has_expired:
            raise Unauthenticated("The access token has expired.")
        return self.authenticated

    @property
    def client(self) -> Client:
        """Where the request comes from."""
        return Client(self.address, self.user_agent)

    def cookie(self, name: CookieName) -> str | None:
        """The value of a cookie of the request; None without it, and if the request may use no cookies."""
        return self.cookies.received.get(name)

    def set_cookie(self, name: CookieName, value: str, max_age: int) -> None:
        """Have the response set a cookie for ``max_age`` seconds. Raises :class:`CookiesRefused`."""
        self.cookies.set(Cookie(name, value, max_age))

    def clear_session_cookie(self) -> None:
        """Have the response delete the session cookie, if the request may use cookies."""
        self.cookies.clear(CookieName.SESSION)

    @property
    def payer(self) -> Payer:
        """The address, the account and the API token whose budgets pay for the operation."""
        viewer = self.authenticated
        return Payer(self.address, viewer.account_id, viewer.api_token_id) if viewer else Payer(self.address)


@dataclass
class RequestContext:
    """The context of an HTTP request, which may have several operations, or of a WebSocket connection.

    ``base_url`` is the scheme and host that the client used; every URL in the response begins with it. ``token_error``
    says why the token of the request is not valid, or cannot be checked at the moment; fields that need no viewer work
    nevertheless. ``connection_params`` is the payload of a WebSocket client's ``connection_init``. ``admissions`` has
    one entry for each operation, in the order in which the operations started. All operations share ``cookies``.
    """

    services: Services
    address: str
    base_url: str
    authenticated: Viewer | None = None
    token_error: CloudKeepError | None = None
    user_agent: str | None = None
    connection_params: dict[str, object] | None = None
    admissions: MutableSequence[Admission] = field(default_factory=list)
    cookies: Cookies = field(default_factory=lambda: Cookies(NO_COOKIES))

    @property
    def client(self) -> Client:
        """Where the request comes from."""
        return Client(self.address, self.user_agent)

    @property
    def ends_subscriptions(self) -> bool:
        """Whether the subscriptions of this request end with the credentials of the viewer."""
        return True

    def sign_in(self, viewer: Viewer) -> None:
        """Run later operations for this viewer."""
        self.authenticated, self.token_error = viewer, None

    def for_operation(self) -> Context:
        """A context for one more operation."""
        admission = Admission()
        self.admissions.append(admission)
        return Context(
            self.services,
            self.authenticated,
            self.address,
            self.base_url,
            admission,
            self.token_error,
            self.user_agent,
            self.ends_subscriptions,
            self.cookies,
        )
