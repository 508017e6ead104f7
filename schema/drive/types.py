"""Renditions, media and the URLs of bytes."""

from datetime import datetime
from enum import Enum
from typing import Annotated

import strawberry

from resolvers.drive import items as drive
from schema.cost.directives import at_most
from schema.relay.node import Node, RequestInfo
from schema.scalars import ByteSize
from schema.scopes.directives import READ
from services.access import types as access
from services.core.ids import Prefix, encode
from services.media.types import MediaFacts
from storage.drive import models
from storage.drive.models import RenditionKind

#: A file has one of each kind.
RENDITIONS = at_most(len(RenditionKind))
OLD_DOWNLOAD_URL = "Use `download`, which also has the expiry of the URL."
DOWNLOAD_URL = "The same as `download.url`."
DOWNLOAD = "The signed URL of the bytes; null if the viewer may not download them."


@strawberry.enum(description="The kind of a file's content.")
class FileKind(Enum):
    VIDEO = strawberry.enum_value("VIDEO", description="A video.")
    AUDIO = strawberry.enum_value("AUDIO", description="Sound or music.")
    IMAGE = strawberry.enum_value("IMAGE", description="A picture.")
    DOCUMENT = strawberry.enum_value("DOCUMENT", description="A text, a PDF, a table or a presentation.")
    ARCHIVE = strawberry.enum_value("ARCHIVE", description="A file that contains other files, or a compressed file.")
    OTHER = strawberry.enum_value("OTHER", description="Anything else.")


@strawberry.enum(description="How a rendition is made from its file.")
class RenditionRecipe(Enum):
    COMPRESSED_VIDEO = strawberry.enum_value(
        RenditionKind.COMPRESSED_VIDEO.value, description="The video as H.264 and AAC in an MP4 file."
    )


@strawberry.enum(description="What a browser does with a download.")
class Disposition(Enum):
    ATTACHMENT = strawberry.enum_value(access.Disposition.ATTACHMENT.value, description="It stores a file.")
    INLINE = strawberry.enum_value(
        access.Disposition.INLINE.value,
        description="It shows pictures, audio, video, PDF and plain text. Content that a browser might run, such as "
        "HTML, SVG, XML or JavaScript, and content of an unknown type is stored as a file nevertheless.",
    )

    @property
    def signed(self) -> access.Disposition:
        """The same for a signed URL."""
        return access.Disposition[self.name]


@strawberry.type(description="A URL that needs no access token: anyone who has it can use it until it expires.")
class SignedUrl:
    url: str = strawberry.field(description="The URL.")
    expires_at: datetime = strawberry.field(
        description="When the URL expires: by default at the first full hour after 6 hours. Query the field again to "
        "get a new URL."
    )


DownloadDisposition = Annotated[
    Disposition, strawberry.argument(description="What a browser does with the file, if it can.")
]


@strawberry.type(description="The properties of an audio or video file. A property that is not known is null.")
class Media:
    duration: float | None = strawberry.field(description="The duration, in seconds.")
    width: int | None = strawberry.field(description="The width of the picture as displayed, in pixels.")
    height: int | None = strawberry.field(description="The height of the picture as displayed, in pixels.")
    frame_rate: float | None = strawberry.field(description="The average frame rate, in frames per second.")
    video_codec: str | None = strawberry.field(description="The name of the video codec, such as `h264`.")
    audio_codec: str | None = strawberry.field(description="The name of the audio codec, such as `aac`.")
    bit_rate: int | None = strawberry.field(description="The bit rate of the whole file, in bits per second.")
    container: str = strawberry.field(
        description="The name of the container format, such as `mov,mp4,m4a,3gp,3g2,mj2`."
    )

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


@strawberry.type(
    description="A file that the server made from another one, such as a compressed video.", directives=[READ]
)
class Rendition(Node):
    row: strawberry.Private[models.Rendition]
    recipe: RenditionRecipe = strawberry.field(description="How the rendition was made.")
    mime_type: str = strawberry.field(description="The media type, such as `video/mp4`.")
    size: ByteSize = strawberry.field(description="The size, in bytes.")
    sha256: str = strawberry.field(description="The SHA-256 of the bytes, in hexadecimal digits.")

    @strawberry.field(description=DOWNLOAD)
    def download(
        self, info: RequestInfo, disposition: DownloadDisposition = Disposition.ATTACHMENT
    ) -> SignedUrl | None:
        return signed_url(info, drive.rendition_url(info.context, self.row, disposition.signed))

    @strawberry.field(description=DOWNLOAD_URL, deprecation_reason=OLD_DOWNLOAD_URL)
    def download_url(self, info: RequestInfo) -> str | None:
        return drive.rendition_url(info.context, self.row)

    @classmethod
    def of(cls, row: models.Rendition) -> "Rendition":
        """The GraphQL form of a row."""
        return cls(
            row=row,
            id=strawberry.ID(encode(Prefix.RENDITION, row.id)),
            recipe=RenditionRecipe(row.kind.value),
            mime_type=row.mime_type,
            size=ByteSize(row.blob.size),
            sha256=row.blob.sha256,
        )


def signed_url(info: RequestInfo, url: str) -> SignedUrl:
    """A URL that was signed now."""
    return SignedUrl(url=url, expires_at=drive.download_url_expires_at(info.context))
