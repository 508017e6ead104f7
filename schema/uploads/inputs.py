"""Inputs of mutations of uploads."""

from enum import Enum

import strawberry

from schema.cost.directives import Cost
from schema.scalars import ByteSize
from services.media.types import Compression
from services.media.types import CompressionPreset as Preset
from services.uploads.types import NewUpload, Report


@strawberry.enum(description="What matters most when a video is compressed.")
class CompressionPreset(Enum):
    FAST = strawberry.enum_value("FAST", description="The time it takes.")
    BALANCED = strawberry.enum_value("BALANCED", description="A balance of time, size and quality.")
    SMALL = strawberry.enum_value("SMALL", description="The size of the result.")


@strawberry.input(description="How to compress the video of an upload.")
class CompressInput:
    preset: CompressionPreset = strawberry.field(description="What matters most.")
    max_height: int | None = strawberry.field(
        default=None,
        description="The largest height of the result, in pixels: an even number from 144 to 4,320. Without it the "
        "height stays.",
    )

    def to_domain(self) -> Compression:
        """What the services take."""
        return Compression(Preset[self.preset.name], self.max_height)


@strawberry.input(description="The input of `initUpload`.")
class InitUploadInput:
    file_name: str = strawberry.field(
        description="The name of the file: 1 to 255 bytes of UTF-8, without slashes and control characters."
    )
    size: ByteSize = strawberry.field(description="The exact size of the file, in bytes: 1 to `Server.maxFileSize`.")
    mime_type: str | None = strawberry.field(
        default=None, description="The media type, such as `video/mp4`. By default it is guessed from the name."
    )
    sha256: str | None = strawberry.field(
        default=None,
        description="The SHA-256 of the whole file, as 64 hexadecimal digits. The file is verified against it. If the "
        "account has a file with these bytes, the upload is READY at once.",
    )
    chunk_size: int | None = strawberry.field(
        default=None,
        description="The size of every chunk but the last one, in bytes, for at most 10,000 chunks. By default the "
        "server chooses.",
    )
    chunk_hashes: list[str] | None = strawberry.field(
        default=None,
        description="The SHA-256 of every chunk in order, as 64 hexadecimal digits each. It needs `chunkSize`. Chunks "
        "that a file of the account has are copied on the server: their slots are `received`.",
        # Up to 10,000 are searched for, in 20 queries. The specification has no price for each item.
        directives=[Cost(weight="50")],
    )
    # A file of any length keeps ffmpeg busy for minutes.
    compress: CompressInput | None = strawberry.field(
        default=None, description="Make a compressed video of the file.", directives=[Cost(weight="50")]
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="1 to 255 characters. A second call with the same key returns the same upload. Without a key, an "
        "open upload of the same file is returned: one with the same name, size and `sha256`.",
    )
    direct: bool | None = strawberry.field(
        default=None,
        description="Send the chunks straight to the store, if `Server.features` has DIRECT_UPLOADS. By default the "
        "server's setting decides.",
    )

    def to_domain(self) -> NewUpload:
        """What the services take."""
        return NewUpload(
            file_name=self.file_name,
            size=self.size,
            mime_type=self.mime_type,
            sha256=self.sha256,
            chunk_size=self.chunk_size,
            chunk_hashes=self.chunk_hashes,
            compress=self.compress.to_domain() if self.compress else None,
            idempotency_key=self.idempotency_key,
            direct=self.direct,
        )


@strawberry.input(description="A chunk of a `direct` upload that was sent to the store.")
class ReportedChunk:
    index: int = strawberry.field(description="The index of the slot.")
    etag: str = strawberry.field(description="The `ETag` of the store's response, with or without quotes.")
    sha256: str = strawberry.field(
        description="The SHA-256 of the chunk, as 64 hexadecimal digits. The chunk is verified against it."
    )


@strawberry.input(description="The input of `completeUpload`.")
class CompleteUploadInput:
    upload_id: strawberry.ID = strawberry.field(description="The ID of the upload.")


@strawberry.input(description="The input of `reportChunks`.")
class ReportChunksInput:
    upload_id: strawberry.ID = strawberry.field(description="The ID of the upload.")
    chunks: list[ReportedChunk] = strawberry.field(description="1 to 1,000 chunks that were sent to the store.")

    def to_domain(self) -> list[Report]:
        """What the services take."""
        return [Report(chunk.index, chunk.etag, chunk.sha256) for chunk in self.chunks]


@strawberry.input(description="The input of `abortUpload`.")
class AbortUploadInput:
    upload_id: strawberry.ID = strawberry.field(description="The ID of the upload.")


@strawberry.input(description="The input of `retryUpload`.")
class RetryUploadInput:
    upload_id: strawberry.ID = strawberry.field(description="The ID of the upload.")
