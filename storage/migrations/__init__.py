"""Schema migrations, oldest first. A migration that was released is never edited."""

from storage.database.connection import orm_config

#: For Tortoise's own command line, which writes migrations from the models alone.
TORTOISE_ORM = orm_config("sqlite://:memory:")
