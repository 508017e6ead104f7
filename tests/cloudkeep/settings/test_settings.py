import logging
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from redis.asyncio import ConnectionPool

from cloudkeep.resources.budgets import budget_limits
from cloudkeep.settings.settings import PREFIX, Settings, SettingsError, load_settings, misspelt_settings
from services.accounts.types import RegistrationMode
from services.budgets.limits import Limit, Limits
from storage.redis.connection import pool_options

POSTGRES_FORM = (
    "must name user, host and database, percent-encoded, as in postgres://user:password@host:5432/name, "
    "or the folder of a unix socket, as in postgres://user@/name?host=/run/postgresql"
)
REDIS_SCHEMES = "redis:, rediss:, redis+sentinel:, rediss+sentinel:, unix:"
SENTINEL_FORM = "must be like redis+sentinel://user:password@host:26379,host:26379/service/0"
SIZES = "as in 10GB or 500GiB (a number without a unit counts bytes)"
TIMES = "as in 90s, 15m, 6h, 7d or 1h30m (a number without a unit counts seconds)"
BUDGET = "must be off, or a capacity and the refill per second, both above 0, as in"
SECRET = "a-secret-that-nobody-should-see-in-a-message"
#: A file that can be read.
FILE = __file__


@pytest.fixture(autouse=True)
def _somewhere_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> "Load":
    return Load(monkeypatch)


