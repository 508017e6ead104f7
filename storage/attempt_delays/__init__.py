"""Growing delays between failed attempts, shared by all processes in Redis or of one process alone."""

from storage.attempt_delays.base import AttemptDelays, Counter, DelayRule, DelaysOverloaded, DelaysUnavailable
from storage.attempt_delays.local import LocalDelays
from storage.attempt_delays.redis import RedisDelays

__all__ = [
    "AttemptDelays",
    "Counter",
    "DelayRule",
    "DelaysOverloaded",
    "DelaysUnavailable",
    "LocalDelays",
    "RedisDelays",
]
