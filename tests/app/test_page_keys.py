"""The keys of the page: each does one thing."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "app" / "page"
ENTRY = r'(?:^  |= \[)\["(.+?)", "'


PAGES = {"keys.js": "layout.html", "study/keys.js": "study/study.html"}


def _entries(table: str) -> list[tuple[str, str]]:
    texts = [(PAGE / name).read_text(encoding="utf-8") for name in (table, "film/keys.js")]
    return [entry for text in texts for entry in re.findall(ENTRY + r'([^"]+)"', text, flags=re.MULTILINE)]


@pytest.mark.parametrize("table", PAGES)
def test_no_key_is_given_twice(table: str) -> None:
    keys = [key for key, _ in _entries(table)]
    assert len(keys) > 30
    assert [key for key, count in Counter(keys).items() if count > 1] == []


@pytest.mark.parametrize(("table", "layout"), PAGES.items())
def test_every_key_that_a_title_names_is_one(table: str, layout: str) -> None:
    meanings = {meaning for _, meaning in _entries(table)}
    layouts = [(PAGE / name).read_text(encoding="utf-8") for name in (layout, "film/tools.html")]
    actions = [
        meaning
        for layout in layouts
        for names in re.findall(r'data-action="([^"]*)"', layout)
        for meaning in names.split("|")
    ]
    assert len(actions) > 25
    assert set(actions) <= meanings
    assert [title for layout in layouts for title in re.findall(r'title="[^"]*\(.\)"', layout)] == []
