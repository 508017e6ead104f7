"""Whole numbers in the texts of clients."""


def parse_decimal(text: str, max_digits: int) -> int | None:
    """The number that a text of 1 to ``max_digits`` digits means; None for any other text.

    :class:`int` alone takes signs, spaces, underscores and the digits of other scripts, and is slow for long texts.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= max_digits
    return int(text) if is_number else None
