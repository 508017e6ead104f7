"""What a walk through the page has with it."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.browser.page.support.contents import Contents
from tests.browser.page.support.person import Person
from tests.support.shared_server import SharedServer


@dataclass(frozen=True)
class Visit:
    """A person without a session, a user with a full drive, and an empty folder for files to upload."""

    person: Person
    shared: SharedServer
    contents: Contents
    folder: Path


Walk = Callable[[Visit], AsyncGenerator[str, None]]
"""Leads from scene to scene. Each is named when the page shows it, and stays until the walk goes on."""
