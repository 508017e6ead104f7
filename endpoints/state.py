"""What the lifespan hands to the endpoints."""

from starlette.requests import HTTPConnection

from services.container import Services


def services_of(connection: HTTPConnection) -> Services:
    """The services of this process."""
    services = connection.scope["state"]["services"]
    assert isinstance(services, Services)
    return services
