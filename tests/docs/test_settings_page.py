"""The page of settings lists every setting, and nothing that is none."""

import re
from pathlib import Path

from cloudkeep.settings.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
SETTINGS = {f"CLOUDKEEP_{name.upper()}" for name in Settings.model_fields}
#: What the command line's client reads.
CLIENT_VARIABLES = {"CLOUDKEEP_TOKEN", "CLOUDKEEP_URL"}


def documented_variables() -> list[str]:
    """The variables in the first columns of all tables."""
    rows = re.findall(r"^\| (`CLOUDKEEP_[^|]+)\|", PAGE.read_text(), re.MULTILINE)
    return [name for row in rows for name in re.findall(r"CLOUDKEEP_[A-Z0-9_]+", row)]


def test_every_setting_is_on_the_page() -> None:
    assert sorted(SETTINGS - set(documented_variables())) == []


def test_everything_on_the_page_can_be_set() -> None:
    assert sorted(set(documented_variables()) - SETTINGS - CLIENT_VARIABLES) == []


def test_no_setting_is_on_the_page_twice() -> None:
    assert len(documented_variables()) == len(set(documented_variables()))
