"""Everything an operator can set: environment variables with the prefix ``CLOUDKEEP_``, read once and then frozen."""

import difflib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from cloudkeep.settings import parsers
from cloudkeep.settings.secret_keys import parse_keys, read_or_create_keys
from cloudkeep.telemetry.logs import CONSOLE, JSON, LEVELS
from services.budgets.limits import Limit, Limits
from services.core.keys import SecretKey

PREFIX = "CLOUDKEEP_"
# The command line's client reads these two.
_FOREIGN = {"CLOUDKEEP_TOKEN", "CLOUDKEEP_URL"}
_DAY = 24 * 60 * 60

_log = logging.getLogger(__name__)


class SettingsError(ValueError):
    """A setting cannot be used. ``str(error)`` is one line that names it and holds no secret."""


def _public_url(data: dict[str, Any]) -> str:
    host = parsers.reachable(data["host"])
    return f"http://[{host}]:{data['port']}" if ":" in host else f"http://{host}:{data['port']}"


def _keys(data: dict[str, Any]) -> tuple[SecretKey, ...]:
    return read_or_create_keys(data["data_dir"] / "secret.keys")


def _only_with_documents(only: bool, info: ValidationInfo) -> bool:
    if only and info.data.get("trusted_documents") is None:
        raise ValueError(f"needs {PREFIX}TRUSTED_DOCUMENTS, else nothing could be run")
    return only


Count = Annotated[int, BeforeValidator(parsers.between(1, 64))]
Bytes = Annotated[int, BeforeValidator(parsers.between(1, 2**53))]
Reserve = Annotated[int, BeforeValidator(parsers.between(0, 2**53))]
Lifetime = Annotated[int, BeforeValidator(parsers.between(1, 3650 * _DAY))]
Patience = Annotated[float, BeforeValidator(parsers.seconds(0.1, _DAY))]
Rate = Annotated[int, BeforeValidator(parsers.between(1, 2**30))]
Budget = Annotated[Limit | None, NoDecode, PlainValidator(parsers.budget)]
RedisUrl = Annotated[str | None, BeforeValidator(parsers.redis_url)]


