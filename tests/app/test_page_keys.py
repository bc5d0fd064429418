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
    layouts = [(PAGE / name).read_text(encoding="utf-8") for name in ("layout.html", "film/tools.html")]
    titles = [key for layout in layouts for key in re.findall(r'title="[^"]*\((.)\)"', layout)]
    assert len(titles) > 10
    assert set(titles) <= set(_keys())
