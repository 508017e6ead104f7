"""A drive that a person sees on the page."""

from tests.browser.page.support.person import Person
from tests.support.server import PASSWORD, Api

CREATE = """mutation ($name: String!, $parentId: ID!) {
  createFolder(input: {name: $name, parentId: $parentId}) { folder { id } userErrors { code } } }"""
ROOT = "{ root { id } }"
UPLOADED = "query ($id: ID!) { upload(id: $id) { status file { id } } }"
TRASH = "mutation ($ids: [ID!]!) { trashItems(input: {itemIds: $ids}) { userErrors { code } } }"
STAR = "mutation ($id: ID!) { starItem(input: {itemId: $id, starred: true}) { userErrors { code } } }"


async def signed_in(person: Person, api: Api, path: str = "/") -> None:
    """Show a page as the user of ``api``."""
    await person.open(path)
    await person.fill("User ID or e-mail address", str((await api.data("{ me { userId } }"))["userId"]))
    await person.fill("Password", PASSWORD)
    await person.click("button", "Sign in")
    await person.sees("link", "Files")


async def new_folder(api: Api, name: str, parent_id: str | None = None) -> str:
    """The ID of a new folder; without a parent it is in the root."""
    parent = parent_id or (await api.data(ROOT))["id"]
    return str((await api.data(CREATE, name=name, parentId=parent))["folder"]["id"])


async def new_file(api: Api, name: str, content: bytes = b"text", parent_id: str | None = None) -> str:
    """The ID of a file that is stored."""
    upload = await api.upload(content, fileName=name, parentId=parent_id)
    await api.frames(upload["id"])
    return str((await api.data(UPLOADED, id=upload["id"]))["file"]["id"])
