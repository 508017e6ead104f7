"""Who may register. The settings use it, so this module loads no others."""

from enum import StrEnum


class RegistrationMode(StrEnum):
    """Who may register: all people, people with an invitation, or no one."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"
