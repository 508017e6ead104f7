"""The same pages of a folder through GraphQL: over HTTP, from a server with the defaults except for its budgets."""

from functools import partial
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from bench.clients.user import User
from bench.contenders.cloudkeep import CloudKeep
from bench.drive.databases import FilledDatabase
from bench.drive.listing import ORDERS, PAGE, PLACES, fill, middle
from bench.drive.timing import Timing, timed
from bench.harness.server import Server, free_port, running
from resolvers.drive.item_cursors import item_cursor
from services.core.ids import Prefix, decode, encode
from storage.database.connection import close_database, open_database
from storage.drive.tree.listing import ItemOrder

#: Enough for all pages at once: nobody waits for points.
UNLIMITED = "1000000000/1000000000"
BUDGETS = {f"CLOUDKEEP_BUDGET_{layer}": UNLIMITED for layer in ("GLOBAL", "ADDRESS", "ACCOUNT")}
DOCUMENT = """query ($id: ID!, $order: ItemOrder, $first: Int, $after: String, $last: Int) {
  item(id: $id) { ... on Folder { items(first: $first, after: $after, last: $last, orderBy: $order) {
    nodes { __typename id name updatedAt starred ... on File { size kind } } pageInfo { hasNextPage } } } } }"""


async def measure(database: FilledDatabase, count: int, runs: int) -> list[Timing]:
    """Request pages of a folder with ``count`` items from a server, one at a time."""
    with TemporaryDirectory() as name:
        data, port = data_folder(name), free_port()
        settings = {"CLOUDKEEP_DATABASE_URL": database.url, **BUDGETS}
        with running(CloudKeep(settings=settings).launch(data, port), data, port) as server:
            user = User.sign_up(server)
            account_id = decode(Prefix.ACCOUNT, user.execute("{ me { id } }")["id"])
            assert account_id
            folder_id = await fill(database, account_id, count)
            return [await _measure_place(database, server, user, folder_id, place, runs) for place in PLACES]


async def _measure_place(
    database: FilledDatabase, server: Server, user: User, folder_id: UUID, place: str, runs: int
) -> Timing:
    variables = [await _variables(database, folder_id, order, place) for order in ORDERS]
    calls = [partial(_request, user, chosen) for chosen in islice(cycle(variables), runs)]

    def cpu_seconds() -> float:
        return database.cpu_seconds() + sum(server.cpu_seconds().values())

    return await timed(database, f"page by GraphQL, all orders, {place}", calls, cpu_seconds=cpu_seconds)


async def _request(user: User, variables: dict[str, object]) -> None:
    found = user.execute(DOCUMENT, **variables)["items"]["nodes"]
    assert found


async def _variables(database: FilledDatabase, folder_id: UUID, order: ItemOrder, place: str) -> dict[str, object]:
    direction = "DESC" if order.descending else "ASC"
    variables: dict[str, object] = {"id": encode(Prefix.FOLDER, folder_id)}
    variables["order"] = {"field": order.field.value, "direction": direction}
    if place == "end":
        return {**variables, "last": PAGE}
    if place == "middle":
        await open_database(database.url)
        try:
            variables["after"] = item_cursor(await middle(folder_id, order), order)
        finally:
            await close_database()
    return {**variables, "first": PAGE}


def data_folder(parent: str) -> Path:
    """A folder for a server, whose log is beside it."""
    folder = Path(parent, "data")
    folder.mkdir()
    return folder
