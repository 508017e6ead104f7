"""Everything an operator can set: environment variables with the prefix ``CLOUDKEEP_``, read once at the start."""

import difflib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from cloudkeep.settings import types as t
from cloudkeep.settings.messages import message
from cloudkeep.settings.parsers import reachable_host
from cloudkeep.settings.secret_keys import read_or_create_keys
from services.accounts.registration_mode import RegistrationMode
from services.budgets.limits import Limits
from services.core.keys import SecretKey

PREFIX = "CLOUDKEEP_"
#: Where ``localhost`` leads to. Browsers take this name for passkeys, and not the addresses.
LOCALHOST_ADDRESSES = ("127.0.0.1", "::1")
#: Read by the client commands, such as ``cloudkeep upload``.
_CLIENT_VARIABLES = {"CLOUDKEEP_TOKEN", "CLOUDKEEP_URL"}

_log = logging.getLogger(__name__)


class SettingsError(ValueError):
    """A setting cannot be used. ``str(error)`` is one line that names it and holds no secret."""


def _data_dir() -> Path:
    return Path("data").absolute()


def _sqlite_url(data: dict[str, Any]) -> str:
    return f"sqlite://{data['data_dir'] / 'cloudkeep.sqlite3'}"


def _redis_url(data: dict[str, Any]) -> str | None:
    url: str | None = data["redis_url"]
    return url


def _blob_url(data: dict[str, Any]) -> str:
    url: str = (data["data_dir"] / "blobs").as_uri()
    return url


def _public_url(data: dict[str, Any]) -> str:
    host = reachable_host(data["host"])
    if host in LOCALHOST_ADDRESSES:
        host = "localhost"
    return f"http://[{host}]:{data['port']}" if ":" in host else f"http://{host}:{data['port']}"


def _secret_keys(data: dict[str, Any]) -> tuple[SecretKey, ...]:
    return read_or_create_keys(data["data_dir"] / "secret.keys")


def _require_documents(only: bool, info: ValidationInfo) -> bool:
    if only and info.data.get("trusted_documents") is None:
        raise ValueError(f"needs {PREFIX}TRUSTED_DOCUMENTS: without it, no document could run")
    return only


def _existing_keys(data: dict[str, Any]) -> tuple[SecretKey, ...]:
    path = data["data_dir"] / "secret.keys"
    return read_or_create_keys(path) if path.exists() else ()


OnlyDocuments = Annotated[t.Switch, AfterValidator(_require_documents)]


