"""Inputs of mutations of uploads."""

import strawberry

from schema.cost.directives import Cost
from schema.scalars import ByteSize
from services.media.types import Compression, CompressionPreset
from services.uploads.types import NewUpload

strawberry.enum(CompressionPreset, description="How hard to try: fast, or small.")


@strawberry.input(description="Ask for a compressed copy of the video.")
class CompressInput:
    preset: CompressionPreset
    max_height: int | None = strawberry.field(default=None, description="In pixels: even, 144 to 4320.")

    def to_domain(self) -> Compression:
        """What the services take. Raises :class:`services.core.errors.InvalidInput`."""
        return Compression(self.preset, self.max_height)


@strawberry.input
class InitUploadInput:
    file_name: str
    size: ByteSize
    mime_type: str | None = None
    sha256: str | None = strawberry.field(
        default=None,
        description="Of the whole file, in hex. It will be checked. A file that I have already is READY at once.",
    )
    chunk_size: int | None = strawberry.field(default=None, description="In bytes. The server picks a good one.")
    chunk_hashes: list[str] | None = strawberry.field(
        default=None,
        description="SHA-256 of every chunk in order, in hex, as `chunkSize` cuts the file. Chunks that a stored file "
        "of mine has are copied from there: their slots are `received`, and only the others are to be sent.",
        # Up to 10,000 are looked for, in 20 queries. The specification has no price by the item.
        directives=[Cost(weight="50")],
    )
    # A file of any length keeps ffmpeg busy for minutes.
    compress: CompressInput | None = strawberry.field(default=None, directives=[Cost(weight="50")])
    idempotency_key: str | None = strawberry.field(
        default=None,
        description="A second call with the same key returns the same upload. Without a key, an open upload of the "
        "same file is returned: same name, size and `sha256`.",
    )

    direct: bool | None = strawberry.field(
        default=None,
        description="Send the chunks straight to the store, where it can take them; the server's setting by default.",
    )

    def to_domain(self) -> NewUpload:
        """What the services take. Raises :class:`services.core.errors.InvalidInput`."""
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


@strawberry.input(description="What was put into a slot of a `direct` upload.")
class ReportedChunk:
    index: int
    etag: str = strawberry.field(description="As the store's answer had it, with or without quotes.")
    sha256: str = strawberry.field(description="Of the chunk, in hex. It will be checked.")
