"""Translates the reasons why an upload was not stored into errors for its client."""

from services.core.errors import ExpectedError, StorageFull
from services.drive.errors import TooManyItems
from services.drive.item_changes import refusal_of_change
from services.uploads.errors import QuotaExceeded
from storage.drive.errors import ItemError, NameTaken, TooDeep, TooManyFolders
from storage.drive.tree.destinations import MOST_CREATED, FileInPath
from storage.errors import NoSpace, OverQuota


def refusal_of(error: Exception) -> ExpectedError:
    """The error for a client. Raises the error itself if it is none of a client."""
    if isinstance(error, ExpectedError):
        return error
    if isinstance(error, OverQuota):
        return QuotaExceeded(f"This file does not fit into your quota: {error}.", field="size")
    if isinstance(error, NoSpace):
        return StorageFull("The server has no space for this file. Try again later.", field="size")
    if isinstance(error, TooManyFolders):
        message = f"These uploads need more than {MOST_CREATED} new folders. Start them in several calls."
        return TooManyItems(message, field="relativePath")
    if isinstance(error, ItemError):
        return refusal_of_change(error, _field_of(error))
    raise error


def _field_of(error: ItemError) -> str:
    if isinstance(error, FileInPath | TooDeep):
        return "relativePath"
    return "fileName" if isinstance(error, NameTaken) else "parentId"
