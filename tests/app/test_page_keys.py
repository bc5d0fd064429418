"""The keys of the page: each does one thing."""

from __future__ import annotations

import re
from collections import Counter

from tests.conftest import ROOT


def test_no_key_is_given_twice() -> None:
    text = (ROOT / "app" / "page" / "keys.js").read_text(encoding="utf-8")
    keys = re.findall(r'^  \["(.+?)", "', text, flags=re.MULTILINE)
    assert len(keys) > 30
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_every_key_that_a_title_names_is_one() -> None:
    page = ROOT / "app" / "page"
    titles = re.findall(r'title="[^"]*\((.)\)"', (page / "layout.html").read_text(encoding="utf-8"))
    keys = re.findall(r'^  \["(.)", "', (page / "keys.js").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert len(titles) > 10
    assert set(titles) <= set(keys)
