"""Connections to the master that sentinels name, found as https://valkey.io/topics/sentinel-clients/ has it."""

from typing import Any

from redis.asyncio import Connection, SSLConnection
from redis.asyncio.connection import parse_url
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import ReadOnlyError

from storage.errors import in_one_line
from storage.redis.connection import NO_SOCKET_TIMEOUT, RedisUnavailable, in_time
from storage.redis.sentinel_url import SENTINEL_PASSWORD, SENTINEL_USERNAME, Address, SentinelUrl, parse_sentinel_url

#: One sentinel's time to answer, connecting included. The next one is asked then.
ASK_SECONDS = 0.5


class MasterNotFound(NotConnected):
    """No sentinel names a master. The message is one line with what each of them said."""


class Sentinels:
    """The sentinels of one service, and the master to which somebody has connected last."""

    def __init__(self, url: SentinelUrl) -> None:
        self.master: Address | None = None
        self._service = url.service
        self._sentinels = list(url.sentinels)
        self._kind: Any = SSLConnection if url.secure else Connection  # untyped in redis-py
        self._options = {
            "username": url.options.get(SENTINEL_USERNAME),
            "password": url.options.get(SENTINEL_PASSWORD),
            "protocol": 2,
            "driver_info": None,
            "decode_responses": True,
            "socket_connect_timeout": None,
            **NO_SOCKET_TIMEOUT,
            **{name: value for name, value in parse_url(url.master).items() if name.startswith("ssl_")},
        }

    async def find(self) -> Address:
        """Ask one sentinel after the other where the master is. Raises :class:`MasterNotFound`."""
        reasons = []
        for sentinel in tuple(self._sentinels):
            try:
                return await self._ask(sentinel)
            except RedisUnavailable as error:
                reasons.append(f"{sentinel[0]}:{sentinel[1]} {in_one_line(error)}")
        raise MasterNotFound(f"no sentinel names a master of {self._service}: {'; '.join(reasons)}")

    async def _ask(self, sentinel: Address) -> Address:
        try:
            async with in_time(ASK_SECONDS):
                answer = await self._answer(*sentinel)
            if answer is None:
                raise MasterNotFound("does not know it")
        except BaseException:
            # Also when the time of whoever asks was up before ours: they begin with another one when they come back.
            self._sentinels.remove(sentinel)
            self._sentinels.append(sentinel)
            raise
        return answer[0], int(answer[1])

    async def _answer(self, host: str, port: int) -> list[str] | None:
        connection = self._kind(host=host, port=port, **self._options)
        try:
            await connection.connect()
            await connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
            answer: list[str] | None = await connection.read_response()
        finally:
            await connection.disconnect(nowait=True)
        return answer


class MasterConnection(Connection):
    """Is to the master, wherever that is: it is looked for whenever this connects.

    Raises :class:`MasterNotFound`, or redis-py's ``ConnectionError`` where what the sentinels name is a replica.
    """

    def __init__(self, *, sentinels: Sentinels, **options: Any) -> None:
        super().__init__(**options)
        self._sentinels = sentinels

    async def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        """Connect, also when the master was found elsewhere meanwhile: a pool asks for this before it lends us."""
        if self.is_connected:
            if self._sentinels.master == (self.host, self.port):
                return
            await self.disconnect(nowait=True)
        self.host, self.port = await self._sentinels.find()
        await super().connect_check_health(check_health, retry_socket_connect)
        self._sentinels.master = (self.host, self.port)

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Log in, and see that it is the master: sentinels may not have heard yet that it no longer is."""
        await super().on_connect_check_health(check_health)
        await self.send_command("ROLE", check_health=False)
        if (await self.read_response(disable_decoding=True))[0] != b"master":
            raise NotConnected(f"{self.host}:{self.port} is a replica, though the sentinels name it")

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Whoever answers as a replica no longer is the master."""
        try:
            return await super().read_response(*args, **options)
        except ReadOnlyError as error:
            await self.disconnect(nowait=True)
            raise NotConnected(f"{self.host}:{self.port} has become a replica") from error


class SecureMasterConnection(MasterConnection, SSLConnection):
    """The same by TLS."""


def to_master(url: str) -> tuple[str, dict[str, Any]]:
    """The URL and the options of a pool of redis-py's whose connections are to the master."""
    found = parse_sentinel_url(url)
    kind = SecureMasterConnection if found.secure else MasterConnection
    return found.master, {"connection_class": kind, "sentinels": Sentinels(found)}
