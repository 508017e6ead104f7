"""API processes behind the Caddy of docker-compose.yml, with the same configuration."""

import asyncio
import os
import shutil
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from storage.redis.valkey import EmbeddedValkey
from tests.deployment.dns import NameServer, name_server
from tests.support.backends.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from tests.support.backends.smtp_sink import SmtpSink, smtp_sink
from tests.support.process import ServeProcess, free_port
from tests.support.server import Api, sign_up
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
CADDY = Path(sys.executable).parent / "caddy"
COMMAND = (str(CADDY), "run", "--adapter", "caddyfile", "--config")
#: The domain of the bucket for clients with direct uploads.
BUCKETS = "s3.localhost"
#: As in docker-compose.yml.
DRAIN_SECONDS = "5"
#: Each API process has its own address and the same port, as containers do.
ADDRESSES = ("127.0.0.2", "127.0.0.3")


@dataclass
class Proxied:
    """The running processes. ``url`` is the proxy's."""

    url: str
    folder: Path
    sink: SmtpSink
    names: NameServer
    port: int
    http_port: int
    environment: dict[str, str]
    authority: str = ""
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    apis: dict[str, ServeProcess] = field(default_factory=dict)

    def client(self, address: str = "127.0.0.9") -> httpx.AsyncClient:
        """A client at this address that trusts the proxy's authority."""
        transport = httpx.AsyncHTTPTransport(verify=self.tls, local_address=address)
        return httpx.AsyncClient(base_url=self.url, transport=transport, timeout=60)

    async def person(self, http: httpx.AsyncClient) -> Api:
        """A signed-in user."""
        return await sign_up(http, self.sink)

    async def start(self, address: str) -> None:
        """Start the API process of this address and wait until it is ready."""
        environment = {**self.environment, "CLOUDKEEP_HOST": address}
        process = ServeProcess(self.folder / address, self.port, **environment)
        process.url = f"http://{address}:{self.port}"
        self.apis[address] = process
        await asyncio.to_thread(process.wait_until_ready)

    async def stop(self, address: str) -> None:
        """Stop it by SIGTERM, as an engine does."""
        if process := self.apis.pop(address, None):
            await asyncio.to_thread(process.stop)


@asynccontextmanager
async def proxied(folder: Path, s3: S3Server | None = None, **environment: str) -> AsyncIterator[Proxied]:
    """Two API processes over one database, one Valkey and one folder of files, behind a Caddy.

    With ``s3``, the files lie there, and clients get at the bucket through Caddy as well, as compose.direct.yml has it.
    """
    async with AsyncExitStack() as stack:
        valkey = EmbeddedValkey(folder)
        await valkey.start()
        stack.push_async_callback(valkey.stop)
        sink = await stack.enter_async_context(smtp_sink())
        names = await stack.enter_async_context(name_server(list(ADDRESSES)))
        https = free_port()
        found = Proxied(f"https://localhost:{https}", folder, sink, names, free_port(), free_port(), {})
        found.environment |= _settings(folder, valkey.url, sink.port, found.url) | environment
        if s3:
            found.environment |= _direct(s3, https)
        for address in ADDRESSES:
            stack.push_async_callback(found.stop, address)
            await found.start(address)
        await stack.enter_async_context(_caddy(found, https, s3))
        yield found


def _settings(folder: Path, redis_url: str, mail_port: int, url: str) -> dict[str, str]:
    return {
        "CLOUDKEEP_DATABASE_URL": f"sqlite://{folder}/cloudkeep.sqlite3",
        "CLOUDKEEP_BLOB_URL": (folder / "blobs").as_uri(),
        "CLOUDKEEP_REDIS_URL": redis_url,
        "CLOUDKEEP_MAIL_URL": f"smtp://127.0.0.1:{mail_port}?tls=none",
        "CLOUDKEEP_SECRET_KEYS": "first:a secret that is long enough to be one",
        "CLOUDKEEP_PUBLIC_URL": url,
        "CLOUDKEEP_TRUSTED_PROXIES": "127.0.0.1",
        "CLOUDKEEP_DRAIN_SECONDS": DRAIN_SECONDS,
    }


def _direct(s3: S3Server, https: int) -> dict[str, str]:
    return {
        "CLOUDKEEP_BLOB_URL": s3.url(s3.new_place()),
        "CLOUDKEEP_S3_ACCESS_KEY": ACCESS_KEY,
        "CLOUDKEEP_S3_SECRET_KEY": SECRET_KEY,
        "CLOUDKEEP_S3_PUBLIC_ENDPOINT": f"https://{BUCKETS}:{https}",
        "CLOUDKEEP_DIRECT_UPLOADS": "true",
        "CLOUDKEEP_DOWNLOADS": "redirect",
    }


def _configuration(folder: Path, s3: S3Server | None) -> Path:
    """The files where the containers have them."""
    sites = folder / "caddy/sites"
    sites.mkdir(parents=True)
    if s3:
        shutil.copy(ROOT / "deploy/direct.caddy", sites)
    return Path(shutil.copy(ROOT / "deploy/Caddyfile", folder / "caddy"))


@asynccontextmanager
async def _caddy(found: Proxied, https: int, s3: S3Server | None) -> AsyncIterator[None]:
    environment = {
        "PATH": os.defpath,
        "HOME": str(found.folder),
        "CADDY_ADMIN": f"127.0.0.1:{free_port()}",
        "PROXY_OPTIONS": "default_bind 127.0.0.1",
        "PROXY_HTTP_PORT": str(found.http_port),
        "PROXY_HTTPS_PORT": str(https),
        "PROXY_UPSTREAM": "api.test",
        "PROXY_UPSTREAM_PORT": str(found.port),
        "PROXY_RESOLVERS": f"resolvers 127.0.0.1:{found.names.port}",
        "PROXY_S3": s3.endpoint.removeprefix("http://") if s3 else "",
    }
    command = (*COMMAND, _configuration(found.folder, s3))
    with (found.folder / "caddy.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
    try:
        authority = found.folder / ".local/share/caddy/pki/authorities/local/root.crt"

        async def answers() -> bool:
            assert process.returncode is None, (found.folder / "caddy.log").read_text()
            with suppress(httpx.TransportError, OSError):
                found.authority = authority.read_text()
                found.tls = ssl.create_default_context(cadata=found.authority)
                async with found.client() as http:
                    return (await http.get("/healthz")).status_code == 200
            return False

        await eventually(answers)
        yield
    finally:
        process.terminate()
        await process.wait()
