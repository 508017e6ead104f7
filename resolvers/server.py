"""The public description of the server."""

from resolvers.context import Context
from services.container import ServerInfo as ServerInfo


def server_info(context: Context) -> ServerInfo:
    """The server's version, limits and features. It needs no viewer."""
    return context.services.server
