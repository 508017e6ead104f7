"""What people can change about themselves without their password."""

import re

from services.accounts.errors import Unauthenticated
from services.accounts.tokens import Viewer
from services.accounts.types import ProfileChanges
from services.core import validation
from services.core.errors import InvalidInput
from services.core.validation import Checks
from storage.accounts import accounts
from storage.accounts.models import Account

#: RFC 5646, section 4.4.1: no tag of a registered language needs more characters.
MAX_LOCALE_CHARACTERS = 35
#: The form of a tag of RFC 5646: subtags of at most eight letters or digits, of which the first is the language.
LOCALE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)


async def update(viewer: Viewer, changes: ProfileChanges) -> Account:
    """Change the account of the viewer. Raises :class:`InvalidInput`."""
    values: dict[str, str | None] = {}
    with Checks() as check:
        if changes.user_name is not None:
            values["name"] = check(validation.person_name, changes.user_name)
        if changes.changes_locale:
            values["locale"] = check(_locale, changes.locale)
    account = await accounts.update_profile(viewer.account_id, values)
    if account is None:
        raise Unauthenticated("This account no longer exists.")
    return account


def _locale(value: str | None) -> str | None:
    tag = value.strip().replace("_", "-") if value is not None else None
    if tag is not None and (len(tag) > MAX_LOCALE_CHARACTERS or not LOCALE.fullmatch(tag)):
        raise InvalidInput("A language is a tag of BCP 47, such as 'de' or 'pt-BR'.", field="locale")
    return tag
