"""The query for the version, limits and features of the server."""

from enum import Enum

import strawberry

from resolvers.server import ServerInfo, server_info
from schema.cost.directives import Cost, at_most
from schema.relay.node import RequestInfo
from schema.scalars import ByteSize
from schema.scopes.directives import ANY_API_TOKEN


@strawberry.enum(description="An optional feature of a server.")
class Feature(Enum):
    COMPRESSION = strawberry.enum_value("COMPRESSION", description="The server can compress videos.")
    DIRECT_UPLOADS = strawberry.enum_value(
        "DIRECT_UPLOADS", description="Clients can send chunks straight to S3: see `InitUploadInput.direct`."
    )


@strawberry.enum(description="Who may register an account.")
class RegistrationMode(Enum):
    OPEN = strawberry.enum_value("OPEN", description="Everybody.")
    INVITE = strawberry.enum_value("INVITE", description="People with an invitation: see `RegisterInput.invitation`.")
    CLOSED = strawberry.enum_value("CLOSED", description="Nobody.")


@strawberry.type(description="The version, limits and features of the server.", directives=[Cost(weight="0")])
class Server:
    version: str = strawberry.field(description="The version of CloudKeep.")
    max_file_size: ByteSize = strawberry.field(
        description="The size of the largest file that the server accepts, in bytes."
    )
    features: list[Feature] = strawberry.field(
        description="The optional features that this server has.", directives=[at_most(len(Feature))]
    )
    registration: RegistrationMode = strawberry.field(description="Who may register an account.")
    trash_ttl: int | None = strawberry.field(
        description="How many seconds something stays in the trash until it is deleted for good; null for ever."
    )

    @classmethod
    def of(cls, server: ServerInfo) -> "Server":
        """The GraphQL form of a server's description."""
        features = [Feature.COMPRESSION, *([Feature.DIRECT_UPLOADS] if server.takes_direct_uploads else [])]
        return cls(
            version=server.version,
            max_file_size=ByteSize(server.max_file_size),
            features=features,
            registration=RegistrationMode[server.registration.name],
            trash_ttl=server.trash_ttl,
        )


@strawberry.type
class ServerQueries:
    @strawberry.field(
        description="The version, limits and features of the server. It needs no access token.",
        directives=[ANY_API_TOKEN],
    )
    def server(self, info: RequestInfo) -> Server:
        return Server.of(server_info(info.context))
