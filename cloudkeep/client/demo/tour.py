"""The steps of the demo, from registration to download, through the public API."""

import asyncio
import hashlib
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from rich.filesize import decimal

from cloudkeep.client.api.graphql import Json
from cloudkeep.client.api.http import network_errors_retryable, raise_if_retryable
from cloudkeep.client.api.retry import Attempts, RetryPolicy, retry
from cloudkeep.client.api.session import Session
from cloudkeep.client.api.tokens import TokenPair
from cloudkeep.client.demo.clip import make_clip
from cloudkeep.client.demo.documents import ABORT_UPLOAD, FILE, REGISTER, VERIFY_OTP
from cloudkeep.client.demo.transcript import ShownGraphQL, Transcript
from cloudkeep.client.display.progress import SENDING, ByteCounter, StageProgress
from cloudkeep.client.errors import ClientError, RequestRefused, TransferFailed
from cloudkeep.client.uploads.progress_stream import ProgressStream
from cloudkeep.client.uploads.sender import Sender
from cloudkeep.client.uploads.slots import MissingSlots
from cloudkeep.client.uploads.source import Digests, Source
from cloudkeep.client.uploads.uploads import READY, Uploads, init_input
from services.media.types import Compression, CompressionPreset

CHUNK_SIZE = 1024 * 1024
PARALLEL = 4
#: Seconds to abort the upload after an interruption.
ABORT_TIMEOUT = 5.0
WRONG_CODE = "INVALID_OTP"


