"""Connections to the master that sentinels name, by https://valkey.io/topics/sentinel-clients/.

redis-py's own ``SentinelConnectionPool`` (8.1.0, tried with ``tests/storage/redis/test_sentinels.py``) is not enough:

- A sentinel that does not answer is asked first again by the next attempt, unless another one answered within the same
  attempt. A caller whose timeout is shorter than the sentinel's never reaches the next one. Here such a sentinel is
  asked last.
- It does not check the role of the server: a replica that the sentinels name answers reads, with data that may be old.
- ``MasterNotFoundError`` names all options of every client, and no answer of a sentinel.

It also waits for sentinels with ``socket_timeout``, which swallows cancellations: see ``storage.redis.connection``.
"""

from typing import Any

from redis.asyncio import Connection, SSLConnection
from redis.asyncio.connection import parse_url
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import ReadOnlyError

from storage.errors import in_one_line
from storage.redis.connection import NO_SOCKET_TIMEOUT, RedisUnavailable, in_time
from storage.redis.sentinel_url import SENTINEL_PASSWORD, SENTINEL_USERNAME, Address, SentinelUrl, parse_sentinel_url

#: Seconds for the answer of one sentinel, including the connection.
SENTINEL_TIMEOUT = 0.5


class MasterNotFound(NotConnected):
    """No sentinel names a master. The message is one line with the answer of each."""


class Sentinels:
    """The sentinels of one service, and the master of the latest connection."""

    def __init__(self, url: SentinelUrl) -> None:
        self.master: Address | None = None
        self._service = url.service
        self._sentinels = list(url.sentinels)
        self._connection_class: Any = SSLConnection if url.secure else Connection  # untyped in redis-py
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

    async def find_master(self) -> Address:
        """The address of the master, from the first sentinel that knows it. Raises :class:`MasterNotFound`."""
        reasons = []
        for sentinel in tuple(self._sentinels):
            try:
                return await self._ask(sentinel)
            except RedisUnavailable as error:
                reasons.append(f"{sentinel[0]}:{sentinel[1]} {in_one_line(error)}")
        raise MasterNotFound(f"no sentinel names a master of {self._service}: {'; '.join(reasons)}")

    async def _ask(self, sentinel: Address) -> Address:
        try:
            async with in_time(SENTINEL_TIMEOUT):
                address = await self._query(*sentinel)
            if address is None:
                raise MasterNotFound("does not know the service")
        except BaseException:
            # Also on a cancellation: the next attempt of a caller with a shorter timeout starts with another sentinel.
            self._sentinels.remove(sentinel)
            self._sentinels.append(sentinel)
            raise
        return address[0], int(address[1])

    async def _query(self, host: str, port: int) -> list[str] | None:
        connection = self._connection_class(host=host, port=port, **self._options)
        try:
            await connection.connect()
            await connection.send_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
            address: list[str] | None = await connection.read_response()
        finally:
            await connection.disconnect(nowait=True)
        return address


class MasterConnection(Connection):
    """A connection to the master, which is looked up for each new connection.

    Raises :class:`MasterNotFound`, or redis-py's ``ConnectionError`` if the sentinels name a replica.
    """

    def __init__(self, *, sentinels: Sentinels, **options: Any) -> None:
        super().__init__(**options)
        self._sentinels = sentinels

    async def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        """Connect, and reconnect when the master has changed: a pool calls this before it hands a connection out."""
        if self.is_connected:
            if self._sentinels.master == (self.host, self.port):
                return
            await self.disconnect(nowait=True)
        self.host, self.port = await self._sentinels.find_master()
        await super().connect_check_health(check_health, retry_socket_connect)
        self._sentinels.master = (self.host, self.port)

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Log in and check the role: sentinels may not know yet that this server is no longer the master."""
        await super().on_connect_check_health(check_health)
        await self.send_command("ROLE", check_health=False)
        if (await self.read_response(disable_decoding=True))[0] != b"master":
            raise NotConnected(f"{self.host}:{self.port} is a replica, though the sentinels name it")

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Disconnect when the server answers that it is a replica: the next attempt looks for the master again."""
        try:
            return await super().read_response(*args, **options)
        except ReadOnlyError as error:
            await self.disconnect(nowait=True)
            raise NotConnected(f"{self.host}:{self.port} has become a replica") from error


class SecureMasterConnection(MasterConnection, SSLConnection):
    """A connection to the master over TLS."""


def master_pool_options(url: str) -> tuple[str, dict[str, Any]]:
    """The URL and the options for a pool of redis-py whose connections lead to the master."""
    parsed = parse_sentinel_url(url)
    connection_class = SecureMasterConnection if parsed.secure else MasterConnection
    return parsed.master, {"connection_class": connection_class, "sentinels": Sentinels(parsed)}
