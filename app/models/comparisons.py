"""Comparisons of any two models: where they are kept, and what a table shows of them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from app.models.records import Between, Comparison, Pair
from patchclip.records import parse_json

FOLDER, RECORD = ".comparisons", "compare.json"
MEASURES = {
    "auroc": "AUROC",
    "pointing": "pointing",
    "patch_auroc": "AUROC of patches",
    "agreement": "agreement with readers",
}
TOO_FEW = "too few images tell"
Rows = list[list[str]]


class Comparisons:
    """Of a deployment, each in a folder of its own.

    folder: of models.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def place(self) -> Path:
        """A folder for the next one, which is not there yet."""
        return self._folder / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(3)}"

    def newest(self, old: str, new: str) -> Between | None:
        """The last comparison of two models, by their SHA-256 and in this order; None where there is none."""
        for path in sorted(self._folder.glob(f"*/{RECORD}"), reverse=True):
            try:
                record = Between.model_validate(parse_json(path.read_bytes()))
            except (OSError, ValueError):
                continue  # one that is damaged tells nothing; it can be made again
            if (record.old.sha256, record.new.sha256) == (old, new):
                return record
        return None


def rows_of(comparisons: Mapping[str, Comparison]) -> Rows:
    """Images, figure, before, after, difference with its interval, n: headline figures, then findings."""
    rows: Rows = []
    for where, comparison in comparisons.items():
        rows += [[where, MEASURES.get(key, key), *_cells(pair)] for key, pair in comparison.headlines.items()]
        rows += [
            [where, f"{label}, {MEASURES.get(key, key)}", *_cells(pair)]
            for label, pairs in comparison.findings.items()
            for key, pair in pairs.items()
        ]
    return rows


def headline(comparisons: Mapping[str, Comparison]) -> str:
    """Headline differences in one line."""
    return "; ".join(
        f"{MEASURES.get(key, key)} {pair.difference.value:+.3f} on {where}"
        for where, comparison in comparisons.items()
        for key, pair in comparison.headlines.items()
        if pair.difference.value is not None
    )


def _cells(pair: Pair) -> list[str]:
    difference = pair.difference
    if pair.old.value is None or pair.new.value is None or difference.value is None:
        return ["", "", TOO_FEW, str(difference.n)]
    low, high = difference.ci
    interval = "" if low is None or high is None else f" ({low:+.3f} to {high:+.3f})"
    return [
        f"{pair.old.value:.3f}",
        f"{pair.new.value:.3f}",
        f"{difference.value:+.3f}{interval}",
        str(difference.n),
    ]
