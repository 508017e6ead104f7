"""Follows an upload over Server-Sent Events until it is done, and reconnects after lost connections."""

from contextlib import aclosing

from rich.filesize import decimal

from cloudkeep.client.api.documents import UPLOAD_PROGRESS
from cloudkeep.client.api.graphql import Json
from cloudkeep.client.api.retry import Attempts, RetryPolicy
from cloudkeep.client.api.session import Session
from cloudkeep.client.display.progress import SERVER_STAGES, StageProgress, Track
from cloudkeep.client.errors import RetryableError
from cloudkeep.client.uploads.uploads import FINAL, RECEIVING

COMPRESSING = "COMPRESSING"


class ProgressStream:
    """Shows the server's progress with one upload on a track."""

    def __init__(self, session: Session, upload_id: str, track: Track, policy: RetryPolicy) -> None:
        self._session = session
        self._upload_id = upload_id
        self._track = track
        self._attempts = Attempts(policy, track.note)
        self._cursor: str | None = None

    async def follow(self) -> None:
        """Return when the upload has ended, or waits for chunks again because some were damaged.

        Raises :class:`TransferFailed` when the server cannot be reached any more, and :class:`SignInError`.
        """
        while True:
            try:
                if await self._follow_once():
                    return
            except RetryableError as error:
                await self._attempts.failed(error)

    async def _follow_once(self) -> bool:
        """Follow on one connection. Returns whether the upload has ended."""
        values = self._session.subscribe(UPLOAD_PROGRESS, id=self._upload_id, after=self._cursor)
        async with aclosing(values) as events:
            async for event in events:
                self._attempts.succeeded()
                self._cursor = event["cursor"]
                stage = event["stage"]
                if stage == RECEIVING or stage in FINAL:
                    return True
                if event["waitsFor"]:
                    self._track.note(f"the server is waiting: {event['waitsFor']}")
                self._track.show(stage_progress(event))
        raise RetryableError("the server ended the connection")


def stage_progress(event: Json) -> StageProgress:
    """The progress to show for an event of the server."""
    stage, speed = event["stage"], event["speed"]
    name = SERVER_STAGES.get(stage, stage.capitalize())
    text = _speed(stage, speed) if speed else ""
    return StageProgress(name, event["percent"], speed=text, eta_seconds=event["etaSeconds"])


def _speed(stage: str, speed: float) -> str:
    """Bytes per second, or for compression a multiple of the video's playback speed."""
    return f"{speed:.1f}x" if stage == COMPRESSING else f"{decimal(int(speed))}/s"
