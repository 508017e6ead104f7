"""Installing from an index whose certificate a private authority has signed, with uv and with pip."""

import base64
import hashlib
import os
import ssl
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

ROOT = Path(__file__).parents[2]
WHEEL = "privatething-1.0-py3-none-any.whl"
#: What the machine and the person who runs the tests have set.
NAMES = ("PIP_", "UV_", "SSL_CERT", "REQUESTS_CA", "CURL_CA")


class Index:
    """A package index with one package. ``agents`` are the programs that have asked it."""

    def __init__(self, folder: Path) -> None:
        self.agents: list[str] = []
        self.authority = folder / "authority.pem"
        self.requirements = folder / "requirements.txt"
        wheel = _wheel(folder).read_bytes()
        digest = hashlib.sha256(wheel).hexdigest()
        self.requirements.write_text(f"privatething==1.0 --hash=sha256:{digest}\n")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(wheel, digest))
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"https://localhost:{self.server.server_port}/simple"

    def _handler(self, wheel: bytes, digest: str) -> type[BaseHTTPRequestHandler]:
        page = f'<a href="/{WHEEL}#sha256={digest}">{WHEEL}</a>'.encode()
        agents = self.agents

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                agents.append(self.headers["User-Agent"].partition("/")[0])
                body = wheel if self.path.endswith(".whl") else page
                self.send_response(200)
                self.send_header("Content-Type", "text/html" if body is page else "application/zip")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def _wheel(folder: Path) -> Path:
    """A wheel with one empty module (https://packaging.python.org/en/latest/specifications/binary-distribution-format/)."""
    info = "privatething-1.0.dist-info"
    files = {
        "privatething.py": b"",
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: privatething\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},{len(data)}"
        for name, data in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*lines, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return folder / WHEEL


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A running index."""
    index = Index(tmp_path_factory.mktemp("index"))
    thread = threading.Thread(target=index.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield index
    index.server.shutdown()
    thread.join()
    index.server.server_close()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a virtual environment of its own that has pip and uv."""
    folder = tmp_path_factory.mktemp("checkout")
    subprocess.run([sys.executable, "-m", "venv", folder / ".venv"], check=True)
    (folder / ".venv/bin/uv").symlink_to(Path(sys.prefix) / "bin/uv")
    return folder


def install(checkout: Path, index: Index, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Install the package of the index, with these variables."""
    remove = ["privatething"]
    python = str(checkout / ".venv/bin/python")
    subprocess.run([python, "-m", "pip", "--quiet", "uninstall", "--yes", *remove], check=True, capture_output=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(NAMES)}
    ours = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index.url,
        "UV_DEFAULT_INDEX": index.url,
        "UV_HTTP_RETRIES": "0",
        "UV_NO_CACHE": "1",
        "UV_NO_CONFIG": "1",
    }
    index.agents.clear()
    result = subprocess.run(
        ["sh", str(ROOT / "requirements/install.sh"), "--require-hashes", "-r", str(index.requirements)],
        cwd=checkout,
        env={**inherited, **ours, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if not result.returncode:
        subprocess.run([python, "-c", "import privatething"], check=True)
    return result


@pytest.mark.parametrize("variable", ["PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_an_authority_that_pip_trusts_is_trusted_by_uv(variable: str, checkout: Path, index: Index) -> None:
    result = install(checkout, index, **{variable: str(index.authority)})
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert set(index.agents) == {"uv"}


@pytest.mark.parametrize("section", ["global", "install"])
def test_so_is_one_of_pips_configuration(section: str, checkout: Path, index: Index, tmp_path: Path) -> None:
    (configuration := tmp_path / "pip.conf").write_text(f"[{section}]\ncert = {index.authority}\n")
    result = install(checkout, index, PIP_CONFIG_FILE=str(configuration))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert set(index.agents) == {"uv"}


def test_where_uv_fails_one_line_says_why_and_pip_installs(checkout: Path, index: Index) -> None:
    nowhere = "https://localhost:1/simple"
    result = install(checkout, index, PIP_CERT=str(index.authority), UV_DEFAULT_INDEX=nowhere)
    assert (result.returncode, result.stdout) == (0, "")
    assert result.stderr.startswith("uv cannot install this (")
    assert result.stderr.endswith("); trying pip, which takes a minute.\n")
    assert result.stderr.count("\n") == 1
    assert set(index.agents) == {"pip"}


def test_an_unknown_authority_is_named_as_the_reason(checkout: Path, index: Index) -> None:
    result = install(checkout, index, PIP_RETRIES="0")
    assert result.returncode != 0
    assert "invalid peer certificate: UnknownIssuer" in result.stderr.splitlines()[0]
