"""Rules for the input of users. Each function returns the value to store or raises :class:`InvalidInput`."""

import re
import unicodedata
from collections.abc import Callable
from typing import ParamSpec, Self, TypeVar, cast

from email_validator import EmailNotValidError, validate_email

from services.core.errors import ExpectedError, InvalidInput
from services.core.person_names import VARIATION_SELECTORS, is_honest
from services.core.typed_codes import otp as otp
from storage.mail.base import is_address

P = ParamSpec("P")
T = TypeVar("T")

#: The longest file name that all common file systems accept, in bytes of UTF-8.
MAX_FILE_NAME_BYTES = 255
MAX_NAME_CHARACTERS = 100
#: The longest user name, with the spaces around it, that is processed at all.
MAX_TYPED_CHARACTERS = 1_000
#: NFC joins at most four characters to one. Since it sorts combining marks in quadratic time, a minute for 200 KiB, a
#: text that would be too long even after joining is truncated before.
NFC_JOINS = 4
#: RFC 5321, section 4.5.3.1.3, without the angle brackets.
MAX_EMAIL_CHARACTERS = 254
#: The length of a new password, in bytes of UTF-8. OWASP ASVS 5.0.0, 6.2.1 and 6.2.9: at least 8 characters, and 64
#: must be possible; 6.2.5: no rule about the composition.
PASSWORD_BYTES = range(10, 1025)
#: The longest password that an older account may have.
MAX_PASSWORD_CHARACTERS = 1_024
MAX_IDEMPOTENCY_KEY_CHARACTERS = 255

USER_ID = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,30})[a-z0-9]", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
#: A media type without parameters, RFC 6838, section 4.2.
MIME_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}", re.ASCII)
#: Control characters, half surrogate pairs, and the two separators that break lines.
FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
#: Marks that reorder the text around them: "gpj.exe" can be made to read "exe.jpg" (Unicode TR 36, section 3.7).
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
#: Spaces, control and format characters, and marks, which change the character before them.
INVISIBLE_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Mn", "Mc", "Me"})
#: Letters and symbols without ink: Hangul fillers, the empty Braille pattern, the null notehead, and blank hieroglyphs.
BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800\U0001d159\U00013441\U00013442")
#: Code points without a character that are never shown (Default_Ignorable_Code_Point in Unicode's
#: DerivedCoreProperties.txt). The others of these ranges are in the categories above.
IGNORABLE = (range(0x2065, 0x2066), range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))


def _visible(text: str) -> str:
    """The characters that a reader can see. What Python's Unicode version does not know yet may be an emoji."""
    return "".join(c for c in text if _is_visible(c))


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in INVISIBLE_CATEGORIES and not _is_blank(character)


def _is_blank(character: str) -> bool:
    """Whether it has no ink although its category does not say so."""
    return character in BLANKS or any(ord(character) in code_points for code_points in IGNORABLE)


