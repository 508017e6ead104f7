"""The table of limits that operators granted to accounts."""

from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model
from uuid_utils.compat import uuid7

from storage.accounts.models import Account


class GrantKind(StrEnum):
    """The part of an account's budget that a grant replaces.

    The bucket of points, the bucket of bytes for chunks, or the number of subscriptions that may be open at once.
    """

    POINTS = "points"
    INGEST = "ingest"
    SUBSCRIPTIONS = "subscriptions"


class Grant(Model):
    """What an operator gave an account in place of the settings, at most one row of a kind.

    A bucket holds ``capacity`` and gets ``refill`` a second; of subscriptions there is only a capacity.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    kind = fields.CharEnumField(GrantKind, max_length=16)
    capacity = fields.BigIntField()
    refill = fields.FloatField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "account_grant"
        unique_together = (("account", "kind"),)
