"""The state that the app's lifespan gives to every request."""

from typing import TypedDict

from starlette.requests import HTTPConnection

from endpoints.downloads.blocks import BlockBudget
from endpoints.response_timeouts import ResponseTimeouts
from services.container import Services

#: The keys of :class:`State`, for the server's protocols, which get it as a plain dictionary.
SERVICES = "services"
RESPONSE_TIMEOUTS = "response_timeouts"
#: The key in the state of a request: see :func:`base_url_of`.
BASE_URL = "base_url"


class State(TypedDict):
    """The state of the lifespan, as Starlette has it in the scope."""

    services: Services
    response_timeouts: ResponseTimeouts
    block_budget: BlockBudget
    zip_budget: BlockBudget


def services_of(connection: HTTPConnection) -> Services:
    """The services of this process."""
    services = connection.scope["state"][SERVICES]
    assert isinstance(services, Services)
    return services


def block_budget_of(connection: HTTPConnection) -> BlockBudget:
    """The memory that all downloads of this process share."""
    budget = connection.scope["state"]["block_budget"]
    assert isinstance(budget, BlockBudget)
    return budget


def zip_budget_of(connection: HTTPConnection) -> BlockBudget:
    """The memory for the lists of entries of all zip files that this process sends."""
    budget = connection.scope["state"]["zip_budget"]
    assert isinstance(budget, BlockBudget)
    return budget


def base_url_of(connection: HTTPConnection) -> str:
    """Scheme, host and perhaps port by which the client reached this server, where that host is allowed."""
    return str(connection.scope["state"][BASE_URL])


def address_of(connection: HTTPConnection) -> str:
    """The client's address as text; empty where the server does not know it, as on a unix socket."""
    client = connection.scope.get("client")
    return str(client[0]) if client else ""