class Settings(BaseSettings):
    """The settings, with every default filled in. An empty variable counts as one that is not set.

    A new setting is one line here: type, default, description. The types are in ``cloudkeep.settings.types``.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", validate_default=False
    )

    data_dir: t.AbsolutePath = Field(default_factory=_data_dir, description="folder for all data")
    host: t.HostName = Field(default="127.0.0.1", description="address to listen on")
    port: t.Port = Field(default=8000, description="port to listen on")
    workers: t.ApiProcesses = Field(default=1, description="API processes of `cloudkeep serve`")
    job_workers: t.WorkerProcesses = Field(default=1, description="worker processes of `cloudkeep serve`")
    database_url: t.DatabaseUrl = Field(default_factory=_sqlite_url, description="SQLite file or PostgreSQL database")
    database_pool: t.PoolSize = Field(default=(1, 10), description="connections per process, at least and at most")
    redis_url: t.RedisUrl = Field(default=None, description="Redis; None starts an embedded Valkey")
    broker_url: t.RedisUrl = Field(default_factory=_redis_url, description="Redis for job notifications")
    blob_url: t.BlobUrl = Field(default_factory=_blob_url, description="folder or S3 bucket of all stored bytes")
    s3_access_key: t.Secret = Field(default=None, description="key ID for S3; None uses the credential chain of AWS")
    s3_secret_key: t.Secret = Field(default=None, description="secret key for S3")
    s3_public_endpoint: t.BaseUrl | None = Field(default=None, description="address of S3 for clients, if it differs")
    direct_uploads: t.Switch = Field(default=False, description="uploads go straight to S3 unless they say otherwise")
    downloads: t.Downloads = Field(default=t.Downloads.STREAM, description="through this server, or straight from S3")
    mail_url: t.MailUrl = Field(default="console:", description="SMTP server for outgoing mail, or the console")
    mail_templates: t.AbsolutePath | None = Field(default=None, description="folder of the operator's mail templates")
    locale: t.Locale = Field(default="en", description="language of mails, for accounts that have none")
    trusted_proxies: t.Proxies = Field(default=(), description="proxies whose headers name the client")
    proxy_header: t.ProxyHeader = Field(default=t.ProxyHeader.X_FORWARDED_FOR, description="header that they set")
    public_url: t.BaseUrl = Field(default_factory=_public_url, description="address of this server for clients")
    allowed_hosts: t.Hosts = Field(default=(), description="further hosts that requests may be for")
    trusted_documents: t.AbsolutePath | None = Field(default=None, description="JSON file of persisted documents")
    trusted_documents_only: OnlyDocuments = Field(default=False, description="whether to refuse all other documents")
    metrics_networks: t.Networks = Field(default=("127.0.0.0/8", "::1"), description="who may read /metrics")
    log_format: t.LogFormat = Field(default=t.LogFormat.CONSOLE, description="how log lines look")
    log_level: t.LogLevel = Field(default=t.LogLevel.INFO, description="lowest log level")
    access_log: t.Switch = Field(default=False, description="whether each HTTP request is logged")
    traces_url: t.TracesUrl = Field(default=None, description="where traces go by OTLP over HTTP")
    cors_origins: t.Origins = Field(default=(), description="other web origins that may use the API")
    max_file_size: t.Bytes = Field(default=500 * 2**30, description="bytes of the largest file")
    quota: t.Quota = Field(default=50 * 2**30, description="bytes per account; None is no limit")
    storage_reserve: t.Reserve | None = Field(default=None, description="bytes kept free; None depends on the disk")
    reservation_share: t.Percent = Field(default=50, description="% of the free disk for unsent bytes of an account")
    open_uploads: t.Connections = Field(default=1_000, description="uploads that an account may have open")
    items: t.Items = Field(default=1_000_000, description="folders and files, or versions, that an account may have")
    first_chunk_ttl: t.Lifetime = Field(default=t.HOUR, description="seconds an upload waits for its first chunk")
    drain_seconds: t.Pause = Field(default=0.0, description="seconds between the first 503 on /readyz and the stop")
    upload_ttl: t.Lifetime = Field(default=7 * t.DAY, description="seconds an upload waits for its next chunk")
    quarantine_ttl: t.Lifetime = Field(default=30 * t.DAY, description="seconds that doctor keeps bytes without a row")
    changes_ttl: t.Lifetime = Field(default=30 * t.DAY, description="seconds that the feed keeps a change")
    trash_ttl: t.Retention = Field(default=30 * t.DAY, description="seconds in the trash until deletion; None: never")
    versions: t.VersionCount = Field(default=None, description="versions that a file keeps; None is no limit")
    version_ttl: t.Retention = Field(default=None, description="seconds that a replaced version is kept; None: always")
    blob_grace: t.Grace = Field(default=t.DAY, description="seconds that the bytes of deleted files are kept")
    zip_entries: t.ZipEntries = Field(default=10_000, description="folders and files of a zip file")
    url_ttl: t.Lifetime = Field(default=6 * t.HOUR, description="seconds until a signed URL expires")
    session_ttl: t.Lifetime = Field(default=30 * t.DAY, description="seconds until an idle session expires")
    session_max_age: t.Lifetime = Field(default=180 * t.DAY, description="seconds until any session expires")
    access_token_ttl: t.Lifetime = Field(default=15 * t.MINUTE, description="seconds until an access token expires")
    sessions: t.Connections = Field(default=1_000, description="sessions that an account may have")
    registration: t.Registration = Field(default=RegistrationMode.OPEN, description="who may register")
    api_tokens: t.Connections = Field(default=100, description="valid API tokens that an account may have")
    registrations: t.RegistrationLimits = Field(default=(100_000, 100), description="pending in total / per address")
    sign_in_delays: t.SignInDelays = Field(default=(900.0, 60.0), description="longest of a client / because of others")
    otp_ttl: t.Lifetime = Field(default=10 * t.MINUTE, description="seconds until a mailed code expires")
    breached_passwords: t.BreachedPasswords | None = Field(default=None, description="sorted file of SHA-1 hashes")
    mails_per_address: t.Connections = Field(default=5, description="mails to one address in an hour")
    job_lease: t.Timeout = Field(default=60.0, description="seconds after which a silent worker loses its job")
    job_attempts: t.Attempts = Field(default=5, description="how often a job is tried")
    body_threads: t.Threads = Field(default=16, description="chunk bodies that an API process receives on threads")
    body_stall_timeout: t.Timeout = Field(default=30.0, description="seconds of silence that end a chunk's body")
    body_min_rate: t.BytesPerSecond = Field(default=1024, description="lowest average rate of a chunk's body")
    response_stall_timeout: t.Timeout = Field(default=60.0, description="seconds in which a client must read something")
    response_min_rate: t.BytesPerSecond = Field(default=1024, description="lowest average rate at which clients read")
    encode_stall_timeout: t.Timeout = Field(default=120.0, description="seconds without progress that end ffmpeg")
    budget_global: t.Budget = Field(default=Limits().all, description="points of all clients; None is no limit")
    budget_address: t.Budget = Field(default=Limits().address, description="points per client address")
    budget_account: t.Budget = Field(default=Limits().account, description="points per account")
    budget_api_token: t.Budget = Field(default=Limits().api_token, description="points per API token")
    budget_anonymous: t.Budget = Field(default=Limits().anonymous, description="points per address, if not signed in")
    budget_ingest: t.IngestBudget = Field(default=Limits().ingest, description="bytes of chunks per account")
    budget_timeout: t.Timeout = Field(default=1.0, description="seconds that a request waits for Redis")
    max_operation_cost: t.Points = Field(default=10_000, description="points that one operation may cost")
    subscriptions: t.SubscriptionLimits = Field(default=(100, 20), description="open at once per account / address")
    connections: t.Connections = Field(default=500, description="open at once per address, in each API process")
    websockets: t.Connections = Field(default=200, description="of these, WebSockets")
    worker_port: t.Port | None = Field(default=None, description="where `cloudkeep worker` answers /healthz, /metrics")
    worker_name: t.WorkerName | None = Field(default=None, description="name of this worker; None generates one")
    # Last, because its default writes a file, which must not happen when another setting is wrong.
    secret_keys: t.SecretKeys = Field(default_factory=_secret_keys, description="keys that sign tokens and URLs")


class SettingsOfExistingServer(Settings):
    """The same without new secret keys, and so without a new data folder: for commands that sign nothing."""

    secret_keys: t.SecretKeys = Field(default_factory=_existing_keys, description="keys that sign tokens and URLs")


def load_settings(*, create: bool = True) -> Settings:
    """Read the settings from the environment. With ``create``, make the data folder and secret keys if missing.

    Raises :class:`SettingsError` for the first setting that cannot be used. Logs a warning for each unknown variable
    with our prefix, which may be a misspelt setting.
    """
    for warning in misspelt_settings(os.environ):
        _log.warning(warning)
    try:
        return Settings() if create else SettingsOfExistingServer()
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None
    except OSError as error:
        raise SettingsError(f"{PREFIX}DATA_DIR: {_reason(error)}") from None
    except ValueError as error:
        raise SettingsError(f"{PREFIX}SECRET_KEYS: {error}") from None


def is_known(name: str) -> bool:
    """Whether an environment variable is one of our settings, or does not have our prefix."""
    name = name.upper()
    return not name.startswith(PREFIX) or name in _names() or name in _CLIENT_VARIABLES


def misspelt_settings(names: Iterable[str]) -> Iterator[str]:
    """A line for each variable with our prefix that is not a setting. It suggests the setting with the closest name."""
    for name in sorted(name for name in names if not is_known(name)):
        close = difflib.get_close_matches(name.upper(), _names(), n=1)
        yield f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else "")


def _names() -> set[str]:
    return {PREFIX + field.upper() for field in Settings.model_fields}


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    return f"{PREFIX}{name.upper()}: {message(first, Settings.model_fields[name])}"


def _reason(error: OSError) -> str:
    if error.filename and error.strerror:
        return f"cannot write to {error.filename}: {error.strerror}"
    return str(error)
