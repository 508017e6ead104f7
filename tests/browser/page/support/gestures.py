"""What people do with a mouse and with fingers, beside clicks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.browser.devtools import Tab
from tests.browser.page.support.person import Person
from tests.support.server import Json
from tests.support.waiting import eventually

#: How many pixels the mouse moves until the browser takes it for a drag.
BEGINNING = 12
Spot = tuple[str, str]
"""A role and a name."""


async def drag(person: Person, source: Spot, target: Spot, modifiers: int = 0) -> None:
    """Drag something to the middle of a folder, which shows that it takes it; ``modifiers`` are held meanwhile."""
    await person.tab.command("Input.setInterceptDrags", enabled=True)
    x, y = await person.middle_of(*source)
    await mouse(person, "mousePressed", x, y, button="left", clickCount=1)
    for step in (1, 2):
        await mouse(person, "mouseMoved", x + step * BEGINNING, y + step * BEGINNING, button="left", buttons=1)
    data = (await person.tab.event("Input.dragIntercepted"))["data"]

    async def is_accepted() -> bool:
        x, y = await person.middle_of(*target)
        for kind in ("dragEnter", "dragOver"):
            await _drag_event(person, kind, data, x, y, modifiers)
        return bool(await person.tab.run("document.querySelector('[data-folder].target') !== null"))

    await eventually(is_accepted)
    x, y = await person.middle_of(*target)
    await _drag_event(person, "dragOver", data, x, y, modifiers)
    await _drag_event(person, "drop", data, x, y, modifiers)
    await mouse(person, "mouseReleased", x, y, button="left", clickCount=1)
    await person.tab.command("Input.setInterceptDrags", enabled=False)


async def drop_files(person: Person, *paths: Path) -> None:
    """Drop files or folders from the desktop on the middle of the page, once it says where they will go."""
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}

    async def is_accepted() -> bool:
        for kind in ("dragEnter", "dragOver"):
            await _drag_event(person, kind, data)
        return bool(await person.tab.run("document.body.innerText.includes('Drop to upload to')"))

    await eventually(is_accepted)
    # Chromium decides by the answer to the event before whether the page takes a drop.
    await _drag_event(person, "dragOver", data)
    await _drag_event(person, "drop", data)


async def _drag_event(
    person: Person, kind: str, data: Json, x: float = 500, y: float = 300, modifiers: int = 0
) -> None:
    await person.tab.command("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data, modifiers=modifiers)


async def choose_files(person: Person, *paths: Path) -> None:
    """Choose files, as if in the window of the system."""
    field = await person.tab.command("Runtime.evaluate", expression="document.querySelector('input[type=file]')")
    files = [str(path) for path in paths]
    await person.tab.command("DOM.setFileInputFiles", objectId=field["result"]["objectId"], files=files)


async def right_click(person: Person, role: str, name: str) -> None:
    """Ask for the menu of something."""
    x, y = await person.middle_of(role, name)
    for kind in ("mousePressed", "mouseReleased"):
        await mouse(person, kind, x, y, button="right", clickCount=1)


async def double_click(person: Person, role: str, name: str) -> None:
    """Click twice on the middle of something."""
    x, y = await person.middle_of(role, name)
    for count in (1, 2):
        for kind in ("mousePressed", "mouseReleased"):
            await mouse(person, kind, x, y, button="left", clickCount=count)


async def wheel(person: Person, pixels: int) -> None:
    """Turn the wheel in the middle of the page."""
    await mouse(person, "mouseWheel", 400, 300, deltaX=0, deltaY=pixels)


async def mouse(person: Person, kind: str, x: float, y: float, **details: object) -> None:
    """One event of the mouse."""
    await person.tab.command("Input.dispatchMouseEvent", type=kind, x=x, y=y, **details)


@asynccontextmanager
async def touching(tab: Tab) -> AsyncIterator[None]:
    """A screen that is touched and has no mouse, for documents that are shown in the block."""
    await tab.command("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=5)
    await tab.command("Emulation.setEmitTouchEventsForMouse", enabled=True, configuration="mobile")
    try:
        yield
    finally:
        await tab.command("Emulation.setEmitTouchEventsForMouse", enabled=False)
        await tab.command("Emulation.setTouchEmulationEnabled", enabled=False)


async def touch(person: Person, role: str, name: str) -> None:
    """Put a finger on the middle of something."""
    x, y = await person.middle_of(role, name)
    await person.tab.command("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])


async def release(person: Person) -> None:
    """Take the finger away."""
    await person.tab.command("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


async def tap(person: Person, role: str, name: str) -> None:
    """Touch the middle of something for a moment."""
    await touch(person, role, name)
    await release(person)
