"""What Tortoise's own command line needs, which makes migrations from the models alone."""

from storage.database.connection import orm_config

TOOLING = orm_config("sqlite://:memory:")
