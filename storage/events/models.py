"""The table of events."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model
from uuid_utils.compat import uuid7

from storage.accounts.models import Account


class EventKind(StrEnum):
    """What happened to an item of a drive."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    RENAMED = "RENAMED"
    MOVED = "MOVED"
    TRASHED = "TRASHED"
    RESTORED = "RESTORED"
    DELETED = "DELETED"


class Event(Model):
    """A change in the drive of an account.

    ``seq`` is the account's counter: the order of events is the order of commits, without gaps. ``facts`` is what a
    reader needs who cannot load the item any more.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    seq = fields.BigIntField()
    kind = fields.CharField(max_length=16)
    item_id = fields.UUIDField()
    facts = fields.JSONField[dict[str, Any]]()
    at = fields.DatetimeField()

    class Meta:
        table = "event"
        unique_together = (("account", "seq"),)
        indexes = (Index(fields=["at"]),)
