"""Cells of a CSV file that no spreadsheet program runs as a formula."""

from __future__ import annotations

import unicodedata

BLANK = ("Cc", "Cf", "Zs", "Zl", "Zp")  # Unicode categories that programs skip before a formula
FORMULA = "=+-@"


def plain_cell(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet may run it."""
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    """Whether the first sign, blanks apart, is = + - or @ in any width."""
    first = next((sign for sign in text if unicodedata.category(sign) not in BLANK), "")
    return bool(first) and unicodedata.normalize("NFKC", first) in FORMULA
