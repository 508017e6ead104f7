import functools
from json import dumps, loads

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.indexes import Index
from tortoise.migrations import operations as ops
from uuid_utils.compat import uuid7


class Migration(migrations.Migration):
    dependencies = [("cloudkeep", "0012_room")]

    initial = False

    operations = [
        ops.CreateModel(
            name="ApiToken",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=100)),
                ("secret_hash", fields.CharField(unique=True, max_length=64)),
                ("last_characters", fields.CharField(max_length=8)),
                ("scopes", fields.JSONField(encoder=functools.partial(dumps, separators=(",", ":")), decoder=loads)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("expires_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("last_used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "api_token",
                "app": "cloudkeep",
                "indexes": [Index(fields=["account_id"]), Index(fields=["expires_at"])],
                "pk_attr": "id",
                "table_description": "A token for programs of an account. Only its SHA-256 and its last characters are stored.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Attempt",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("kind", fields.CharField(max_length=16)),
                ("subject", fields.CharField(max_length=64)),
                ("at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "attempt",
                "app": "cloudkeep",
                "indexes": [Index(fields=["kind", "subject", "at"]), Index(fields=["at"])],
                "pk_attr": "id",
                "table_description": "One of the things that are limited for each mail address and hour. The address is stored as a keyed hash.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="EmailChange",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("new_email", fields.CharField(max_length=254)),
                ("old_email", fields.CharField(null=True, max_length=254)),
                ("otp_hash", fields.CharField(max_length=64)),
                ("attempts", fields.IntField(default=0)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("confirmed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("undo_hash", fields.CharField(null=True, unique=True, max_length=64)),
                ("undo_until", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "email_change",
                "app": "cloudkeep",
                "indexes": [
                    Index(fields=["expires_at"]),
                    Index(fields=["account_id", "expires_at"]),
                    Index(fields=["old_email"]),
                ],
                "pk_attr": "id",
                "table_description": "A change of an account's address. It waits for its OTP, and after that it can be undone for some days.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Invitation",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                ("email", fields.CharField(null=True, max_length=254)),
                ("makes_admin", fields.BooleanField(default=False)),
                ("quota", fields.BigIntField(null=True)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("used_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.SET_NULL,
                    ),
                ),
            ],
            options={
                "table": "invitation",
                "app": "cloudkeep",
                "indexes": [Index(fields=["expires_at"])],
                "pk_attr": "id",
                "table_description": "A permission to register one account. Only the SHA-256 of its token is stored.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="PasswordReset",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "cloudkeep.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("otp_hash", fields.CharField(max_length=64)),
                ("attempts", fields.IntField(default=0)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "password_reset",
                "app": "cloudkeep",
                "indexes": [Index(fields=["expires_at"]), Index(fields=["account_id", "expires_at"])],
                "pk_attr": "id",
                "table_description": "A forgotten password that waits for its OTP.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Account",
            name="disabled_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Account",
            name="is_admin",
            field=fields.BooleanField(default=False, db_default=False),
        ),
        ops.AddField(
            model_name="Account",
            name="locale",
            field=fields.CharField(null=True, max_length=35),
        ),
        ops.AddField(
            model_name="Account",
            name="password_changed_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        # A new table: SQLite cannot change the primary key of one. What waits in it is valid for minutes only.
        ops.DeleteModel(name="Registration"),
        ops.CreateModel(
            name="Registration",
            fields=[
                ("id", fields.UUIDField(primary_key=True, default=uuid7, unique=True, db_index=True)),
                ("email", fields.CharField(max_length=254)),
                ("user_id", fields.CharField(max_length=32)),
                ("name", fields.CharField(max_length=100)),
                ("password_hash", fields.CharField(max_length=255)),
                ("otp_hash", fields.CharField(max_length=64)),
                ("attempts", fields.IntField(default=0)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("network", fields.CharField(max_length=64)),
                ("locale", fields.CharField(null=True, max_length=35)),
                ("invitation_id", fields.UUIDField(null=True)),
            ],
            options={
                "table": "registration",
                "app": "cloudkeep",
                "indexes": [
                    Index(fields=["email", "expires_at"]),
                    Index(fields=["expires_at"]),
                    Index(fields=["network"]),
                ],
                "pk_attr": "id",
                "table_description": "An account that waits for its OTP. Several may wait for one address.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Session",
            name="address",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="Session",
            name="authenticated_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Session",
            name="cookie_hash",
            field=fields.CharField(null=True, max_length=64),
        ),
        ops.AddField(
            model_name="Session",
            name="ends_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Session",
            name="last_used_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Session",
            name="user_agent",
            field=fields.CharField(null=True, max_length=255),
        ),
        ops.AddIndex(
            model_name="Session",
            index=Index(fields=["cookie_hash"]),
        ),
    ]
