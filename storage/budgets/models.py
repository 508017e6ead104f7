"""The table of limits that operators granted to accounts."""

from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model
from uuid_utils.compat import uuid7

from storage.accounts.models import Account

#: The capacity of a grant that removes the limit: the largest number of the column, so that it also acts as one.
NO_LIMIT = 2**63 - 1


#: A column's description is a part of the schema, and Tortoise rebuilds a table of SQLite to change it, which loses the
#: unique keys of the table. So it stays as it was in 0.1.
DESCRIPTION = "POINTS: points\nINGEST: ingest\nSUBSCRIPTIONS: subscriptions"


class GrantKind(StrEnum):
    """The part of an account's limits that a grant replaces.

    The bucket of points, the bucket of bytes for chunks, the number of subscriptions that may be open at once, or the
    quota of stored bytes.
    """

    POINTS = "points"
    INGEST = "ingest"
    SUBSCRIPTIONS = "subscriptions"
    QUOTA = "quota"


class Grant(Model):
    """What an operator gave an account in place of the settings, at most one row of a kind.

    A bucket holds ``capacity`` and gets ``refill`` a second; subscriptions and the quota have only a capacity.
    """

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    kind = fields.CharEnumField(GrantKind, max_length=16, description=DESCRIPTION)
    capacity = fields.BigIntField()
    refill = fields.FloatField(null=True)
    created_at = fields.DatetimeField(auto_now_add=True)
    updated_at = fields.DatetimeField(auto_now=True)

    class Meta:
        table = "account_grant"
        unique_together = (("account", "kind"),)
