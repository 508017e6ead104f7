"""Files and what is derived from them."""

from datetime import datetime

import strawberry

from resolvers import drive
from schema.cost.directives import at_most
from schema.relay.connections import Connection
from schema.relay.node import Node, RequestInfo
from schema.scalars import ByteSize
from services.media.types import MediaFacts
from storage.drive import models
from storage.drive.models import RenditionKind

strawberry.enum(RenditionKind, description="What a rendition is.")
#: A file has one of each kind.
RENDITIONS = at_most(len(RenditionKind))


@strawberry.type(description="What is in an audio or video file.")
class Media:
    duration: float | None = strawberry.field(description="In seconds.")
    width: int | None = strawberry.field(description="In pixels, as displayed.")
    height: int | None = strawberry.field(description="In pixels, as displayed.")
    frame_rate: float | None = strawberry.field(description="In frames per second.")
    video_codec: str | None
    audio_codec: str | None
    bit_rate: int | None = strawberry.field(description="Of the whole file, in bits per second.")
    container: str

    @classmethod
    def of(cls, facts: MediaFacts) -> "Media":
        """The GraphQL form of media facts."""
        return cls(
            duration=facts.duration,
            width=facts.width,
            height=facts.height,
            frame_rate=facts.frame_rate,
            video_codec=facts.video_codec,
            audio_codec=facts.audio_codec,
            bit_rate=facts.bit_rate,
            container=facts.container,
        )


@strawberry.type(description="A file derived from another one.")
class Rendition:
    row: strawberry.Private[models.Rendition]
    kind: RenditionKind
    mime_type: str
    size: ByteSize
    sha256: str

    @strawberry.field(description="Where its bytes are, for a few hours. Whoever has the URL can read them.")
    def download_url(self, info: RequestInfo) -> str:
        return drive.rendition_url(info.context, self.row)

    @classmethod
    def of(cls, row: models.Rendition) -> "Rendition":
        """The GraphQL form of a row."""
        return cls(
            row=row,
            kind=row.kind,
            mime_type=row.mime_type,
            size=ByteSize(row.blob.size),
            sha256=row.blob.sha256,
        )


@strawberry.type(description="A verified file.")
class File(Node):
    row: strawberry.Private[models.File]
    name: str
    size: ByteSize
    mime_type: str
    sha256: str
    created_at: datetime

    @strawberry.field(description="Where its bytes are, for a few hours. Whoever has the URL can read them.")
    def download_url(self, info: RequestInfo) -> str:
        return drive.file_url(info.context, self.row)

    @strawberry.field(description="What is in it, if it is audio or video.")
    def media(self) -> Media | None:
        return Media.of(MediaFacts.from_json(self.row.media)) if self.row.media else None

    @strawberry.field(description="What was derived from it.", directives=[RENDITIONS])
    async def renditions(self, info: RequestInfo) -> list[Rendition]:
        return [Rendition.of(row) for row in await drive.renditions(info.context, self.row)]

    @classmethod
    def of(cls, row: models.File) -> "File":
        """The GraphQL form of a row."""
        return cls(
            row=row,
            id=strawberry.ID(str(row.id)),
            name=row.name,
            size=ByteSize(row.blob.size),
            mime_type=row.mime_type,
            sha256=row.blob.sha256,
            created_at=row.created_at,
        )


FileConnection = Connection[File]
