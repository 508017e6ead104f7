"""``redis+sentinel://user:password@host:26379,host:26379/service/0``: a Redis whose master is known to sentinels.

Prefect, RedisVL and LangChain use the same form. User and password are those of the master and its replicas; the
options ``sentinel_username`` and ``sentinel_password`` are for the sentinels themselves. With ``rediss+sentinel`` both
are reached over TLS, with the same ``ssl_`` options.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

SENTINEL_SCHEMES = ("redis+sentinel", "rediss+sentinel")
SENTINEL_USERNAME, SENTINEL_PASSWORD = "sentinel_username", "sentinel_password"
PORT = 26379
#: The characters that a sentinel allows in the name of a service (https://valkey.io/topics/sentinel/).
_URL = re.compile(
    r"(?P<scheme>rediss?\+sentinel)://(?P<login>[^/?#]*@)?(?P<sentinels>[^@/?#]+)"
    r"/(?P<service>[A-Za-z0-9._-]+)(?:/(?P<db>\d{1,9}))?(?:\?(?P<query>[^#]*))?",
    re.ASCII,
)
_SENTINEL = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>\d{1,5}))?", re.ASCII)

Address = tuple[str, int]


@dataclass(frozen=True)
class SentinelUrl:
    """``master`` is a URL without a host; ``options`` are those of the whole URL."""

    master: str = field(repr=False)
    secure: bool
    sentinels: tuple[Address, ...]
    service: str
    options: dict[str, str] = field(repr=False)


def parse_sentinel_url(url: str) -> SentinelUrl:
    """Parse the URL, without interpreting its options. Raises ValueError, which quotes nothing of the URL."""
    match = _URL.fullmatch(url)
    sentinels = [_SENTINEL.fullmatch(each) for each in match["sentinels"].split(",")] if match else []
    addresses = tuple((each["ipv6"] or each["host"], int(each["port"] or PORT)) for each in sentinels if each)
    if not match or len(addresses) < len(sentinels) or not all(0 < port < 2**16 for _, port in addresses):
        raise ValueError("must be like redis+sentinel://user:password@host:26379,host:26379/service/0")
    options = dict(parse_qsl(match["query"] or "", keep_blank_values=True))
    master_options = {name: value for name, value in options.items() if not name.startswith("sentinel_")}
    master = f"redis://{match['login'] or ''}/{match['db'] or 0}?{urlencode(master_options)}"
    return SentinelUrl(master, match["scheme"].startswith("rediss"), addresses, match["service"], options)
