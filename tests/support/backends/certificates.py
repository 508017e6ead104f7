"""TLS certificates of a temporary authority."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Certificates:
    """A certificate for 127.0.0.1 and the authority behind it: a client trusts it with SSL_CERT_FILE=``authority``."""

    authority: Path
    server: ssl.SSLContext


def make_certificates(folder: Path) -> Certificates:
    """Issue a certificate of a temporary authority, and write that of the authority into ``folder``."""
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return Certificates(path, server)
