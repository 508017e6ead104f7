"""The recent event log: what happened to a topic, in order, resumable by cursor."""

from storage.progress_stream.base import Event, EventLog, Subscription
from storage.progress_stream.cursors import Position, position
from storage.progress_stream.redis import RedisEventLog

__all__ = ["Event", "EventLog", "Position", "RedisEventLog", "Subscription", "position"]
