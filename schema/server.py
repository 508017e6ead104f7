"""What anyone may ask about the server."""

from enum import Enum

import strawberry

from resolvers.server import ServerInfo, server_info
from schema.cost.directives import Cost, at_most
from schema.relay.node import RequestInfo
from schema.scalars import ByteSize


@strawberry.enum(description="What a server may be able to do.")
class Feature(Enum):
    COMPRESSION = strawberry.enum_value("COMPRESSION", description="Videos can be compressed.")
    DIRECT_UPLOADS = strawberry.enum_value(
        "DIRECT_UPLOADS", description="Chunks can be sent straight to the store: `InitUploadInput.direct`."
    )


@strawberry.type(description="The server, and what clients may expect of it.", directives=[Cost(weight="0")])
class Server:
    version: str = strawberry.field(description="The version of CloudKeep.")
    max_file_size: ByteSize = strawberry.field(
        description="The size of the largest file that the server takes, in bytes."
    )
    features: list[Feature] = strawberry.field(
        description="What this server is able to do.", directives=[at_most(len(Feature))]
    )

    @classmethod
    def of(cls, server: ServerInfo) -> "Server":
        """The GraphQL form of what the server says about itself."""
        features = [Feature.COMPRESSION, *([Feature.DIRECT_UPLOADS] if server.takes_direct_uploads else [])]
        return cls(version=server.version, max_file_size=ByteSize(server.max_file_size), features=features)


@strawberry.type
class ServerQueries:
    @strawberry.field(description="The server, and what clients may expect of it. It needs no access token.")
    def server(self, info: RequestInfo) -> Server:
        return Server.of(server_info(info.context))
