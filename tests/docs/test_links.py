"""Every relative link in a Markdown page leads to a file, and every anchor to a heading."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^()\s]+)\)")


def links(page: Path) -> Iterator[str]:
    """The targets of all links that stay in the repository."""
    text = _CODE.sub("", _FENCE.sub("", page.read_text()))
    return (link for link in _LINK.findall(text) if "://" not in link and not link.startswith("mailto:"))


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them: a repeated one gets a number."""
    counts: Counter[str] = Counter()
    result = set()
    for heading in _HEADING.findall(_FENCE.sub("", page.read_text())):
        text = re.sub(r"\[([^]]*)]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        result.add(f"{slug}-{counts[slug]}" if counts[slug] else slug)
        counts[slug] += 1
    return result


def is_broken(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.is_relative_to(ROOT) or not target.exists():
        return True
    return bool(anchor) and target.suffix == ".md" and anchor not in anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    assert [link for link in links(page) if is_broken(page, link)] == []


def test_every_page_can_be_found_in_the_list_of_pages() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link).resolve() for link in links(index)}
    assert [page.name for page in index.parent.glob("*.md") if page != index and page not in listed] == []


def test_a_missing_file_or_heading_is_a_broken_link() -> None:
    page = ROOT / "README.md"
    assert is_broken(page, "docs/no-such-page.md")
    assert is_broken(page, "docs/settings.md#no-such-heading")
    assert not is_broken(page, "docs/settings.md#files-and-s3")


def test_repeated_headings_get_numbered_anchors(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Same\n\n## Same\n\n## `code` and [a link](x.md), with *marks*\n\n```sh\n# a comment\n```\n")
    assert anchors(page) == {"same", "same-1", "code-and-a-link-with-marks"}
