"""The hosts that requests may be for, and the base URL of links in a response.

A web page can have its own name resolve to an address of this server (DNS rebinding). For the browser, its requests
then have the same origin, but their Host is the page's name. So only known names are allowed: loopback names, the host
of ``PUBLIC_URL``, and those of ``ALLOWED_HOSTS``. An IP address cannot be rebound: the address at which the connection
has arrived is allowed, so that a server is reachable by its own address without a setting.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from services.core.hosts import Authority, is_loopback, parse_address, parse_authority, to_ascii

#: In the list of allowed hosts, this stands for every host.
ANY = "*"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AllowedHosts:
    """``extra`` are hosts beside that of ``public_url``; ``.example.org`` is a domain with all of its subdomains."""

    def __init__(self, public_url: str, extra: Sequence[str] = ()) -> None:
        self.public_url = public_url
        parts = urlsplit(public_url)
        self._public_scheme = parts.scheme
        self._public = parse_authority(to_ascii(parts.netloc))
        self._allows_any = ANY in extra
        names = [_without_dot(each) for each in (self._public.host, *extra)]
        self._hosts = {name for name in names if not name.startswith(".")}
        self._domains = tuple(name for name in names if name.startswith("."))
        self._addresses = {address for each in self._hosts if (address := parse_address(each.strip("[]")))}

    def allows(self, authority: Authority, local_address: str) -> bool:
        """Whether a request may be for this host, on a connection to ``local_address``. The port does not matter."""
        if address := authority.address:
            is_own = address.is_loopback or address in self._addresses or address == parse_address(local_address)
            return is_own or self._allows_any
        return self._allows_any or self._allows_name(_without_dot(authority.host))

    def base_url(self, authority: Authority, scheme: str) -> str:
        """The base URL of links in the response to a request for this host.

        If ``PUBLIC_URL`` is https, a request for its host and port always gets ``PUBLIC_URL``: not every proxy that
        terminates TLS reports the scheme, and no signed URL may be downgraded to http.
        """
        if self._public_scheme == "https" and self._is_public(authority):
            return self.public_url
        is_default = authority.port == _DEFAULT_PORTS[scheme]
        return f"{scheme}://{Authority(authority.host) if is_default else authority}"

    def _allows_name(self, name: str) -> bool:
        return is_loopback(name) or name in self._hosts or f".{name}".endswith(self._domains)

    def _is_public(self, authority: Authority) -> bool:
        default = _DEFAULT_PORTS[self._public_scheme]
        same_port = (authority.port or default) == (self._public.port or default)
        return same_port and _without_dot(authority.host) == _without_dot(self._public.host)


def _without_dot(name: str) -> str:
    """A name without the dot that makes it absolute (RFC 1034, section 3.1)."""
    return name.removesuffix(".")
