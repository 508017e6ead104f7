"""One attack on a server of its own, and what it did to the server and to the honest client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.attacks.attack import Attack
from bench.attacks.honest import HonestClient, Waits
from bench.attacks.process import AttackResult, attacking
from bench.attacks.target import PROXY, Target
from bench.clients.connection import Connection, send_over_connections
from bench.clients.payload import MIB, make_payload
from bench.clients.user import Slot, User
from bench.contenders.cloudkeep import API, CloudKeep, put_raw
from bench.harness.server import Server, free_port, running

#: Seconds of honest queries before the attack: the first ones load code, the others show the machine's noise.
WARM_SECONDS, QUIET_SECONDS = 1.0, 3.0
#: What a server promises while a stranger attacks it: milliseconds of the longest wait, and bytes of memory.
LONGEST_WAIT, MOST_MEMORY = 250.0, 64 * MIB
#: The slots of the attacker's upload, and the size of the attacker's file.
SLOTS, CHUNK_SIZE, FILE_SIZE = 1_000, 64 * 1024, 16 * MIB


@dataclass(frozen=True)
class Measurement:
    """The figures of one attack, or of a quiet time where there is none.

    ``cpu`` is in seconds of all processes of the server, ``growth`` in bytes of the API process.
    """

    quiet: Waits
    waits: Waits
    cpu: float
    growth: float
    attack: AttackResult

    def broken_promises(self, attack: Attack) -> list[str]:
        """The promises that did not hold, in words."""
        if attack.cpu_seconds is not None:
            return ["CPU"] if self.cpu > attack.cpu_seconds else []
        broken = {
            "wait": self.waits.worst > LONGEST_WAIT,
            "memory": self.growth > MOST_MEMORY,
        }
        return [name for name, is_broken in broken.items() if is_broken]


def measure(attack: Attack | None, folder: Path, target: Target, settings: Mapping[str, str]) -> Measurement:
    """Run an attack, or nothing for the same time."""
    with attacked_server(folder, {"CLOUDKEEP_TRUSTED_PROXIES": PROXY, **settings}) as server:
        target = with_account(server, folder, target, needs_account=bool(attack and attack.needs_account))
        honest = HonestClient(server.port, is_behind_proxy=target.source == "proxy")
        honest.ask_for(WARM_SECONDS)
        quiet = honest.ask_for(QUIET_SECONDS)
        server.forget_peaks()
        level = server.peak_bytes()[API]
        if attack is None:
            cpu = sum(server.cpu_seconds().values())
            waits, result = honest.ask_for(target.seconds), AttackResult(0, {})
        else:
            with attacking(attack.name, target) as process:
                cpu = sum(server.cpu_seconds().values())
                waits = honest.ask_while(lambda: process.is_running)
                result = process.result()
        cpu = sum(server.cpu_seconds().values()) - cpu
        return Measurement(quiet, waits, cpu, max(0.0, server.peak_bytes()[API] - level), result)


@contextmanager
def attacked_server(folder: Path, settings: Mapping[str, str]) -> Iterator[Server]:
    """A server with its data in ``folder``."""
    data = folder / "data"
    data.mkdir(parents=True)
    with running(CloudKeep(settings=settings).launch(data, port := free_port()), data, port) as server:
        yield server


def with_account(server: Server, folder: Path, target: Target, *, needs_account: bool = True) -> Target:
    """The target on this server. If the attacker needs an account, it has an open upload and a file there."""
    values = {**vars(target), "port": server.port}
    if needs_account:
        user = User.sign_up(server)
        download = _upload_file(user, folder)
        upload = user.begin(SLOTS * CHUNK_SIZE, CHUNK_SIZE)
        chunks = tuple(_path(slot.url) for slot in upload.slots)
        values |= {"token": user.token, "upload_id": upload.id, "chunk_size": CHUNK_SIZE}
        values |= {"chunks": chunks, "download": _path(download)}
    return Target(**values)


def _upload_file(user: User, folder: Path) -> str:
    payload = make_payload(folder / "payload", FILE_SIZE, FILE_SIZE)
    upload = user.begin(FILE_SIZE, FILE_SIZE)
    send_over_connections(user.port, payload.path, upload.slots, _put)
    return user.wait_until_ready(upload.id)


def _put(connection: Connection, slot: Slot) -> None:
    put_raw(connection, slot, 0)


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"
