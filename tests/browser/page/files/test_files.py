"""People find their way through folders, and nothing that goes wrong leaves them without one."""

import pytest

from tests.browser.page.support.drive import new_folder, signed_in
from tests.browser.page.support.person import Person
from tests.browser.page.support.screen import offline
from tests.support.shared_server import SharedServer, another_user

pytestmark = pytest.mark.asyncio(loop_scope="module")

DROP = """(() => {
  const dataTransfer = new DataTransfer()
  dataTransfer.items.add(new File(['text'], 'a.txt'))
  const event = new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true })
  document.body.dispatchEvent(event)
  return event.defaultPrevented
})()"""


async def test_a_folder_that_could_not_be_loaded_is_listed_after_another_try(
    person: Person, shared: SharedServer
) -> None:
    async with another_user(shared) as api:
        await new_folder(api, "Inside", await new_folder(api, "Outside"))
        await signed_in(person, api)
        await person.sees("row", "Outside")
        async with offline(person.tab):
            await person.tab.run("document.querySelector('[role=row]').focus()")
            await person.press("Enter")
            await person.reads("could not be loaded")
        await person.click("button", "Try again")
        await person.sees("row", "Inside")


async def test_a_file_that_is_dropped_where_nothing_takes_it_does_not_replace_the_page(
    person: Person, shared: SharedServer
) -> None:
    async with another_user(shared) as api:
        await signed_in(person, api, "/trash")
        await person.sees("heading", "Trash")
        assert await person.tab.run(DROP)