class Load:
    """Loads the settings of an environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, **variables: str) -> Settings:
        for name, value in variables.items():
            self._monkeypatch.setenv(PREFIX + name, value)
        return load_settings()


def test_without_any_variable_everything_is_in_the_data_folder(load: Load, tmp_path: Path) -> None:
    settings = load()
    assert settings.data_dir == tmp_path / "data"
    assert settings.database_url == f"sqlite://{tmp_path}/data/cloudkeep.sqlite3"
    assert settings.blob_url == f"file://{tmp_path}/data/blobs"
    assert (settings.redis_url, settings.broker_url, settings.mail_url) == (None, None, "console:")
    assert settings.public_url == "http://localhost:8000"


def test_the_secret_keys_are_created_once(load: Load) -> None:
    assert load().secret_keys == load().secret_keys


def test_with_secret_keys_in_the_environment_no_file_is_created(load: Load, tmp_path: Path) -> None:
    assert load(SECRET_KEYS=f"k1:{SECRET}").secret_keys[0].kid == "k1"
    assert not (tmp_path / "data").exists()


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize(
    "url",
    [
        "redis://user:p%40ss@[::1]:6379/15",
        "redis://host/?db=3",
        f"rediss://host/0?ssl_ca_certs={FILE}&ssl_certfile={FILE}&ssl_keyfile={FILE}&ssl_check_hostname=true",
        "unix://user@/run/redis.sock?db=1&password=secret",
        "redis+sentinel://host/service",
        f"rediss+sentinel://user:p%40ss@a.b:1,[::1]/service/1?ssl_ca_certs={FILE}&sentinel_username=u&sentinel_password=p",
    ],
)
def test_every_url_that_redis_accepts_is_accepted(load: Load, url: str) -> None:
    assert load(REDIS_URL=url).redis_url == url
    place, options = pool_options(url)
    pool: Any = ConnectionPool.from_url(place, **options)  # untyped in redis-py
    assert pool.make_connection()


def test_the_broker_is_redis_unless_it_is_set(load: Load) -> None:
    assert load(REDIS_URL="redis://one").broker_url == "redis://one"
    assert load(BROKER_URL="rediss://two").broker_url == "rediss://two"


def test_a_data_folder_may_have_any_name(load: Load, tmp_path: Path) -> None:
    settings = load(DATA_DIR="my data #1?")
    assert settings.database_url == f"sqlite://{tmp_path}/my data #1?/cloudkeep.sqlite3"
    assert settings.blob_url == f"file://{tmp_path}/my%20data%20%231%3F/blobs"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:99"),
        ("::1", "http://localhost:99"),
        ("0.0.0.0", "http://localhost:99"),
        ("::", "http://localhost:99"),
        ("127.0.0.2", "http://127.0.0.2:99"),
        ("fd00::1", "http://[fd00::1]:99"),
        ("a.b", "http://a.b:99"),
    ],
)
def test_the_public_url_follows_host_and_port(load: Load, host: str, url: str) -> None:
    assert load(HOST=host, PORT="99").public_url == url


def test_a_public_url_loses_its_last_slash(load: Load) -> None:
    assert load(PUBLIC_URL="https://drive.example.org:8443/").public_url == "https://drive.example.org:8443"


def test_numbers_and_lists_are_read(load: Load) -> None:
    settings = load(WORKERS="4", MAX_FILE_SIZE="1048576", JOB_LEASE="1.5", TRUSTED_PROXIES="10.0.0.0/8, ::1")
    assert (settings.workers, settings.max_file_size, settings.job_lease) == (4, 1048576, 1.5)
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1")
    assert load(SUBSCRIPTIONS="0/7").subscriptions == (0, 7)
    assert load(WEBSOCKETS="7").websockets == 7
    assert load(SESSIONS="5", REGISTRATIONS="9/3").registrations == (9, 3)
    assert load(SIGN_IN_DELAYS=" 1h / 30s ").sign_in_delays == (3_600, 30)
    assert load(SIGN_IN_DELAYS="0/0").sign_in_delays == (0, 0)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("nas.lan, Drive.Example.org,", ("nas.lan", "drive.example.org")),
        (".example.org,*", (".example.org", "*")),
        ("192.168.1.5,fd00::1,[FD00::2]", ("192.168.1.5", "[fd00::1]", "[fd00::2]")),
        ("b\xfccher.example", ("xn--bcher-kva.example",)),
    ],
)
def test_allowed_hosts_are_names_domains_and_addresses(load: Load, text: str, hosts: tuple[str, ...]) -> None:
    assert load(ALLOWED_HOSTS=text).allowed_hosts == hosts


def test_sizes_and_times_have_units_wherever_a_setting_counts_bytes_or_seconds(load: Load) -> None:
    settings = load(MAX_FILE_SIZE="10GB", QUOTA="500GiB", STORAGE_RESERVE="0", BODY_MIN_RATE="2 KiB")
    assert (settings.max_file_size, settings.quota) == (10 * 10**9, 500 * 2**30)
    assert (settings.storage_reserve, settings.body_min_rate) == (0, 2048)
    settings = load(URL_TTL="6h", UPLOAD_TTL="1h30m", SESSION_TTL="90", JOB_LEASE="1.5m", DRAIN_SECONDS="500ms")
    assert (settings.url_ttl, settings.upload_ttl, settings.session_ttl) == (21_600, 5_400, 90)
    assert (settings.job_lease, settings.drain_seconds) == (90.0, 0.5)


def test_an_account_has_50_gib_unless_the_quota_is_another_one_or_none(load: Load) -> None:
    assert load().quota == 50 * 2**30
    assert load(QUOTA="200GB").quota == 200 * 10**9
    assert [load(QUOTA=text).quota for text in ("none", " None ")] == [None, None]


def test_a_share_is_a_percentage_with_or_without_its_sign(load: Load) -> None:
    assert load().reservation_share == 50
    assert [load(RESERVATION_SHARE=text).reservation_share for text in ("25%", "100", " 1 % ")] == [25, 100, 1]


def test_the_budget_for_chunks_may_have_units(load: Load) -> None:
    assert load(BUDGET_INGEST="256GiB/1GB/closed").budget_ingest == Limit(256 * 2**30, 1e9, closed=True)


@pytest.mark.parametrize("text", ["invite", " INVITE "])
def test_the_mode_of_registration_is_a_word(load: Load, text: str) -> None:
    assert load().registration is RegistrationMode.OPEN
    assert load(REGISTRATION=text).registration is RegistrationMode.INVITE


def test_proxies_may_be_on_a_unix_socket_and_manage_another_header(load: Load) -> None:
    settings = load(TRUSTED_PROXIES="unix, 10.0.0.1,", PROXY_HEADER="forwarded")
    assert (settings.trusted_proxies, settings.proxy_header) == (("unix", "10.0.0.1"), "Forwarded")


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("*", ("*",)),
        ("https://app.example.org/", ("https://app.example.org",)),
        ("https://App.Example.org:443, http://a.b:80,", ("https://app.example.org", "http://a.b")),
        ("http://localhost:5173,http://[::1]:8080", ("http://localhost:5173", "http://[::1]:8080")),
    ],
)
def test_origins_are_read_as_browsers_write_them(load: Load, text: str, origins: tuple[str, ...]) -> None:
    assert load(CORS_ORIGINS=text).cors_origins == origins


def test_by_default_no_other_origin_is_allowed(load: Load) -> None:
    assert load().cors_origins == ()


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("20/5", Limit(20, 5.0)),
        (" 20/0.25/open ", Limit(20, 0.25)),
        ("9007199254740992/1/closed", Limit(2**53, 1.0, closed=True)),
        ("off", None),
    ],
)
def test_a_budget_has_a_capacity_a_refill_and_a_policy_without_redis(
    load: Load, text: str, limit: Limit | None
) -> None:
    assert load(BUDGET_INGEST=text).budget_ingest == limit


@pytest.mark.parametrize("text", ["0/1", "1/0", "1/0.0", "1/-1", "-1/1", "1.5/1", "1/1/shut", "1/1/", "1/nan", "1/1e3"])
def test_a_budget_that_lets_nothing_through_is_refused(load: Load, text: str) -> None:
    with pytest.raises(SettingsError, match="BUDGET_GLOBAL: must be off, or"):
        load(BUDGET_GLOBAL=text)


def test_each_budget_limits_the_layer_of_its_name(load: Load) -> None:
    budgets = {"BUDGET_GLOBAL": "5/1", "BUDGET_ADDRESS": "4/1", "BUDGET_ACCOUNT": "3/1", "BUDGET_ANONYMOUS": "2/1"}
    limits = budget_limits(load(**budgets, BUDGET_INGEST="1/1", BUDGET_API_TOKEN="6/1"))
    assert limits == Limits(*(Limit(capacity, 1.0) for capacity in (5, 4, 3, 2, 1, 6)))


def test_without_a_setting_budgets_are_wide(load: Load) -> None:
    settings = load()
    assert (settings.budget_global, settings.budget_address) == (Limit(1_000_000, 50_000), Limit(40_000, 2_000))
    assert (settings.budget_account, settings.budget_anonymous) == (Limit(20_000, 1_000), Limit(2_000, 50))
    assert (settings.budget_ingest, settings.budget_api_token) == (Limit(256 * 2**30, 2**30), Limit(10_000, 500))


def test_trusted_documents_are_a_file_and_can_be_exclusive(load: Load, tmp_path: Path) -> None:
    settings = load(TRUSTED_DOCUMENTS="documents.json", TRUSTED_DOCUMENTS_ONLY="True")
    assert (settings.trusted_documents, settings.trusted_documents_only) == (tmp_path / "documents.json", True)


def test_by_default_only_this_machine_can_read_metrics(load: Load) -> None:
    assert load().metrics_networks == ("127.0.0.0/8", "::1")
    assert load(METRICS_NETWORKS="10.0.0.0/8").metrics_networks == ("10.0.0.0/8",)
    assert load(METRICS_NETWORKS="none").metrics_networks == ()


def test_an_empty_variable_counts_as_not_set(load: Load) -> None:
    assert load(PORT="", REDIS_URL="").redis_url is None


def test_a_dotenv_file_is_not_read(load: Load, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CLOUDKEEP_PORT=1234")
    assert load().port == 8000


def test_settings_are_frozen(load: Load) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load().port = 1


def test_printing_the_settings_shows_no_password(load: Load) -> None:
    settings = load(
        SECRET_KEYS=f"k:{SECRET}",
        DATABASE_URL="postgres://user:pass-word@host/d",
        REDIS_URL="redis://:pass-word@host",
        MAIL_URL="smtp://user:pass-word@host:587",
    )
    assert SECRET not in repr(settings)
    assert "pass-word" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("PORT", "abc", "must be between 1 and 65535, not 'abc'"),
        ("PORT", "0", "must be between 1 and 65535, not '0'"),
        ("PORT", "65536", "must be between 1 and 65535, not '65536'"),
        ("PORT", "9" * 5000, f"must be between 1 and 65535, not '{'9' * 56}..."),
        ("WORKERS", "1.5", "must be between 1 and 64, not '1.5'"),
        ("QUOTA", "0", f"must be none or a size between 1B and 8PiB, {SIZES}, not '0'"),
        ("QUOTA", "off", f"must be none or a size between 1B and 8PiB, {SIZES}, not 'off'"),
        ("RESERVATION_SHARE", "0%", "must be between 1 and 100, not '0%'"),
        ("SIGN_IN_DELAYS", "15m", "must be two times of at most a day, like 15m/1m, not '15m'"),
        ("SIGN_IN_DELAYS", "2d/1m", "must be two times of at most a day, like 15m/1m, not '2d/1m'"),
        ("SIGN_IN_DELAYS", "-1/1m", "must be two times of at most a day, like 15m/1m, not '-1/1m'"),
        ("REGISTRATIONS", "0/5", "must be two whole numbers above 0 like 100000/100, not '0/5'"),
        ("RESERVATION_SHARE", "half", "must be between 1 and 100, not 'half'"),
        ("OPEN_UPLOADS", "0", "must be between 1 and 1000000, not '0'"),
        ("MAX_FILE_SIZE", "10G", f"must be a size between 1B and 8PiB, {SIZES}, not '10G'"),
        ("STORAGE_RESERVE", "5%", f"must be a size between 0B and 8PiB, {SIZES}, not '5%'"),
        ("BODY_MIN_RATE", "2GiB", f"must be a size per second between 1B and 1GiB, {SIZES}, not '2GiB'"),
        ("BUDGET_INGEST", "1G/1G", f"{BUDGET} 256GiB/1GiB, 256GiB/1GiB/open or 256GiB/1GiB/closed, not '1G/1G'"),
        ("URL_TTL", "0", f"must be a time between 1s and 3650d, {TIMES}, not '0'"),
        ("URL_TTL", "1500ms", f"must be a time between 1s and 3650d, {TIMES}, not '1500ms'"),
        ("WORKERS", "-1", "must be between 1 and 64, not '-1'"),
        *(
            ("SUBSCRIPTIONS", text, f"must be two whole numbers like 100/20, not {text!r}")
            for text in ("5", "1/-1", "1/2/3")
        ),
        ("HOST", "a b", "must be a host name or an IP address, not 'a b'"),
        ("JOB_LEASE", "nan", f"must be a time between 0.1s and 1d, {TIMES}, not 'nan'"),
        ("BUDGET_TIMEOUT", "soon", f"must be a time between 0.1s and 1d, {TIMES}, not 'soon'"),
        ("DRAIN_SECONDS", "3601", f"must be a time between 0s and 1h, {TIMES}, not '3601'"),
        ("WORKER_NAME", "a/b", "must be 1 to 100 letters, digits, '.', '_' or '-', not 'a/b'"),
        ("TRUSTED_PROXIES", "10.0.0.1/8", "must be a list of IP addresses and CIDR ranges, not '10.0.0.1/8'"),
        ("TRUSTED_PROXIES", "unix,UNIX", "must be a list of IP addresses and CIDR ranges, not 'UNIX'"),
        ("PROXY_HEADER", "X-Real-IP", "must be X-Forwarded-For or Forwarded, not 'X-Real-IP'"),
        ("REGISTRATION", "friends", "must be open or invite or closed, not 'friends'"),
        ("MAILS_PER_ADDRESS", "0", "must be between 1 and 1000000, not '0'"),
        ("LOG_LEVEL", "LOUD", "must be DEBUG or INFO or WARNING or ERROR, not 'LOUD'"),
        ("TRUSTED_DOCUMENTS_ONLY", "maybe", "must be true or false, not 'maybe'"),
        ("TRUSTED_DOCUMENTS_ONLY", "true", "needs CLOUDKEEP_TRUSTED_DOCUMENTS: without it, no document could run"),
        ("DATABASE_URL", "mysql://u:p@h/d", "the scheme mysql: is not supported, only sqlite:, postgres:, postgresql:"),
        ("DATABASE_URL", "cloudkeep.sqlite3", "must be a URL that starts with sqlite:, postgres:, postgresql:"),
        ("DATABASE_URL", "sqlite://x.sqlite3", "must name a file by its absolute path, as in sqlite:///path/to/file"),
        *(
            ("DATABASE_URL", url, POSTGRES_FORM)
            for url in (
                "postgres://h/d",
                "postgres://u:p@/d",
                "postgres://u:p@h",
                "postgres://u:p@h/d/e",
                "postgres://u:p@h/d#e",
            )
        ),
        ("DATABASE_URL", "postgres://u:p@h:x/d", "is malformed: its host or port cannot be parsed"),
        (
            "DATABASE_URL",
            "postgres://u:p@h/d?pool=5",
            "has an unknown option; it may have sslmode, sslrootcert, sslcert, sslkey, host",
        ),
        (
            "DATABASE_URL",
            "postgres://u:p@h/d?sslmode=on",
            "sslmode must be one of disable, allow, prefer, require, verify-ca, verify-full",
        ),
        *(
            (
                "DATABASE_POOL",
                text,
                f"must be two whole numbers like 1/10, the second from 2 to 1000 and not below the first, not {text!r}",
            )
            for text in ("10", "0/1", "5/4", "1/1001")
        ),
        ("BLOB_URL", "ftp://host/x", "the scheme ftp: is not supported, only file:, s3:"),
        ("BLOB_URL", "s3://bucket?sse=yes", "has an sse that is none of AES256, aws:kms, aws:kms:dsse"),
        *(
            (
                "BLOB_URL",
                f"s3://bucket?key={value}",
                "has the option 'key', which is none of endpoint, path_style, region, sse, sse_key, storage_class",
            )
            for value in ("x", "")
        ),
        ("BLOB_URL", "file://host/x", "must name a folder by its absolute path, as in file:///path/to/folder"),
        ("REDIS_URL", "http://host", f"the scheme http: is not supported, only {REDIS_SCHEMES}"),
        ("REDIS_URL", "redis://", "must be like redis://host:6379/0 or unix:///path/to/socket"),
        ("REDIS_URL", "redis://host/sessions", "must be like redis://host:6379/0 or unix:///path/to/socket"),
        ("REDIS_URL", "unix:///socket?db=x", "must be like redis://host:6379/0 or unix:///path/to/socket"),
        ("REDIS_URL", "redis://host?ssl_ca_certs=/ca.pem", "has an unknown option; it may have db"),
        (
            "REDIS_URL",
            "rediss://host?max_connections=5",
            "has an unknown option; it may have "
            "db, ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs, ssl_check_hostname",
        ),
        ("REDIS_URL", "redis://user:1234?nobody-should-see@host", "has an unknown option; it may have db"),
        ("REDIS_URL", "rediss://host?ssl_ca_certs=/nowhere.pem", "ssl_ca_certs names a file that cannot be read"),
        ("DATABASE_URL", "postgres://u:p@h/d?sslrootcert=/nowhere.pem", "sslrootcert names a file that cannot be read"),
        *(
            ("REDIS_URL", f"redis+sentinel://{rest}", SENTINEL_FORM)
            for rest in (
                "",
                "host:26379",
                "host:26379/",
                "/service",
                "host,/service",
                "host:0/service",
                "host:65536/service",
                "host:port/service",
                "::1/service",
                "host/service/sessions",
                "host/service/0/1",
                "host/ser:vice",
                "host/service#0",
                "user:pass/word@host/service",
                "user:1234/word@host/0",
            )
        ),
        (
            "REDIS_URL",
            "redis+sentinel://host/service?db=1",
            "has an unknown option; it may have sentinel_username, sentinel_password",
        ),
        (
            "REDIS_URL",
            "rediss+sentinel://host/service?ssl_ca_certs=/nowhere.pem",
            "ssl_ca_certs names a file that cannot be read",
        ),
        ("REDIS_URL", "rediss://host?ssl_cert_reqs=no", "ssl_cert_reqs must be one of required, optional, none"),
        ("BROKER_URL", "kafka://host", f"the scheme kafka: is not supported, only {REDIS_SCHEMES}"),
        ("BROKER_URL", "redis+sentinel://host", SENTINEL_FORM),
        ("MAIL_URL", "console:x", "must be console: and nothing more, or the URL of a mail server"),
        ("MAIL_URL", "imap://host", "the scheme imap: is not supported, only console:, smtp:, smtps:"),
        ("PUBLIC_URL", "https://a.b/c", "must be like https://drive.example.org, without path, query or user name"),
        ("PUBLIC_URL", "https://a.b:port", "is malformed: its host or port cannot be parsed"),
        ("PUBLIC_URL", "https://a.b\n", "must not contain control characters"),
        ("PUBLIC_URL", "https://a b", "must be like https://drive.example.org, without path, query or user name"),
        *(
            (
                "ALLOWED_HOSTS",
                host,
                f"must list hosts like drive.example.org, without scheme and port, and {host!r} is none",
            )
            for host in ("https://a.b", "a.b:80", "a.b:", "*.b", "a b", "[::1]:80", "a/b", ".")
        ),
        ("CORS_ORIGINS", "*,https://a.b", "must be either * or a list of origins"),
        ("CORS_ORIGINS", "null", "must be a URL that starts with http:, https:"),
        ("CORS_ORIGINS", "a.b:443", "must be a URL that starts with http:, https:"),
        (
            "CORS_ORIGINS",
            "https://a.b/c",
            "must be a list of origins like https://app.example.org, not 'https://a.b/c'",
        ),
        ("CORS_ORIGINS", "https://*.b", "must be a list of origins like https://app.example.org, not 'https://*.b'"),
        (
            "BUDGET_ACCOUNT",
            "20000",
            f"{BUDGET} 20000/1000, 20000/1000/open or 20000/1000/closed, not '20000'",
        ),
        ("SECRET_KEYS", "k:short", "entry 1 must have a secret of at least 32 characters"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(load: Load, name: str, value: str, reason: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**{name: value})
    assert str(caught.value) == f"{PREFIX}{name}: {reason}"


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://user:p%40ss@db.example.org:5432/cloudkeep?sslmode=verify-full&sslrootcert={FILE}",
        "postgresql://user@[2001:db8::1]/cloudkeep",
        "postgres://user@/cloudkeep?host=/run/postgresql",
    ],
)
def test_a_postgresql_database_is_named_by_its_url(load: Load, url: str) -> None:
    settings = load(DATABASE_URL=url, DATABASE_POOL="2/20")
    assert (settings.database_url, settings.database_pool) == (url, (2, 20))


@pytest.mark.parametrize("name", ["REDIS_URL", "BROKER_URL", "MAIL_URL"])
def test_a_wrong_url_is_refused_without_showing_its_password(load: Load, name: str) -> None:
    for scheme in ("redis", "redis+sentinel"):
        with pytest.raises(SettingsError) as caught:
            load(**{name: f"{scheme}://user:nobody-should-see@host:port"})
        assert "nobody-should-see" not in str(caught.value)


def test_a_wrong_database_url_is_refused_without_showing_its_password(load: Load) -> None:
    for rest in ("@host:port/d", "@host/d?sslmode=nobody-should-see", "#@host/d", "@host", "@/d"):
        with pytest.raises(SettingsError) as caught:
            load(DATABASE_URL=f"postgres://user:nobody-should-see{rest}")
        assert "nobody-should-see" not in str(caught.value)


def test_a_wrong_setting_leaves_no_folder_behind(load: Load, tmp_path: Path) -> None:
    with pytest.raises(SettingsError):
        load(WORKER_NAME="/")
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_cannot_be_created_is_named(load: Load, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"CLOUDKEEP_DATA_DIR: cannot write to .*/file/data: Not a directory"):
        load(DATA_DIR="file/data")


def test_a_misspelt_setting_is_logged(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        load(PROT="9000")
    assert caplog.messages == ["CLOUDKEEP_PROT is not a setting; did you mean CLOUDKEEP_PORT?"]


def test_variables_of_the_client_and_of_other_programs_are_not_called_misspelt() -> None:
    assert (
        list(misspelt_settings(["CLOUDKEEP_TOKEN", "CLOUDKEEP_URL", "CLOUDKEEP_PORT", "cloudkeep_host", "PATH"])) == []
    )
