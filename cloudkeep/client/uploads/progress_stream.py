"""Follows an upload over Server-Sent Events until it is done, across lost connections."""

from contextlib import aclosing

from cloudkeep.client.api.documents import PROGRESS
from cloudkeep.client.api.graphql import Json
from cloudkeep.client.api.retry import Attempts, RetryPolicy
from cloudkeep.client.api.session import Session
from cloudkeep.client.display.progress import STAGES, Moment, Track, bytes_per_second
from cloudkeep.client.errors import TryAgain
from cloudkeep.client.uploads.uploads import FINAL, RECEIVING

COMPRESSING = "COMPRESSING"


class Follower:
    """Shows on a track what the server does with one upload."""

    def __init__(self, session: Session, upload_id: str, track: Track, patience: RetryPolicy) -> None:
        self._session = session
        self._upload_id = upload_id
        self._track = track
        self._attempts = Attempts(patience, track.note)
        self._cursor: str | None = None

    async def follow(self) -> None:
        """Return when the upload is at its end, or waits for chunks again because some were damaged.

        Raises :class:`UploadFailed` when the server stays away, and :class:`SignInError`.
        """
        while True:
            try:
                if await self._listen():
                    return
            except TryAgain as error:
                await self._attempts.failed(error)

    async def _listen(self) -> bool:
        """One connection; whether it brought the end."""
        values = self._session.follow(PROGRESS, id=self._upload_id, after=self._cursor)
        async with aclosing(values) as frames:
            async for frame in frames:
                self._attempts.succeeded()
                self._cursor = frame["cursor"]
                stage = frame["stage"]
                if stage == RECEIVING or stage in FINAL:
                    return True
                if frame["waitsFor"]:
                    self._track.note(f"the server goes on when it can: {frame['waitsFor']}")
                self._track.show(moment_of(frame))
        raise TryAgain("the server ended the connection")


def moment_of(frame: Json) -> Moment:
    """How a frame of the server's is shown."""
    stage, speed = frame["stage"], frame["speed"]
    return Moment(
        STAGES.get(stage, stage.capitalize()),
        frame["percent"],
        _speed(stage, speed) if speed else "",
        frame["etaSeconds"],
    )


def _speed(stage: str, speed: float) -> str:
    """While a video is compressed, speed is a multiple of the video's own."""
    return f"{speed:.1f}x" if stage == COMPRESSING else bytes_per_second(speed)
