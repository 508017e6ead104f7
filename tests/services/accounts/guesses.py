"""Sign-ins with wrong passwords, from many clients."""

from collections.abc import Iterable

from services.accounts.errors import InvalidCredentials, TooManyAttempts
from services.accounts.sessions.sessions import Client
from tests.services.accounts.conftest import AccountServices

WRONG = "not the password"
ATTACKER = Client("198.51.100.7")
OWNER = Client("192.0.2.1")
#: So many that the failures of all together delay each of them.
BOTS = [Client(f"203.0.113.{number}") for number in range(250)]


async def outcome(
    accounts: AccountServices,
    name: str = "ada",
    client: Client = ATTACKER,
    password: str = WRONG,
    device_token: str | None = None,
) -> str:
    """What a sign-in comes to: ``in``, ``wrong``, or ``wait``."""
    try:
        await accounts.login(name, password, client, device_token)
    except InvalidCredentials:
        return "wrong"
    except TooManyAttempts:
        return "wait"
    return "in"


async def outcomes(accounts: AccountServices, clients: Iterable[Client], name: str = "ada") -> list[str]:
    return [await outcome(accounts, name, client) for client in clients]
