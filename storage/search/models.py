"""The table of texts that searches find."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from storage.accounts.models import Account


class SearchEntry(Model):
    """A text of an item, folded for comparison. A greater ``id`` is a newer item."""

    id = fields.BigIntField(primary_key=True, generated=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    item_id = fields.UUIDField(unique=True)
    text = fields.TextField()

    class Meta:
        table = "search_entry"
        indexes = (Index(fields=["account_id", "id"]),)
