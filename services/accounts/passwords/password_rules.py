"""The rules for new passwords (NIST SP 800-63B, section 3.1.1; OWASP ASVS 5.0.0, section 6.2).

Only new passwords obey them: a sign-in accepts the passwords of older accounts.
"""

import asyncio
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from services.core import validation
from services.core.errors import InvalidInput
from storage.accounts.breached_passwords import BreachedPasswords
from storage.accounts.models import Account

#: Fewer are a repetition, such as "1111111111".
DIFFERENT_CHARACTERS = 4
#: Shorter names and parts of names are in too many words.
SHORTEST_NAME = 3
#: The letters that a password has beside the names of its owner, if it has one of these names.
OTHER_LETTERS = 4

COMMON = "This password is one of the most common ones. Choose another one, such as four unrelated words."
REPETITIVE = f"A password has at least {DIFFERENT_CHARACTERS} different characters. Choose one that repeats less."
LIKE_OWNER = (
    "This password is the user ID, the name or a part of the e-mail address with too little added. Choose one without "
    f"them, or with at least {OTHER_LETTERS} other letters; digits and symbols do not count."
)
BREACHED = (
    "This password is in a list of passwords that were stolen from other services. Choose another one, and change it "
    "wherever else you use it."
)


@dataclass(frozen=True)
class Owner:
    """The names that the password of an account must not be like."""

    user_id: str
    user_name: str
    email: str


def owner_of(account: Account) -> Owner:
    """The owner of an account that exists."""
    return Owner(account.user_id, account.name, account.email)


class PasswordRules:
    """Decides whether a password can be a new one of an account."""

    def __init__(self, breached: BreachedPasswords | None = None) -> None:
        self._breached = breached

    async def require_good(self, password: str, owner: Owner, field: str = "password") -> None:
        """Raise :class:`InvalidInput` with the rule that the password breaks.

        ``password`` is in the form that :func:`services.core.validation.new_password` returns.
        """
        self.require_unlike(password, owner, field)
        await self.require_strong(password, field)

    def require_unlike(self, password: str, owner: Owner, field: str = "password") -> None:
        """Raise :class:`InvalidInput` if the password is like the names of its owner."""
        if is_like_owner(password, owner):
            raise InvalidInput(LIKE_OWNER, field=field)

    async def require_strong(self, password: str, field: str = "password") -> None:
        """Raise :class:`InvalidInput` for a password that is bad for every account."""
        if len(set(password)) < DIFFERENT_CHARACTERS:
            raise InvalidInput(REPETITIVE, field=field)
        if await asyncio.to_thread(_is_common, password):
            raise InvalidInput(COMMON, field=field)
        if await self._is_breached(password):
            raise InvalidInput(BREACHED, field=field)

    async def _is_breached(self, password: str) -> bool:
        return self._breached is not None and await asyncio.to_thread(self._breached.contains, password)


def is_like_owner(password: str, owner: Owner) -> bool:
    """Whether little is left of a password without the names of its owner.

    The names are the user ID, the user name and its words, the address, its local part, its domain, and the domain
    without its last label. They are removed forwards and backwards, whatever the case and the symbols in them. A
    password that had one of them must have ``OTHER_LETTERS`` letters besides.
    """
    rest = _letters_and_digits(password)
    has_name = False
    for name in sorted(set(_names(owner)), key=len, reverse=True):
        for form in (name, name[::-1]):
            has_name = has_name or form in rest
            # A space, so that what was around the name does not become another one.
            rest = rest.replace(form, " ")
    return has_name and sum(character.isalpha() for character in rest) < OTHER_LETTERS


def _names(owner: Owner) -> Iterator[str]:
    local_part, _, domain = owner.email.partition("@")
    names = (owner.user_id, owner.user_name, owner.email, local_part, domain, domain.rpartition(".")[0])
    for name in (*names, *owner.user_name.split(), *owner.user_id.replace(".", " ").split()):
        if len(plain := _letters_and_digits(name)) >= SHORTEST_NAME:
            yield plain


def _letters_and_digits(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def _is_common(password: str) -> bool:
    return password.lower() in _common_passwords()


@cache
def _common_passwords() -> frozenset[str]:
    """The common passwords, words and names that are long enough to be new passwords, about 13,600."""
    # Only here: the lists take 13 MiB and 35 ms. Only whole passwords are compared, as SP 800-63B says.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    shortest = validation.PASSWORD_BYTES.start
    return frozenset(entry for entries in FREQUENCY_LISTS.values() for entry in entries if len(entry) >= shortest)
