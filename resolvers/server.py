"""What anyone may know about the server."""

from resolvers.context import Context
from services.container import ServerInfo as ServerInfo


def server_info(context: Context) -> ServerInfo:
    """What the server says about itself. It needs no viewer."""
    return context.services.server
