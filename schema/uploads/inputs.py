"""Inputs of mutations of uploads."""

from enum import Enum

import strawberry

from schema.cost.directives import Cost
from schema.drive.inputs import ConflictPolicy
from schema.scalars import ByteSize
from services.media.types import Compression
from services.media.types import CompressionPreset as Preset
from services.uploads.types import NewUpload, Report


@strawberry.enum(description="The goal of a compression.")
class CompressionPreset(Enum):
    FAST = strawberry.enum_value("FAST", description="The compression takes as little time as possible.")
    BALANCED = strawberry.enum_value("BALANCED", description="A balance of time, size and quality.")
    SMALL = strawberry.enum_value("SMALL", description="The result is as small as possible.")


@strawberry.input(description="How to compress the video of an upload.")
class CompressInput:
    preset: CompressionPreset = strawberry.field(description="The goal of the compression.")
    max_height: int | None = strawberry.field(
        default=None,
        description="The largest height of the result, in pixels: an even number from 144 to 4,320. By default the "
        "video keeps its height.",
    )

    def to_domain(self) -> Compression:
        """The form that the services accept."""
        return Compression(Preset[self.preset.name], self.max_height)


@strawberry.input(description="The input of `initUpload`.")
class InitUploadInput:
    file_name: str = strawberry.field(
        description="The name of the file: 1 to 255 bytes in UTF-8, without slashes and control characters."
    )
    size: ByteSize = strawberry.field(
        description="The exact size of the file, in bytes: 0 to `Server.maxFileSize`. An empty file is READY at once."
    )
    mime_type: str | None = strawberry.field(
        default=None,
        description="The media type, such as `video/mp4`, as a hint: it counts where neither the content nor the "
        "name shows the type.",
    )
    sha256: str | None = strawberry.field(
        default=None,
        description="The SHA-256 of the whole file, as 64 hexadecimal digits. The server verifies the file against it. "
        "If the account already has a file with these bytes, the upload needs no chunks.",
    )
    chunk_size: int | None = strawberry.field(
        default=None,
        description="The size of every chunk except the last one, in bytes: at most 95 MiB, and at least 64 KiB, or 5 "
        "MiB if the server stores its files on S3. A file has at most 10,000 chunks. The default is 16 MiB, or more "
        "for a file of more than 156 GiB.",
    )
    chunk_hashes: list[str] | None = strawberry.field(
        default=None,
        description="The SHA-256 of every chunk in order, as 64 hexadecimal digits each. The server copies chunks that "
        "another file of the account has: their slots are `received` from the start.",
        # Up to 10,000 hashes are looked up, in 20 queries. The specification has no price per item of a list.
        directives=[Cost(weight="50")],
    )
    # ffmpeg takes minutes for a video of any length.
    compress: CompressInput | None = strawberry.field(
        default=None,
        description="How to make a compressed video of the file. By default there is none.",
        directives=[Cost(weight="50")],
    )
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A key that identifies the upload in the account: 1 to 255 characters. A second call with the same "
        "key returns the same upload, unless its file was deleted, trashed, moved or replaced since. Without a key, a "
        "call with `sha256` returns an open upload with the same name, size and `sha256` into the same folder with the "
        "same policy, if there is one.",
    )
    direct: bool | None = strawberry.field(
        default=None,
        description="Whether to send the chunks straight to S3, if `Server.features` has DIRECT_UPLOADS. The server "
        "has a setting for the default.",
    )
    parent_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The ID of the folder for the file. The default is the root. If the folder is deleted or in the "
        "trash when the file is stored, the file goes into the root.",
    )
    relative_path: str | None = strawberry.field(
        default=None,
        description="The path from this folder to the one for the file: names with slashes between them, such as "
        "`photos/2026`. Folders that are missing are created: at most 100 by one call, others are TOO_MANY_ITEMS.",
        # A hundred files may create a hundred folders, which takes nearly as long as to start the uploads. More would
        # keep a client with many small files in folders below the speed of the server.
        directives=[Cost(weight="2")],
    )
    conflict: ConflictPolicy | None = strawberry.field(
        default=ConflictPolicy.KEEP_BOTH,
        description="What happens if the folder already has an item of this name. FAIL is decided when the upload "
        "starts; if the name is taken later, the file gets a number. With REPLACE, a file with the same bytes stays "
        "as it is.",
    )

    def to_domain(self) -> NewUpload:
        """The form that the services accept."""
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
            relative_path=self.relative_path,
            conflict=(self.conflict or ConflictPolicy.KEEP_BOTH).to_domain(),
        )


@strawberry.input(description="The input of `initUploads`.")
class InitUploadsInput:
    uploads: list[InitUploadInput] = strawberry.field(description="The files to upload: 1 to 100.")

    def to_domain(self) -> list[tuple[NewUpload, str | None]]:
        """Each file in the form that the services accept, with the ID of its folder."""
        return [(upload.to_domain(), upload.parent_id) for upload in self.uploads]


@strawberry.input(description="A chunk of a `direct` upload that was sent to S3.")
class ReportedChunk:
    index: int = strawberry.field(description="The index of the slot.")
    etag: str = strawberry.field(description="The header `ETag` of the response of S3, with or without its quotes.")
    sha256: str = strawberry.field(
        description="The SHA-256 of the chunk, as 64 hexadecimal digits. The server verifies the chunk against it."
    )


@strawberry.input(description="The input of `completeUpload`.")
class CompleteUploadInput:
    upload_id: strawberry.ID = strawberry.field(description="The ID of the upload.")


@strawberry.input(description="The input of `reportChunks`.")
class ReportChunksInput:
    upload_id: strawberry.ID = strawberry.field(description="The ID of the upload.")
    chunks: list[ReportedChunk] = strawberry.field(description="The chunks that were sent to S3: 1 to 1,000.")

    def to_domain(self) -> list[Report]:
        """The form that the services accept."""
        return [Report(chunk.index, chunk.etag, chunk.sha256) for chunk in self.chunks]


@strawberry.input(description="The input of `abortUpload`.")
class AbortUploadInput:
    upload_id: strawberry.ID = strawberry.field(description="The ID of the upload.")


@strawberry.input(description="The input of `retryUpload`.")
class RetryUploadInput:
    upload_id: strawberry.ID = strawberry.field(description="The ID of the upload.")
