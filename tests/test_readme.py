"""The README reads the same in a clone and on a package index: its links are absolute, and lead to pages that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SITE = "https://skamem.readthedocs.io/en/stable/"
LINKS = re.findall(r"\]\(([^)\s]+)\)", README)

needs_docs = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="a source distribution has no docs/")


def test_links_are_absolute():
    assert LINKS
    assert all(link.startswith("https://") for link in LINKS)


@needs_docs
@pytest.mark.parametrize("link", sorted({link for link in LINKS if link.startswith(SITE)}))
def test_a_link_to_the_site_leads_to_a_page(link):
    path = link.removeprefix(SITE)
    if path.startswith(("api/", "auto_examples/")):  # written when the site is built
        assert path in {"api/index.html", "auto_examples/index.html"}
        return
    page = ROOT / "docs" / path
    assert page.exists() or page.with_suffix(".rst").exists() or page.with_suffix(".md").exists()