class Checks:
    """Checks several inputs, so that a caller learns of all that are wrong at once.

    Call it inside a ``with`` block for each input. The block ends by raising the first refusal; the others are in its
    ``others``.
    """

    def __init__(self) -> None:
        self._refusals: list[ExpectedError] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if self._refusals and error is None:
            first, *others = self._refusals
            first.others = others
            raise first

    def __call__(self, rule: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T:
        """The value that the rule returns. After a refusal it is None, and must not be used: the block will raise."""
        try:
            return rule(*arguments, **options)
        except ExpectedError as refusal:
            self._refusals.append(refusal)
            return cast(T, None)


def _is_clean(text: str) -> bool:
    return not any(unicodedata.category(c) in FORBIDDEN_CATEGORIES or c in BIDI_CONTROLS for c in text)


def _joined(text: str, limit: int) -> str:
    """The text in form NFC. One that is certainly longer than ``limit`` is cut, but stays longer."""
    return unicodedata.normalize("NFC", text[: limit * NFC_JOINS + 1])


def one_line(value: str, field: str) -> str:
    """A text without control characters, with single spaces between words. It may be empty."""
    line = " ".join(value.split())
    if not _is_clean(line):
        raise InvalidInput("The text may not hold control characters.", field=field)
    return line


def file_name(value: str, field: str = "fileName") -> str:
    """A name, not a path: 1 to 255 bytes of UTF-8 in form NFC, no slash, no control character.

    At least one character can be seen and is not a dot, which also excludes ``.`` and ``..``.
    """
    name = _joined(value, MAX_FILE_NAME_BYTES)
    # NFC neither adds nor removes control characters. A truncated name is refused below, because it is too long.
    if not _is_clean(name):
        raise InvalidInput("A name may not contain control characters.", field=field)
    visible = _visible(name)
    if not visible:
        raise InvalidInput("A name may not be empty or invisible.", field=field)
    if len(name.encode()) > MAX_FILE_NAME_BYTES:
        raise InvalidInput(f"A name may have at most {MAX_FILE_NAME_BYTES} bytes.", field=field)
    if "/" in name or "\\" in name:
        raise InvalidInput("A name may not contain slashes.", field=field)
    if not visible.strip("."):
        raise InvalidInput("A name may not consist of dots alone.", field=field)
    return name


def user_id(value: str, field: str = "userId") -> str:
    """3 to 32 of a-z, 0-9, dot, dash, underscore, in lower case, beginning and ending with a letter or digit."""
    normalised = value.strip().lower()
    if not USER_ID.fullmatch(normalised):
        raise InvalidInput(
            "A user ID has 3 to 32 letters, digits, dots, dashes or underscores, and begins and ends with a letter "
            "or digit.",
            field=field,
        )
    return normalised


def person_name(value: str, field: str = "userName") -> str:
    """1 to 100 characters, all of which can be seen or are needed, with single spaces between words."""
    is_bounded = len(value) <= MAX_TYPED_CHARACTERS
    name = _joined(" ".join(value.split()), MAX_NAME_CHARACTERS) if is_bounded and _is_clean(value) else ""
    if len(name) > MAX_NAME_CHARACTERS or not _visible(name):
        raise InvalidInput(f"A name has 1 to {MAX_NAME_CHARACTERS} characters and no control characters.", field=field)
    if any(_is_blank(c) and c not in VARIATION_SELECTORS for c in name) or not is_honest(name):
        raise InvalidInput(
            "A name has no invisible characters, and at most a few accents on a letter. Type it instead of pasting it.",
            field=field,
        )
    return name


def email(value: str, field: str = "email") -> str:
    """An e-mail address in lower case. Only its form is checked: the OTP shows whether the address exists."""
    refusal = InvalidInput("This is not an e-mail address.", field=field)
    address = value.strip()
    if len(address) > MAX_EMAIL_CHARACTERS:
        raise refusal
    try:
        normalised = validate_email(address, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise refusal from error
    if not is_address(normalised):
        raise refusal
    return normalised


def password(value: str, field: str = "password") -> str:
    """A password as typed to sign in, in form NFKC, so that every keyboard types the same (NIST SP 800-63B).

    Only what is too long for any account is refused. :func:`new_password` is for new ones.
    """
    refusal = InvalidInput(f"A password has at most {MAX_PASSWORD_CHARACTERS} characters.", field=field)
    if len(value) > MAX_PASSWORD_CHARACTERS:
        raise refusal
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("A password may not hold half surrogate pairs.", field=field) from error
    # Counted again as it is hashed: in form NFKC one character can become eighteen.
    normalised = unicodedata.normalize("NFKC", value)
    if len(normalised) > MAX_PASSWORD_CHARACTERS:
        raise refusal
    return normalised


def new_password(value: str, field: str = "password") -> str:
    """A new password: 10 to 1,024 bytes of UTF-8 in form NFKC. ``password_rules`` has more."""
    normalised = password(value, field)
    size = len(normalised.encode())
    if size not in PASSWORD_BYTES:
        raise InvalidInput(
            f"A password has {PASSWORD_BYTES.start} to {PASSWORD_BYTES.stop - 1:,} bytes, and this one has {size:,}. "
            "A letter of English is one byte. Several words make a good password.",
            field=field,
        )
    return normalised


def sha256(value: str, field: str = "sha256") -> str:
    """64 hexadecimal digits, stored in lower case."""
    digest = value.strip().lower()
    if not SHA256.fullmatch(digest):
        raise InvalidInput("A SHA-256 has 64 hexadecimal digits.", field=field)
    return digest


def mime_type(value: str, field: str = "mimeType") -> str:
    """A media type such as ``video/mp4``, in lower case, without parameters."""
    normalised = value.partition(";")[0].strip().lower()
    if not MIME_TYPE.fullmatch(normalised):
        raise InvalidInput("A media type looks like 'video/mp4'.", field=field)
    return normalised


def idempotency_key(value: str, field: str = "idempotencyKey") -> str:
    """1 to 255 characters without control characters."""
    if not 1 <= len(value) <= MAX_IDEMPOTENCY_KEY_CHARACTERS or not _is_clean(value):
        raise InvalidInput("An idempotency key has 1 to 255 characters and no control characters.", field=field)
    return value
