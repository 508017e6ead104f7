"""Tables of accounts, registrations and sessions."""

from uuid import UUID

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model
from uuid_utils.compat import uuid7


class Account(Model):
    """A person. ``user_id`` and ``email`` are stored normalised and are unique."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    user_id = fields.CharField(max_length=32, unique=True)
    name = fields.CharField(max_length=100)
    email = fields.CharField(max_length=254, unique=True)
    password_hash = fields.CharField(max_length=255)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "account"


class Registration(Model):
    """An account that waits for its OTP: one per address, the newest replaces the older."""

    email = fields.CharField(max_length=254, primary_key=True)
    user_id = fields.CharField(max_length=32)
    name = fields.CharField(max_length=100)
    password_hash = fields.CharField(max_length=255)
    otp_hash = fields.CharField(max_length=64)
    attempts = fields.IntField(default=0)
    expires_at = fields.DatetimeField()
    # The client's address, or its /64 network (IPv6); null in rows of older versions.
    network = fields.CharField(max_length=64, null=True)

    class Meta:
        table = "registration"
        indexes = (Index(fields=["expires_at"]), Index(fields=["network"]))


class Session(Model):
    """A sign-in: a family of refresh tokens, of which only the newest is valid. Only its SHA-256 is stored."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    refresh_hash = fields.CharField(max_length=64)
    # When the newest token came in place of the one before; null while it is the first.
    rotated_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "session"
        indexes = (Index(fields=["expires_at"]), Index(fields=["account_id", "expires_at"]))
