"""Where the sources of the page are, and where its build is."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The sources, in a checkout.
WEB = ROOT / "web"
#: The build in an installed package.
PACKAGED = ROOT / "endpoints" / "page" / "dist"


def is_checkout() -> bool:
    """Whether this code is in a folder with the sources of the page."""
    return (ROOT / "pyproject.toml").is_file() and (WEB / "package.json").is_file()


def built_page() -> Path:
    """The folder of the build, which may not exist yet."""
    return WEB / "dist" if is_checkout() else PACKAGED
