"""Parses mail URLs like ``smtp://user:password@host:587?from=address``."""

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from storage.mail.base import MailUrlError, is_address
from storage.mail.smtp import Login, Security, SmtpServer

_PORTS = {"smtp": 587, "smtps": 465}  # RFC 6409 and RFC 8314
#: For a network that the operator trusts, such as that of containers on one host.
_TRUSTED_NETWORK = "trusted-network"
_MALFORMED = (
    "not a mail URL: expected smtp://user:password@host:port, with every special character of the user and the "
    "password percent-encoded"
)


def parse_smtp_url(url: str) -> SmtpServer:
    """Parse an ``smtp://`` or ``smtps://`` URL. Raises MailUrlError."""
    parts, port = _split(url)
    host = parts.hostname or ""
    if not _is_host(host) or parts.path not in ("", "/") or parts.fragment:
        raise MailUrlError(_MALFORMED)
    options = _options(parts.query)
    return SmtpServer(
        host=host,
        port=port,
        security=_security(parts.scheme, host, options.get("tls")),
        sender=_sender(host, options.get("from")),
        login=_login(parts),
    )


def _split(url: str) -> tuple[SplitResult, int]:
    # urlsplit drops some of these silently, which would change a password.
    if any(character.isspace() or not character.isprintable() for character in url):
        raise MailUrlError(_MALFORMED)
    try:
        parts = urlsplit(url)
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
    except (ValueError, KeyError):
        raise MailUrlError(_MALFORMED) from None
    if port == 0:
        raise MailUrlError(_MALFORMED)
    return parts, port


def _options(query: str) -> dict[str, str]:
    try:
        # Many addresses contain a plus sign, and none contains a space.
        pairs = parse_qsl(query.replace("+", "%2B"), keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise MailUrlError(_MALFORMED) from None
    options = dict(pairs)
    if len(options) != len(pairs) or not options.keys() <= {"tls", "from"}:
        raise MailUrlError("a mail URL accepts the parameters tls and from, each once")
    return options


def _security(scheme: str, host: str, tls: str | None) -> Security:
    if tls is None:
        return Security.IMPLICIT if scheme == "smtps" else Security.STARTTLS
    if tls not in ("none", _TRUSTED_NETWORK) or scheme != "smtp":
        raise MailUrlError(f"the parameter tls accepts the values none and {_TRUSTED_NETWORK}, and only with smtp://")
    if tls == "none" and not _is_loopback(host):
        other = f"tls={_TRUSTED_NETWORK} sends codes unencrypted to another host"
        raise MailUrlError(f"tls=none is for a mail server on this machine; {other}")
    return Security.NONE


def _sender(host: str, address: str | None) -> str:
    if address is None:
        return f"cloudkeep@{_mail_domain(host)}"
    if not is_address(address):
        raise MailUrlError("the parameter from accepts one bare mail address")
    return address


def _login(parts: SplitResult) -> Login | None:
    if parts.username is None and parts.password is None:
        return None
    if not parts.username or not parts.password:
        raise MailUrlError("a mail URL needs both a user and a password, or neither")
    try:
        return Login(unquote(parts.username, errors="strict"), unquote(parts.password, errors="strict"))
    except ValueError:
        raise MailUrlError(_MALFORMED) from None


def _is_host(text: str) -> bool:
    return _address(text) is not None or is_address(f"cloudkeep@{text}")


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address.is_loopback if address else host == "localhost"


def _mail_domain(host: str) -> str:
    """Write an IP address as the domain of a mail address (RFC 5321, section 4.1.3); a name is its own."""
    match _address(host):
        case IPv4Address():
            return f"[{host}]"
        case IPv6Address():
            return f"[IPv6:{host}]"
        case None:
            return host


def _address(host: str) -> IPv4Address | IPv6Address | None:
    with suppress(ValueError):
        return ip_address(host)
    return None
