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
