"""URLs of a Redis behind sentinels: the sentinels, the service, and the options for the master."""

from urllib.parse import quote

from redis.asyncio.connection import parse_url

from storage.redis.connection import pool_options
from storage.redis.sentinel_url import parse_sentinel_url


def test_sentinels_are_asked_in_the_order_of_the_url_and_their_port_may_be_left_out() -> None:
    parsed = parse_sentinel_url("redis+sentinel://a.example.org,10.0.0.1:1,[2001:db8::1]:65535,[::1]/my-master_1.0")
    assert parsed.sentinels == (("a.example.org", 26379), ("10.0.0.1", 1), ("2001:db8::1", 65535), ("::1", 26379))
    assert (parsed.service, parsed.secure) == ("my-master_1.0", False)


def test_the_master_gets_user_password_and_database_and_the_sentinels_their_own() -> None:
    password = quote("p@ss:/ word?#%,", safe="")
    parsed = parse_sentinel_url(f"redis+sentinel://us%40er:{password}@a,b/service/7?sentinel_password={password}")
    assert parse_url(parsed.master) == {"username": "us@er", "password": "p@ss:/ word?#%,", "db": 7}
    assert parsed.options == {"sentinel_password": "p@ss:/ word?#%,"}


def test_options_of_tls_are_those_of_the_master_too() -> None:
    parsed = parse_sentinel_url("rediss+sentinel://a/service?ssl_check_hostname=false&ssl_ca_certs=/a%20b.pem")
    assert parsed.secure
    assert parse_url(parsed.master) == {"db": 0, "ssl_check_hostname": False, "ssl_ca_certs": "/a b.pem"}


def test_nothing_of_a_password_is_printed() -> None:
    parsed = parse_sentinel_url("redis+sentinel://:secret@a/service?sentinel_password=secret")
    assert "secret" not in repr(parsed)


def test_a_redis_without_sentinels_is_left_to_redis_py() -> None:
    for url in ("redis://host/0", "rediss://host?ssl_cert_reqs=none", "unix:///socket"):
        assert pool_options(url) == (url, {})
