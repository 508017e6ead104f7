"""Signs the user of the benchmark in on the page."""

from tests.browser.page.support.person import Person
from tests.support.server import PASSWORD


async def sign_in(person: Person, path: str = "/") -> None:
    """Show a page as the user of the benchmark, in a browser that knows nothing of them."""
    await person.tab.command("Network.clearBrowserCookies")
    await person.open(path)
    await person.fill("User ID or e-mail address", "bench")
    await person.fill("Password", PASSWORD)
    await person.click("button", "Sign in")
    await person.sees("button", "Upload")
