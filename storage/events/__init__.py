"""The recent event log: what happened to a topic, in order, resumable by cursor."""

from storage.events.base import Event, EventLog, Subscription
from storage.events.redis import RedisEventLog

__all__ = ["Event", "EventLog", "RedisEventLog", "Subscription"]
