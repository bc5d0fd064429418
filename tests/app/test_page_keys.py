"""The keys of the page: each does one thing."""

from __future__ import annotations

import re
from collections import Counter

from tests.conftest import ROOT

PAGE = ROOT / "app" / "page"
ENTRY = r'^  \["(.+?)", "'


def _keys() -> list[str]:
    texts = [(PAGE / name).read_text(encoding="utf-8") for name in ("keys.js", "film/keys.js")]
    return [key for text in texts for key in re.findall(ENTRY, text, flags=re.MULTILINE)]


def test_no_key_is_given_twice() -> None:
    keys = _keys()
    assert len(keys) > 30
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_every_key_that_a_title_names_is_one() -> None:
    texts = [(PAGE / name).read_text(encoding="utf-8") for name in ("keys.js", "film/keys.js")]
    meanings = {
        meaning for text in texts for meaning in re.findall(ENTRY + r'([^"]+)"', text, flags=re.MULTILINE)
    }
    layouts = [(PAGE / name).read_text(encoding="utf-8") for name in ("layout.html", "film/tools.html")]
    actions = [
        meaning
        for layout in layouts
        for names in re.findall(r'data-action="([^"]*)"', layout)
        for meaning in names.split("|")
    ]
    assert len(actions) > 40
    assert set(actions) <= {meaning for _, meaning in meanings}
    assert [title for layout in layouts for title in re.findall(r'title="[^"]*\(.\)"', layout)] == []
