"""Files as their owner sees them."""

from resolvers.context import Context
from resolvers.ids import parse_id
from storage.drive.models import File


async def find_file(context: Context, file_id: str) -> File | None:
    """The viewer's file with this ID."""
    account_id, key = context.viewer.account_id, parse_id(file_id)
    return await context.services.files.find(account_id, key) if key else None
