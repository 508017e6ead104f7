"""What the app's lifespan gives to every request."""

from typing import TypedDict

from starlette.requests import HTTPConnection

from services.container import Services


class State(TypedDict):
    """The state of the lifespan, as Starlette has it in the scope."""

    services: Services


def services_of(connection: HTTPConnection) -> Services:
    """The services of this process."""
    services = connection.scope["state"]["services"]
    assert isinstance(services, Services)
    return services


def address_of(connection: HTTPConnection) -> str:
    """The client's address as text; empty where the server does not know it, as on a unix socket."""
    client = connection.scope.get("client")
    return str(client[0]) if client else ""
