"""A thousand small files are uploaded in groups."""

from pathlib import Path

import pytest

from tests.browser.page.support.gestures import drop_files
from tests.browser.page.support.person import Person
from tests.support.server import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNT = 1000
#: The points that answers to the page have cost.
COUNTING = """
  window.points = 0;
  const send = window.fetch;
  window.fetch = async (...request) => {
    const response = await send(...request);
    if (String(request[0]).endsWith("/graphql")) {
      const { extensions } = await response.clone().json();
      window.points += extensions?.cost?.actualQueryCost ?? 0;
    }
    return response;
  };
"""
STORED = """query { itemByPath(path: "/notes") { ... on Folder { itemCount } } }"""


async def test_a_thousand_small_files_cost_a_few_points_each(person: Person, api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"note {number}.txt").write_text(f"note {number}")
    await person.tab.command("Page.enable")
    script = await person.tab.command("Page.addScriptToEvaluateOnNewDocument", source=COUNTING)
    await person.reload()
    await person.until("window.points > 0")
    await person.tab.command("Page.removeScriptToEvaluateOnNewDocument", **script)
    await person.sees("button", "Upload")
    await drop_files(person, folder)
    await person.reads("1,000 uploads are done")
    assert await api.data(STORED) == {"itemCount": COUNT}
    points = await person.tab.run("window.points")
    assert 0 < points < 30 * COUNT
