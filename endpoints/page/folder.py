"""Where the build of the page is."""

from pathlib import Path

_ROOT = Path(__file__).parents[2]
#: In an installed package.
_PACKAGED = Path(__file__).parent / "dist"


def page_folder() -> Path:
    """The folder of the build, which may not exist yet."""
    is_checkout = (_ROOT / "pyproject.toml").is_file() and (_ROOT / "web" / "package.json").is_file()
    return _ROOT / "web" / "dist" if is_checkout else _PACKAGED