class Settings(BaseSettings):
    """The settings in force, every default resolved. An empty variable counts as one that is not set.

    ``redis_url`` and ``broker_url`` are None where CloudKeep is to start a Valkey of its own.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", validate_default=False
    )

    data_dir: Annotated[Path, BeforeValidator(parsers.folder)] = Field(default_factory=lambda: parsers.folder("data"))
    host: Annotated[str, BeforeValidator(parsers.matching(r"[A-Za-z0-9.:_-]+", "a host name or an IP address"))] = (
        "127.0.0.1"
    )
    port: Annotated[int, BeforeValidator(parsers.between(1, 65535))] = 8000
    workers: Count = 1  # API processes of "cloudkeep serve", and how many workers it has
    job_workers: Annotated[int, BeforeValidator(parsers.between(0, 64))] = 1
    database_url: Annotated[str, BeforeValidator(parsers.database_url)] = Field(
        default_factory=lambda data: f"sqlite://{data['data_dir'] / 'cloudkeep.sqlite3'}", repr=False
    )
    # Connections of each process, at least and at most; SQLite has no use for them.
    database_pool: Annotated[tuple[int, int], NoDecode, BeforeValidator(parsers.pool)] = (1, 10)
    redis_url: RedisUrl = Field(default=None, repr=False)
    broker_url: RedisUrl = Field(default_factory=lambda data: data["redis_url"], repr=False)
    blob_url: Annotated[str, BeforeValidator(parsers.blob_url)] = Field(
        default_factory=lambda data: (data["data_dir"] / "blobs").as_uri(), repr=False
    )
    s3_access_key: str | None = Field(default=None, repr=False)
    s3_secret_key: str | None = Field(default=None, repr=False)
    s3_public_endpoint: Annotated[str | None, BeforeValidator(parsers.public_url)] = None
    # What an upload gets that does not say, where the store takes chunks by itself.
    direct_uploads: Annotated[bool, BeforeValidator(parsers.switch)] = False
    downloads: Annotated[str, BeforeValidator(parsers.one_of("stream", "redirect"))] = "stream"
    mail_url: Annotated[str, BeforeValidator(parsers.mail_url)] = Field(default="console:", repr=False)
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parsers.proxies)] = ()
    proxy_header: Annotated[str, BeforeValidator(parsers.one_of(parsers.X_FORWARDED_FOR, parsers.FORWARDED))] = (
        parsers.X_FORWARDED_FOR
    )
    public_url: Annotated[str, BeforeValidator(parsers.public_url)] = Field(default_factory=_public_url)
    trusted_documents: Annotated[Path | None, BeforeValidator(parsers.folder)] = None
    trusted_documents_only: Annotated[bool, BeforeValidator(parsers.switch), AfterValidator(_only_with_documents)] = (
        False
    )
    metrics_networks: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parsers.networks_or_none)] = (
        "127.0.0.0/8",
        "::1",
    )
    log_format: Annotated[str, BeforeValidator(parsers.one_of(CONSOLE, JSON))] = CONSOLE
    log_level: Annotated[str, BeforeValidator(parsers.one_of(*LEVELS))] = "INFO"
    access_log: Annotated[bool, BeforeValidator(parsers.switch)] = False
    traces_url: Annotated[str | None, BeforeValidator(parsers.traces_url)] = Field(default=None, repr=False)
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(parsers.origins)] = ()
    max_file_size: Bytes = 500 * 2**30
    quota: Bytes | None = None  # bytes per account; None is no limit
    storage_reserve: Reserve | None = None  # bytes that stay free; None is a share that suits the disk
    # Lifetimes and patience are in seconds.
    drain_seconds: Annotated[float, BeforeValidator(parsers.seconds(0, 60 * 60))] = 0.0
    upload_ttl: Lifetime = 7 * _DAY
    url_ttl: Lifetime = 6 * 60 * 60
    session_ttl: Lifetime = 30 * _DAY
    access_token_ttl: Lifetime = 15 * 60
    otp_ttl: Lifetime = 10 * 60
    job_lease: Patience = 60.0
    job_attempts: Count = 5
    body_threads: Annotated[int, BeforeValidator(parsers.between(0, 256))] = 16
    body_stall_timeout: Patience = 30.0
    body_min_rate: Rate = 1024  # bytes a second
    encode_stall_timeout: Patience = 120.0
    # None is off. In points, but for the last one, which is in bytes.
    budget_global: Budget = Limits().all
    budget_address: Budget = Limits().address
    budget_account: Budget = Limits().account
    budget_anonymous: Budget = Limits().anonymous
    budget_ingest: Budget = Limits().ingest
    budget_timeout: Patience = 1.0
    max_operation_cost: Annotated[int, BeforeValidator(parsers.between(1, 2**31 - 1))] = 10_000  # points
    # Open at once, per account, and per address where nobody is signed in.
    subscriptions: Annotated[tuple[int, int], NoDecode, BeforeValidator(parsers.caps)] = (100, 20)
    # Open at once of one client address, in each API process.
    websockets: Annotated[int, BeforeValidator(parsers.between(1, 1_000_000))] = 200
    worker_port: Annotated[int | None, BeforeValidator(parsers.between(1, 65535))] = None
    worker_name: Annotated[
        str | None,
        BeforeValidator(parsers.matching(r"[A-Za-z0-9._-]{1,100}", "1 to 100 letters, digits, '.', '_' or '-'")),
    ] = None
    # The last one: its default makes a file, which must not happen when anything above is wrong.
    secret_keys: Annotated[tuple[SecretKey, ...], NoDecode, PlainValidator(lambda text: parse_keys(str(text)))] = Field(
        default_factory=_keys, repr=False
    )


def load_settings() -> Settings:
    """Read the environment; the data folder and its secret keys are made when they are missing.

    Raises :class:`SettingsError`, for the first setting that cannot be used. A variable that is none of ours but looks
    like it is logged: a misspelt setting must not be silent.
    """
    for warning in misspelt_settings(os.environ):
        _log.warning(warning)
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None
    except OSError as error:
        raise SettingsError(f"{PREFIX}DATA_DIR: {_reason(error)}") from None
    except ValueError as error:
        raise SettingsError(f"{PREFIX}SECRET_KEYS: {error}") from None


def is_known(name: str) -> bool:
    """Whether an environment variable is ours to read, or has nothing to do with us."""
    name = name.upper()
    return not name.startswith(PREFIX) or name in _names() or name in _FOREIGN


def misspelt_settings(names: Iterable[str]) -> Iterator[str]:
    """One line for each variable with our prefix that is no setting, with the closest name that is one."""
    for name in sorted(name for name in names if not is_known(name)):
        close = difflib.get_close_matches(name.upper(), _names(), n=1)
        yield f"{name} is not a setting" + (f"; did you mean {close[0]}?" if close else "")


def _names() -> set[str]:
    return {PREFIX + field.upper() for field in Settings.model_fields}


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    reason = first.get("ctx", {}).get("error", first["msg"])
    return f"{PREFIX}{str(first['loc'][0]).upper()}: {reason}"


def _reason(error: OSError) -> str:
    if error.filename and error.strerror:
        return f"cannot write to {error.filename}: {error.strerror}"
    return str(error)