class Tour:
    """One run of the demo, with an account of its own. Its files are in ``folder``, which the caller deletes.

    Every step raises :class:`cloudkeep.client.errors.ClientError`.
    """

    def __init__(
        self, http: httpx.AsyncClient, url: str, transcript: Transcript, folder: Path, email: str | None
    ) -> None:
        self.user_id = f"demo-{secrets.token_hex(4)}"
        self.email = email or f"{self.user_id}@example.org"
        self.password = secrets.token_urlsafe(12)
        self._http = http
        self._graphql = ShownGraphQL(http, url, transcript)
        self._session = Session(self._graphql)
        self._transcript = transcript
        self._folder = folder
        self._clip = folder / "clip.mp4"
        self._registration_id = ""

    async def register(self) -> None:
        """Register the account. The server mails a code."""
        self._transcript.step("Register", "We register a new account. The server mails a code to its e-mail address.")
        names = {"userId": self.user_id, "userName": "Demo", "email": self.email, "password": self.password}
        self._registration_id = (await self._execute(REGISTER, input=names))["registration"]["id"]

    async def verify(self, code: str) -> bool:
        """Verify the code and sign in. Returns False for a wrong code."""
        try:
            payload = await self._execute(VERIFY_OTP, input={"registrationId": self._registration_id, "otp": code})
        except RequestRefused as error:
            if error.code != WRONG_CODE:
                raise
            return False
        session = payload["session"]
        self._session = Session(
            self._graphql, TokenPair(self._graphql, session["accessToken"], session["refreshToken"])
        )
        return True

    async def upload_and_download(self) -> None:
        """Upload a clip, watch its compression, and download both versions. Cancelling aborts the upload."""
        self._transcript.step("Make a clip", "ffmpeg makes a short video in a temporary folder.")
        await make_clip(self._clip)
        self._transcript.note(f"  {self._clip.name}: {decimal(self._clip.stat().st_size)}")
        with Source(self._clip) as source:
            digests = await source.digests(CHUNK_SIZE, lambda _: None)
            file = await self._upload(source, digests)
        await self._download_both(file, digests.whole)

    async def _upload(self, source: Source, digests: Digests) -> Json:
        uploads = Uploads(self._session, RetryPolicy(), self._transcript.note)
        self._transcript.step(
            "Start the upload", "We declare size and SHA-256 of the file and its chunks, and ask for a compressed copy."
        )
        variables = init_input(source.name, source.size, digests, Compression(CompressionPreset.BALANCED))
        upload = await uploads.init(variables)
        try:
            await self._send(source, uploads, upload.id)
            return await self._follow(upload.id)
        except BaseException:
            await self._abort(upload.id)
            raise

    async def _send(self, source: Source, uploads: Uploads, upload_id: str) -> None:
        self._transcript.step(
            "Send the chunks", f"Each slot has a signed URL. We send {PARALLEL} chunks at a time; in any order."
        )
        slots, notes = MissingSlots(uploads, upload_id), _Notes(self._transcript)
        sender = Sender(self._http, slots, source, RetryPolicy(), self._transcript.note)
        await sender.send(0, ByteCounter(notes, SENDING, source.size), PARALLEL)

    async def _follow(self, upload_id: str) -> Json:
        self._transcript.step(
            "Watch the progress", "The server verifies every byte and compresses the video; a subscription reports it."
        )
        notes = _Notes(self._transcript)
        await ProgressStream(self._session, upload_id, notes, RetryPolicy()).follow()
        self._transcript.step("Get the download URLs", "The file is in the drive, with its compressed copy.")
        upload = await self._execute(FILE, id=upload_id)
        if not upload or upload["status"] != READY:
            raise TransferFailed(f"the upload is {upload['status'] if upload else 'gone'}, not {READY}")
        file: Json = upload["file"]
        return file

    async def _abort(self, upload_id: str) -> None:
        """Abort the upload after an interruption or a failure, if the server answers within a few seconds."""
        self._transcript.step("Clean up", "The demo did not finish, so we abort the upload.")
        with suppress(ClientError, TimeoutError):
            async with asyncio.timeout(ABORT_TIMEOUT):
                await self._execute(ABORT_UPLOAD, input={"uploadId": upload_id})

    async def _download_both(self, file: Json, sha256: str) -> None:
        self._transcript.step("Download the original", "Its SHA-256 must equal that of the clip.")
        await self._download(file, sha256, self._folder / "original.mp4")
        if not file["renditions"]:
            raise TransferFailed("the server did not compress the video")
        (rendition,) = file["renditions"]
        self._transcript.step("Download the compressed copy", "Its SHA-256 must equal the one that the server gave us.")
        await self._download(rendition, rendition["sha256"], self._folder / "compressed.mp4")
        percent = 100 * rendition["size"] / file["size"]
        self._transcript.note(
            f"\nDone. The compressed copy is {decimal(rendition['size'])}, {percent:.0f} % of the original's "
            f"{decimal(file['size'])}. For a few hours, this URL downloads it:",
            "bold green",
        )
        self._transcript.note(rendition["download"]["url"])

    async def _download(self, stored: Json, sha256: str, path: Path) -> None:
        attempts = Attempts(RetryPolicy(), self._transcript.note)
        digest = await retry(lambda: self._get(stored["download"]["url"], path), attempts)
        if digest != sha256:
            raise TransferFailed(f"the SHA-256 of {path.name} is {digest}, not {sha256}")
        self._transcript.note(f"  SHA-256 matches: {digest}", "green")

    async def _get(self, url: str, path: Path) -> str:
        """Download to the path. Returns the SHA-256 in hex."""
        digest = hashlib.sha256()
        with path.open("wb") as file, network_errors_retryable(url):
            async with self._http.stream("GET", url, follow_redirects=True) as response:
                raise_if_retryable(response)
                if not response.is_success:
                    raise TransferFailed(f"the download was refused: {response.status_code} {response.reason_phrase}")
                async for block in response.aiter_bytes():
                    file.write(block)
                    digest.update(block)
        return digest.hexdigest()

    async def _execute(self, document: str, **variables: object) -> Any:
        attempts = Attempts(RetryPolicy(), self._transcript.note)
        return await retry(lambda: self._session.execute(document, **variables), attempts)


class _Notes:
    """A :class:`cloudkeep.client.display.progress.Track` that prints messages only."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript

    def show(self, progress: StageProgress) -> None:
        """Print nothing."""

    def note(self, text: str) -> None:
        """Print the message."""
        self._transcript.note(f"  {text}")
