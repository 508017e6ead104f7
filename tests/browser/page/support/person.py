"""Uses the page as a person does: by what things are called, with trusted clicks and keys."""

import asyncio
import json
from typing import Any

from tests.browser.devtools import ScriptFailed, Tab
from tests.support.server import Json
from tests.support.waiting import eventually

#: Keys, and the numbers by which Chromium knows them; those of letters are the letters.
KEYS = {
    "Tab": 9,
    "Enter": 13,
    "Escape": 27,
    " ": 32,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "ArrowLeft": 37,
    "Backspace": 8,
    "Delete": 46,
    "F2": 113,
    "/": 191,
}
TEXTS = {"Enter": "\r", " ": " "}
ALT, CONTROL, SHIFT = 1, 2, 8
#: Whether all words of a name are in the document. Chromium crashes now and then if it is asked for a role while the
#: document is replaced, so it is asked only for what is there.
MENTIONS = """(words) => {
  const { outerHTML, textContent } = document.documentElement
  return words.every((word) => outerHTML.includes(word) || textContent.includes(word))
}"""
#: Then it does not answer any more.
LOST_SECONDS = 5


class Person:
    """Somebody in front of a tab. Everything waits until what it needs is there.

    ``role`` and ``name`` are those that a screen reader says, so a test fails if something has no name. What is behind
    a dialog cannot be found.
    """

    def __init__(self, tab: Tab, origin: str) -> None:
        self.tab = tab
        self.origin = origin

    async def open(self, path: str) -> None:
        """Show a page as if its address was typed."""
        await self.tab.command("Page.navigate", url=self.origin + path)
        await self.until("document.readyState === 'complete'")

    async def reload(self) -> None:
        """Load the page again."""
        await self.tab.run("window.isOld = true")
        await self.tab.command("Page.reload")
        await self.until("!window.isOld && document.readyState === 'complete'")

    async def until(self, condition: str) -> None:
        """Wait until a script is true."""

        async def holds() -> bool:
            try:
                return bool(await self.tab.run(condition))
            except ScriptFailed:  # the document before has just been left
                return False

        await eventually(holds)

    async def arrives(self, path: str) -> None:
        """Wait until the address has this path."""
        await self.until(f"location.pathname + location.search === {json.dumps(path)}")

    async def reads(self, text: str) -> None:
        """Wait until the page shows a text."""
        await self.until(f"document.body.innerText.includes({json.dumps(text)})")

    async def no_longer_reads(self, text: str) -> None:
        """Wait until the page does not show a text."""
        await self.until(f"!document.body.innerText.includes({json.dumps(text)})")

    async def sees(self, role: str, name: str) -> int:
        """The node with this role and name."""
        return await eventually(lambda: self._find(role, name))

    async def click(self, role: str, name: str, modifiers: int = 0) -> None:
        """Click on the middle of something."""
        x, y = await self.middle_of(role, name)
        for kind in ("mousePressed", "mouseReleased"):
            event = {"x": x, "y": y, "button": "left", "clickCount": 1, "modifiers": modifiers}
            await self.tab.command("Input.dispatchMouseEvent", type=kind, **event)

    async def middle_of(self, role: str, name: str) -> tuple[float, float]:
        """Where the middle of something is in the window, after it was scrolled into sight."""
        node = await self.sees(role, name)
        # To the middle of the window: bars and messages lie over its edges.
        found = (await self.tab.command("DOM.resolveNode", backendNodeId=node))["object"]["objectId"]
        script = "function () { this.scrollIntoView({ block: 'center', behavior: 'instant' }) }"
        await self.tab.command("Runtime.callFunctionOn", objectId=found, functionDeclaration=script)
        quads = (await self.tab.command("DOM.getContentQuads", backendNodeId=node))["quads"]
        return sum(quads[0][0::2]) / 4, sum(quads[0][1::2]) / 4

    async def fill(self, name: str, text: str) -> None:
        """Replace the text of a field."""
        await self.tab.command("DOM.focus", backendNodeId=await self.sees("textbox", name))
        await self.tab.run("document.activeElement.select()")
        await self.write(text)

    async def write(self, text: str) -> None:
        """Write where the focus is, over what is selected."""
        await self.tab.command("Input.insertText", text=text)

    async def press(self, key: str, modifiers: int = 0) -> None:
        """Press a key and release it."""
        number = KEYS.get(key) or ord(key.upper())
        event = {"key": key, "code": key, "windowsVirtualKeyCode": number, "modifiers": modifiers}
        await self.tab.command("Input.dispatchKeyEvent", type="keyDown", text=TEXTS.get(key, ""), **event)
        await self.tab.command("Input.dispatchKeyEvent", type="keyUp", **event)

    async def tab_to(self, role: str, name: str) -> None:
        """Press Tab until the focus is on something."""
        node = await self.sees(role, name)
        for _ in range(60):
            if node == await self._focused():
                return
            await self.press("Tab")
        raise AssertionError(f"Tab does not lead to {role} {name!r}")

    async def is_at(self, role: str, name: str) -> None:
        """Wait until the focus is on something."""

        async def is_focused() -> bool:
            return await self._find(role, name) == await self._focused()

        await eventually(is_focused)

    async def _find(self, role: str, name: str) -> int | None:
        try:
            async with asyncio.timeout(LOST_SECONDS):
                return await self._query(role, name)
        except ScriptFailed:  # the document before has just been left
            return None
        except TimeoutError:
            await self.tab.connect_again()
            return None

    async def _query(self, role: str, name: str) -> int | None:
        if not await self.tab.run(f"({MENTIONS})({json.dumps(name.split())})"):
            return None
        root = (await self.tab.command("DOM.getDocument", depth=0))["root"]["backendNodeId"]
        query: Any = {"backendNodeId": root, "role": role, "accessibleName": name}
        nodes: list[Json] = (await self.tab.command("Accessibility.queryAXTree", **query))["nodes"]
        return next((int(node["backendDOMNodeId"]) for node in nodes if not node["ignored"]), None)

    async def _focused(self) -> int:
        element = await self.tab.command("Runtime.evaluate", expression="document.activeElement")
        described = await self.tab.command("DOM.describeNode", objectId=element["result"]["objectId"])
        return int(described["node"]["backendNodeId"])
