"""More than one tab of a browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.browser.devtools import Tab


@asynccontextmanager
async def another_tab(tab: Tab) -> AsyncIterator[Tab]:
    """Another tab of the same browser. Nothing in it may be an error in the console."""
    target = (await tab.command("Target.createTarget", url="about:blank"))["targetId"]
    host, port = tab.address
    other = await Tab.connected(f"ws://{host}:{port}/devtools/page/{target}")
    try:
        yield other
        assert await other.errors() == []
    finally:
        await other.close()
        await tab.command("Target.closeTarget", targetId=target)
