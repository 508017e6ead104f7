"""Uses GraphiQL as a person does."""

import json

from tests.browser.page.support.person import Person
from tests.support.server import Json
from tests.support.waiting import eventually

#: What the browser's policy has refused on the page.
VIOLATIONS = """window.violations = []
addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
  window.violations.push([violatedDirective, blockedURI, sample]))"""
PASTE = """(text) => {
  const clipboardData = new DataTransfer()
  clipboardData.setData('text/plain', text)
  document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
}"""
#: What an editor shows: only the lines in sight are in the document, in any order, with spaces that do not break.
SHOWN = """(editor) => [...document.querySelectorAll(`${editor} .view-line`)]
  .sort((one, other) => one.offsetTop - other.offsetTop)
  .map((line) => line.textContent.replaceAll('\\xa0', ' ')).join('')"""
IS_CHOSEN = "(name) => document.querySelector('.graphiql-tab-active')?.innerText.includes(name)"
LEFT_TOP = """(editor) => {
  const { x, y } = document.querySelector(editor).getBoundingClientRect()
  return [x, y]
}"""
HAS_FOCUS = "(editor) => document.querySelector(editor) === document.activeElement.parentElement.closest(editor)"
CLICK = {"button": "left", "clickCount": 1}
ANSWER = ".result-window"
#: So large that nothing has to be scrolled or wrapped.
LARGE = {"width": 1600, "height": 1400, "deviceScaleFactor": 1, "mobile": False}
CONTROL = 2
KEY_A = {"key": "a", "code": "KeyA", "windowsVirtualKeyCode": 65, "modifiers": CONTROL}


class GraphiQL:
    """GraphiQL in the tab of a person."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.tab = person.tab

    async def open(self) -> None:
        """Show GraphiQL, with its schema."""
        await self.tab.command("Page.enable")
        await self.tab.command("Emulation.setDeviceMetricsOverride", **LARGE)
        await self.tab.command("Page.addScriptToEvaluateOnNewDocument", source=VIOLATIONS)
        await self.person.open("/graphql")
        await self.person.until("document.querySelectorAll('.graphiql-query-editor .view-line').length > 3")
        # The number of points is that of the answer with the schema.
        await self.person.reads("points left")

    async def choose(self, tab: str) -> None:
        """Show one of the tabs."""
        await self.person.click("button", tab)
        await self.person.until(f"({IS_CHOSEN})({json.dumps(tab)})")

    async def write(self, editor: str, text: str) -> None:
        """Replace the text of the editor with this label."""
        await eventually(lambda: self._clicked_into(_selector(editor)))
        for kind in ("rawKeyDown", "keyUp"):
            await self.tab.command("Input.dispatchKeyEvent", type=kind, **KEY_A)
        # Letters that are typed would close brackets and quotes by themselves.
        await self.tab.run(f"({PASTE})({json.dumps(text)})")

        async def is_shown() -> bool:
            return "".join((await self._shown(_selector(editor))).split()) == "".join(text.split())

        await eventually(is_shown)

    async def _clicked_into(self, editor: str) -> bool:
        """Click into an editor; whether its text has the focus. It has not until the editor is laid out."""
        x, y = await self.tab.run(f"({LEFT_TOP})({json.dumps(f'{editor} .view-lines')})")
        for kind in ("mousePressed", "mouseReleased"):
            await self.tab.command("Input.dispatchMouseEvent", type=kind, x=x + 20, y=y + 10, **CLICK)
        return bool(await self.tab.run(f"({HAS_FOCUS})({json.dumps(editor)})"))

    async def variables(self) -> Json:
        """The variables, which must be in sight."""
        variables: Json = json.loads(await self._shown(_selector("Variables")))
        return variables

    async def run(self, expected: str) -> None:
        """Run the operation, and wait until its answer has this text."""
        await self.person.click("button", "Execute query (Ctrl-Enter)")
        await self.answers(expected)

    async def answers(self, expected: str) -> None:
        """Wait until the answer has this text."""

        async def has_come() -> bool:
            return expected in await self._shown(ANSWER)

        await eventually(has_come)

    async def drop(self, *files: str) -> None:
        """Drop files onto the editor."""
        data: Json = {"items": [], "files": files, "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            await self.tab.command("Input.dispatchDragEvent", type=kind, x=300, y=300, data=data)

    async def _shown(self, editor: str) -> str:
        return str(await self.tab.run(f"({SHOWN})({json.dumps(editor)})"))


def _selector(editor: str) -> str:
    return f"section[aria-label={json.dumps(editor)}] > div:not(.hidden)"
