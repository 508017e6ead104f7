"""Whatever one does with a drive, it is what a naive drive in memory is after the same commands.

``make test`` tries the same few lists of commands each time, so that it does not fail by chance. ``make faults`` tries
many more, and others each time.
"""

import asyncio
import os
from collections.abc import Sequence
from uuid import uuid4

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.services.conftest import make_account
from tests.services.drive.model import invariants
from tests.services.drive.model.actor import act
from tests.services.drive.model.commands import COMMANDS, Command, Kind
from tests.services.drive.model.drive import Drive
from tests.services.drive.model.play import Player

#: None for the few examples of ``make test``.
MANY = os.environ.get("DRIVE_EXAMPLES")
MOST_COMMANDS = int(os.environ.get("DRIVE_COMMANDS", "40"))
#: A drive to begin with, so that the first commands have something to change.
BEGINNING = (
    Command(Kind.CREATE_FOLDER, name="a"),
    Command(Kind.UPLOAD, name="b.txt", content=1),
    Command(Kind.UPLOAD, name="b.txt", content=2, folder=1),
    Command(Kind.WORK),
    Command(Kind.WORK),
)
AS_MANY = settings(
    max_examples=int(MANY or 20),
    derandomize=not MANY,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@AS_MANY
@given(commands=st.lists(COMMANDS, min_size=MOST_COMMANDS // 2, max_size=MOST_COMMANDS))
async def test_a_drive_is_what_its_model_is_after_any_commands(drive: Drive, commands: Sequence[Command]) -> None:
    account_id = await make_account(uuid4().hex)
    await Player(drive.of(account_id)).play([*BEGINNING, *commands])


@AS_MANY
@given(first=st.lists(COMMANDS, max_size=10), actors=st.lists(st.lists(COMMANDS, max_size=8), min_size=2, max_size=3))
async def test_actors_at_the_same_time_leave_a_drive_whole(
    drive: Drive, first: Sequence[Command], actors: Sequence[Sequence[Command]]
) -> None:
    drive = drive.of(await make_account(uuid4().hex))
    await drive.items.root(drive.account_id)

    async def run(commands: Sequence[Command]) -> None:
        for command in commands:
            await act(drive, command)

    await run(first)
    await asyncio.gather(*(run(commands) for commands in actors))
    await invariants.check_end(drive)
    await invariants.delete_everything(drive)
