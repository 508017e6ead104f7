"""Limits on how slowly a client may read a response."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ResponseTimeouts:
    """While bytes wait for a client, it may accept none of them for ``silence`` seconds.

    On average it must accept ``rate`` bytes per second.
    """

    silence: float = 60.0
    rate: int = 1024
