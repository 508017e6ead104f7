"""Tables of accounts, of what waits for a mailed code, of sessions and of API tokens."""

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
    # Administrators are made by the command line, except for the first account of a server.
    is_admin = fields.BooleanField(default=False, db_default=False)
    # Since when nobody can sign in; null if the account can be used.
    disabled_at = fields.DatetimeField(null=True)
    # The language of mails, a tag of BCP 47; null is the server's.
    locale = fields.CharField(max_length=35, null=True)
    password_changed_at = fields.DatetimeField(null=True)
    # The number of the newest event.
    change_seq = fields.BigIntField(default=0, db_default=0)
    # The bytes of the blobs that versions name, and of those that were derived from them.
    original_bytes = fields.BigIntField(default=0, db_default=0)
    derived_bytes = fields.BigIntField(default=0, db_default=0)

    class Meta:
        table = "account"


class Registration(Model):
    """An account that waits for its OTP. Several may wait for one address."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    email = fields.CharField(max_length=254)
    user_id = fields.CharField(max_length=32)
    name = fields.CharField(max_length=100)
    password_hash = fields.CharField(max_length=255)
    otp_hash = fields.CharField(max_length=64)
    attempts = fields.IntField(default=0)
    expires_at = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)
    # The client's address, or its /48 network (IPv6).
    network = fields.CharField(max_length=64)
    locale = fields.CharField(max_length=35, null=True)
    # The invitation that it uses up when it is completed.
    invitation_id = fields.UUIDField(null=True)

    class Meta:
        table = "registration"
        indexes = (Index(fields=["email", "expires_at"]), Index(fields=["expires_at"]), Index(fields=["network"]))


class Invitation(Model):
    """A permission to register one account. Only the SHA-256 of its token is stored."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    token_hash = fields.CharField(max_length=64, unique=True)
    # The only address that may use it; null if any may.
    email = fields.CharField(max_length=254, null=True)
    makes_admin = fields.BooleanField(default=False)
    # The quota of the account, in bytes; null is that of the settings.
    quota = fields.BigIntField(null=True)
    expires_at = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)
    used_at = fields.DatetimeField(null=True)
    account: fields.ForeignKeyNullableRelation[Account] = fields.ForeignKeyField(
        "cloudkeep.Account", null=True, on_delete=fields.SET_NULL
    )
    account_id: UUID | None

    class Meta:
        table = "invitation"
        indexes = (Index(fields=["expires_at"]),)


class Attempt(Model):
    """One of the things that are limited for each mail address and hour. The address is stored as a keyed hash."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    # MAIL, a mail to the address; OTP, a guess at one of its codes.
    kind = fields.CharField(max_length=16)
    subject = fields.CharField(max_length=64)
    at = fields.DatetimeField()

    class Meta:
        table = "attempt"
        indexes = (Index(fields=["kind", "subject", "at"]), Index(fields=["at"]))


class PasswordReset(Model):
    """A forgotten password that waits for its OTP."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    otp_hash = fields.CharField(max_length=64)
    attempts = fields.IntField(default=0)
    expires_at = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "password_reset"
        indexes = (Index(fields=["expires_at"]), Index(fields=["account_id", "expires_at"]))


class EmailChange(Model):
    """A change of an account's address. It waits for its OTP, and after that it can be undone for some days."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    new_email = fields.CharField(max_length=254)
    # The address before the change, which stays reserved until ``undo_until``; null until the change is confirmed.
    old_email = fields.CharField(max_length=254, null=True)
    otp_hash = fields.CharField(max_length=64)
    attempts = fields.IntField(default=0)
    expires_at = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)
    confirmed_at = fields.DatetimeField(null=True)
    undo_hash = fields.CharField(max_length=64, unique=True, null=True)
    undo_until = fields.DatetimeField(null=True)

    class Meta:
        table = "email_change"
        indexes = (
            Index(fields=["expires_at"]),
            Index(fields=["account_id", "expires_at"]),
            Index(fields=["old_email"]),
        )


class Session(Model):
    """A sign-in: a family of refresh tokens, of which only the newest is valid. Only its SHA-256 is stored."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    # Empty if the session has a cookie, which is never refreshed.
    refresh_hash = fields.CharField(max_length=64)
    # When the newest token came in place of the one before; null while it is the first.
    rotated_at = fields.DatetimeField(null=True)
    # When it ends if it is not used before.
    expires_at = fields.DatetimeField()
    created_at = fields.DatetimeField(auto_now_add=True)
    # When it ends however often it is used; null in rows of older versions.
    ends_at = fields.DatetimeField(null=True)
    # The SHA-256 of the session cookie; null if the session has tokens.
    cookie_hash = fields.CharField(max_length=64, null=True)
    user_agent = fields.CharField(max_length=255, null=True)
    address = fields.CharField(max_length=64, null=True)
    # Written at most once a minute.
    last_used_at = fields.DatetimeField(null=True)
    # When the password was last given in this session.
    authenticated_at = fields.DatetimeField(null=True)

    class Meta:
        table = "session"
        indexes = (
            Index(fields=["expires_at"]),
            Index(fields=["account_id", "expires_at"]),
            Index(fields=["cookie_hash"]),
        )


class ApiToken(Model):
    """A token for programs of an account. Only its SHA-256 and its last characters are stored."""

    id = fields.UUIDField(primary_key=True, default=uuid7)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField("cloudkeep.Account", on_delete=fields.CASCADE)
    account_id: UUID
    name = fields.CharField(max_length=100)
    secret_hash = fields.CharField(max_length=64, unique=True)
    last_characters = fields.CharField(max_length=8)
    scopes = fields.JSONField[list[str]]()
    created_at = fields.DatetimeField(auto_now_add=True)
    # Null if it does not expire.
    expires_at = fields.DatetimeField(null=True)
    # Written at most once a minute.
    last_used_at = fields.DatetimeField(null=True)

    class Meta:
        table = "api_token"
        indexes = (Index(fields=["account_id"]), Index(fields=["expires_at"]))
