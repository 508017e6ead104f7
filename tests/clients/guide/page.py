"""The code of docs/clients.md, in files beside the npm packages that it imports, and programs that run it."""

import asyncio
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harness import npm
from bench.harness.programs import run

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
DOCUMENT = ROOT / "docs" / "clients.md"
SDL = ROOT / "schema" / "schema.graphql"
CACHE = HERE.parent / ".cache"
#: The first line of each block names its file; JSON has no comments, so that the line before it does.
BLOCK = re.compile(r"^```(?:js|ts|python|sh)\n(?://|#) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
JSON_BLOCK = re.compile(r"^<!-- (\S+) -->\n```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_BLOCK = re.compile(r"^```\w+$", re.MULTILINE)


@dataclass(frozen=True)
class Guide:
    """A folder with the files of the page, the programs of this folder, the schema and the packages."""

    folder: Path

    async def run(self, program: str, case: str, **given: object) -> Any:
        """What a case of a program in ``drivers/`` returns."""
        return json.loads(await self.node(program, json.dumps({"case": case, **given})))

    async def node(self, script: str, *arguments: str) -> str:
        """What Node prints as it runs a script of the folder."""
        change = f"process.chdir({json.dumps(str(self.folder))})"
        options = ["--import", f"data:text/javascript,{change}"]
        return await asyncio.to_thread(run, [npm.node(), *options, str(self.folder / script), *arguments])


def write_guide(folder: Path) -> Guide:
    """Write all of it into an empty folder."""
    packages = npm.install(HERE / "npm", CACHE)
    (folder / "node_modules").symlink_to(packages / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    shutil.copy(SDL, folder)
    for driver in (HERE / "drivers").iterdir():
        shutil.copy(driver, folder / driver.name)
    for name, code in blocks().items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(code)
    return Guide(folder)


def blocks() -> dict[str, str]:
    """The code of the page, by the name of its file."""
    text = DOCUMENT.read_text()
    return dict(BLOCK.findall(text) + JSON_BLOCK.findall(text))
