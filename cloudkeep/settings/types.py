"""The types of settings: pydantic's with bounds, and our own with validators of ``units`` and ``parsers``.

The messages for wrong values are in ``cloudkeep.settings.messages``. A ``title`` says in words what a pattern allows.
A URL that may contain a password is left out of ``repr``.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator
from pydantic_settings import NoDecode

from cloudkeep.settings import parsers
from cloudkeep.settings.secret_keys import parse_keys
from cloudkeep.settings.units import LARGEST_SIZE, DurationBetween, SizeBetween, or_none
from services.accounts.registration_mode import RegistrationMode
from services.budgets.limits import Limit
from services.core.keys import SecretKey
from services.core.urls import base_url
from services.mail.languages import TAG

MINUTE, HOUR, DAY = 60, 60 * 60, 24 * 60 * 60


class Word(StrEnum):
    """One of a few words, in upper or lower case."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return next((word for word in cls if word.lower() == str(value).strip().lower()), None)


class LogFormat(Word):
    """The format of log lines: text, or one JSON object each."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(Word):
    """The lowest level that is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class ProxyHeader(Word):
    """The header in which trusted proxies name the client."""

    X_FORWARDED_FOR = "X-Forwarded-For"
    FORWARDED = "Forwarded"


class Downloads(Word):
    """The path of a download to the client: through this server, or by a redirect to S3."""

    STREAM = "stream"
    REDIRECT = "redirect"


#: A mode of registration, in upper or lower case.
Registration = Annotated[RegistrationMode, BeforeValidator(lambda value: str(value).strip().lower())]
Switch = Annotated[bool, BeforeValidator(lambda value: value.strip() if isinstance(value, str) else value)]
Port = Annotated[int, Field(ge=1, le=65535)]
ApiProcesses = Annotated[int, Field(ge=1, le=64)]
WorkerProcesses = Annotated[int, Field(ge=0, le=64)]
Attempts = Annotated[int, Field(ge=1, le=64)]
Threads = Annotated[int, Field(ge=0, le=256)]
Connections = Annotated[int, Field(ge=1, le=1_000_000)]
#: A list of more entries would not fit into the memory that an address has for zip files
#: (``endpoints/downloads/zips.py``).
ZipEntries = Annotated[int, Field(ge=1, le=30_000)]
Items = Annotated[int, Field(ge=1, le=2**31 - 1)]
Points = Annotated[int, Field(ge=1, le=2**31 - 1)]
Percent = Annotated[int, BeforeValidator(parsers.percent), Field(ge=1, le=100)]
Bytes = Annotated[int, BeforeValidator(SizeBetween(1, LARGEST_SIZE))]
Quota = Annotated[int | None, BeforeValidator(or_none(SizeBetween(1, LARGEST_SIZE, "none or a size"), "none"))]
Reserve = Annotated[int, BeforeValidator(SizeBetween(0, LARGEST_SIZE))]
BytesPerSecond = Annotated[int, BeforeValidator(SizeBetween(1, 2**30, "a size per second"))]
#: A time in whole seconds.
Lifetime = Annotated[int, BeforeValidator(DurationBetween(1, 3650 * DAY, whole=True))]
#: A time in whole seconds, or no limit.
Retention = Annotated[
    int | None, BeforeValidator(or_none(DurationBetween(60, 3650 * DAY, whole=True), "none", "off", "0"))
]
#: How many versions a file keeps.
VersionCount = Annotated[int | None, BeforeValidator(or_none(parsers.version_count, "none"))]
#: At least as long as a download may take that began before.
Grace = Annotated[int, BeforeValidator(DurationBetween(HOUR, 3650 * DAY, whole=True))]
#: A time in seconds.
Timeout = Annotated[float, BeforeValidator(DurationBetween(0.1, DAY))]
Pause = Annotated[float, BeforeValidator(DurationBetween(0, HOUR))]
Budget = Annotated[Limit | None, NoDecode, PlainValidator(parsers.budget)]
IngestBudget = Annotated[Limit | None, NoDecode, PlainValidator(parsers.ingest_budget)]
SubscriptionLimits = Annotated[tuple[int, int], NoDecode, BeforeValidator(parsers.subscription_limits)]
RegistrationLimits = Annotated[tuple[int, int], NoDecode, BeforeValidator(parsers.registration_limits)]
SignInDelays = Annotated[tuple[float, float], NoDecode, BeforeValidator(parsers.sign_in_delays)]
PoolSize = Annotated[tuple[int, int], NoDecode, BeforeValidator(parsers.pool_size)]

HostName = Annotated[str, Field(pattern=r"^[A-Za-z0-9.:_-]+$", title="a host name or an IP address")]
WorkerName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9._-]{1,100}$", title="1 to 100 letters, digits, '.', '_' or '-'")
]
Locale = Annotated[str, Field(pattern=f"^{TAG.pattern}$", title="a language tag, such as en or de-AT")]
#: ``~`` stands for the home folder.
AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
BreachedPasswords = Annotated[AbsolutePath, AfterValidator(parsers.breached_passwords)]

Secret = Annotated[str | None, Field(repr=False)]
BaseUrl = Annotated[str, BeforeValidator(base_url)]
DatabaseUrl = Annotated[str, BeforeValidator(parsers.database_url), Field(repr=False)]
RedisUrl = Annotated[str | None, BeforeValidator(parsers.redis_url), Field(repr=False)]
BlobUrl = Annotated[str, BeforeValidator(parsers.blob_url), Field(repr=False)]
MailUrl = Annotated[str, BeforeValidator(parsers.mail_url), Field(repr=False)]
TracesUrl = Annotated[str | None, BeforeValidator(parsers.traces_url), Field(repr=False)]
Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parsers.origins)]

Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parsers.hosts)]

Network = Annotated[str, AfterValidator(parsers.network)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(parsers.comma_list_or_none)]
Proxy = Annotated[str, AfterValidator(parsers.proxy)]
Proxies = Annotated[tuple[Proxy, ...], NoDecode, BeforeValidator(parsers.comma_list)]

SecretKeys = Annotated[tuple[SecretKey, ...], NoDecode, PlainValidator(parse_keys), Field(repr=False)]
