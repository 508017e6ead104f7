"""The table of mails that wait."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model
from uuid_utils.compat import uuid7


class OutboxMail(Model):
    """A mail that a worker sends, or has sent a moment ago. It has no secrets, and its ID is its Message-ID."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyNullableRelation[Any] = fields.ForeignKeyField(
        "cloudkeep.Account", on_delete=fields.CASCADE, null=True
    )
    account_id: UUID | None
    recipient = fields.CharField(max_length=254)
    kind = fields.CharField(max_length=32)
    # A tag of BCP 47; null is the server's language.
    locale = fields.CharField(max_length=35, null=True)
    params = fields.JSONField[dict[str, Any]]()
    # The ID of the secret key for the token in the mail; null if it has no token.
    key_id = fields.CharField(max_length=32, null=True)
    created_at = fields.DatetimeField()
    sent_at = fields.DatetimeField(null=True)

    class Meta:
        table = "outbox_mail"
        indexes = (Index(fields=["account_id"]), Index(fields=["created_at"]), Index(fields=["sent_at"]))
