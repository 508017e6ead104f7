"""The rules for new passwords (NIST SP 800-63B, section 3.1.1; OWASP ASVS 5.0.0, section 6.2).

Only new passwords obey them: a sign-in accepts the passwords of older accounts.
"""

import asyncio
import logging
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from services.core import validation
from services.core.errors import InvalidInput, TemporarilyUnavailable
from storage.accounts.breached_passwords import BreachedPasswords, BreachedPasswordsError
from storage.accounts.models import Account

logger = logging.getLogger("cloudkeep.accounts")

#: Simultaneous searches of the file of breached passwords. Each is a few dozen small reads.
THREADS = 2
#: Seconds for a search, with the wait for a thread. Even a slow network file system needs less.
SEARCH_SECONDS = 5.0
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
        # Threads of its own: a file on a disk that hangs would keep those that everything else shares.
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="breached-passwords")

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
        """Raise :class:`InvalidInput` for a password that is bad for every account.

        Raises :class:`TemporarilyUnavailable` while the file of breached passwords cannot be read.
        """
        if len(set(password)) < DIFFERENT_CHARACTERS:
            raise InvalidInput(REPETITIVE, field=field)
        if await asyncio.to_thread(_is_common, password):
            raise InvalidInput(COMMON, field=field)
        if await self._is_breached(password):
            raise InvalidInput(BREACHED, field=field)

    async def _is_breached(self, password: str) -> bool:
        if self._breached is None:
            return False
        searching = asyncio.get_running_loop().run_in_executor(self._pool, self._breached.contains, password)
        try:
            return await asyncio.wait_for(searching, SEARCH_SECONDS)
        except (TimeoutError, OSError, BreachedPasswordsError) as error:
            logger.error("the file of breached passwords cannot be searched: %s", str(error) or "no answer in time")
            raise TemporarilyUnavailable("Passwords cannot be checked at the moment. Try again later.") from error


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
