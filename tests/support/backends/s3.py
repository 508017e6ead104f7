"""A real S3 server for tests: SeaweedFS, one for each test process, and a bucket for each test."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import httpx

from storage.child_process import dies_with_parent
from tests.support.process import free_port

ACCESS_KEY, SECRET_KEY = "access", "a secret of the tests"
START_SECONDS = 60.0
STOP_SECONDS = 5.0
#: Each part of SeaweedFS speaks gRPC on a port so far above its own.
GRPC_OFFSET = 10_000
IDENTITIES = {
    "identities": [
        {
            "name": "cloudkeep",
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}
#: A region of AWS whose buckets the global endpoint does not know, and the host below which they are.
REGION = "eu-south-1"
REGIONAL = f"s3.{REGION}.amazonaws.com"
#: Features that tests do not need.
QUIET = [
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-master.telemetry=false",
    "-webdav=false",
    "-admin.ui=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
    "-volume.preStopSeconds=1",
]


@dataclass
class S3Server:
    """A running server."""

    endpoint: str
    pid: int
    #: The shared bucket of all tests that need no own one: the first byte in a bucket takes SeaweedFS a second.
    _common: str | None = None

    def new_place(self) -> str:
        """An empty prefix in the shared bucket."""
        self._common = self._common or self.new_bucket()
        return f"{self._common}/{uuid4().hex[:16]}"

    def new_bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = f"test-{uuid4().hex[:16]}"
        self.client().create_bucket(Bucket=name)
        return name

    def delete_bucket(self, name: str) -> None:
        """Delete the bucket of a place, with its contents."""
        name = name.partition("/")[0]
        if name == self._common:
            self._common = None
        client = self.client()
        for found in client.list_multipart_uploads(Bucket=name).get("Uploads", []):
            client.abort_multipart_upload(Bucket=name, Key=found["Key"], UploadId=found["UploadId"])
        for found in client.list_objects_v2(Bucket=name).get("Contents", []):
            client.delete_object(Bucket=name, Key=found["Key"])
        client.delete_bucket(Bucket=name)

    def client(self) -> Any:
        """A client for tests."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )

    def url(self, place: str, endpoint: str | None = None) -> str:
        """The URL of a bucket or a prefix for CloudKeep, perhaps through a proxy."""
        return f"s3://{place}?endpoint={endpoint or self.endpoint}&region=us-east-1&path_style=1"


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Run a server until the block ends; it dies with this process."""
    port, log = _free_port(), folder / "weed.log"
    config = folder / "s3.json"
    config.write_text(json.dumps(IDENTITIES))
    data = folder / "data"
    data.mkdir()
    ports = {name: _free_port() for name in ("master", "volume", "filer", "admin")}
    command = [
        str(Path(sys.executable).with_name("weed")),
        "mini",
        f"-dir={data}",
        f"-s3.port={port}",
        f"-s3.config={config}",
        f"-s3.domainName={REGIONAL}",
        *(f"-{name}.port={number}" for name, number in ports.items()),
        *QUIET,
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdout=output,
            stderr=output,
            cwd=folder,
            env={**os.environ, "GOMEMLIMIT": "1GiB"},
            preexec_fn=dies_with_parent(),
        )
    try:
        server = S3Server(f"http://127.0.0.1:{port}", process.pid)
        _wait_until_ready(server, process, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(data, ignore_errors=True)


def _free_port() -> int:
    """A free port whose gRPC port is free as well, outside the range that the system assigns."""
    while True:
        port = free_port() - GRPC_OFFSET
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _wait_until_ready(server: S3Server, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text(errors="replace")[-2000:]
        try:
            # Writes need the volume server, which starts last.
            if httpx.get(server.endpoint, timeout=5).status_code < 500:
                server.new_bucket()
                return
        except Exception:
            pass
        time.sleep(0.1)
    raise AssertionError(log.read_text(errors="replace")[-2000:])
