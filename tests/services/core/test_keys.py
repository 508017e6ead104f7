import hashlib
import hmac

from services.core.keys import SecretKey, derive

KEY = SecretKey("k1", b"0123456789abcdef0123456789abcdef")


def test_a_derived_key_is_the_documented_hmac() -> None:
    expected = hmac.new(KEY.secret, b"cloudkeep/slot-url", hashlib.sha256).digest()
    assert derive(KEY, "slot-url") == expected
    assert len(expected) == 32


def test_two_purposes_have_two_keys() -> None:
    assert derive(KEY, "access-token") != derive(KEY, "slot-url")


def test_two_secrets_have_two_keys_for_one_purpose() -> None:
    assert derive(KEY, "slot-url") != derive(SecretKey("k1", b"another secret"), "slot-url")


def test_printing_a_key_does_not_show_its_secret() -> None:
    assert "0123456789abcdef" not in repr(KEY)
