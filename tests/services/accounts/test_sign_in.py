"""Sign-in below the API."""

import pytest

from services.accounts.errors import InvalidCredentials
from tests.services.accounts.conftest import World


async def test_an_unknown_user_cannot_sign_in(world: World) -> None:
    with pytest.raises(InvalidCredentials, match="User ID or password is wrong"):
        await world.accounts().login()
