"""A hook of hatchling: puts the page into the wheel, and says so where there is none."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parents[1]))

from page_build.build import build
from page_build.node import find_node
from page_build.places import DIST, PROJECTS
from page_build.process import BuildFailed

TARGET = Path("endpoints", "page", "dist")


class PageHook(BuildHookInterface[Any]):
    """Adds ``web/dist``, which is built first where there is a Node. A wheel that links to a checkout needs no page."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files of the page to those of the wheel."""
        if version == "editable":
            return
        self._build()
        files = [path for path in DIST.resolve().rglob("*") if path.is_file()]
        if not files:
            self.app.display_warning("The wheel has no page: web/dist is missing. `make web` builds it.")
        for path in files:
            build_data["force_include"][str(path)] = str(TARGET / path.relative_to(DIST.resolve()))

    def _build(self) -> None:
        node = find_node()
        if not node or not (PROJECTS["page"] / "package.json").is_file():
            return
        try:
            build(node=lambda: node)
        except BuildFailed as error:
            self.app.display_warning(f"The page cannot be built: {error}. The wheel has the one of web/dist, if any.")
