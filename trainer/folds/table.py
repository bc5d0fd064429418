"""The figures over the folds as text."""

from __future__ import annotations

from collections.abc import Mapping

from patchclip.evaluate.bootstrap import Figure
from trainer.folds.figures import FoldFigures

TITLES = {
    "auroc": "AUROC, images of {}",
    "auroc_read": "AUROC, outlined images of {} against those known to be free of it",
    "pointing": "pointing, boxes of {}",
    "patch_auroc": "patch AUROC, boxes of {}",
    "shortcuts": "AUROC of P(finding) for the cue, among images free of it: {}",
}


def table(figures: FoldFigures) -> str:
    """One table per cohort, source of boxes and cue, each figure with its 95 % interval and its images."""
    lines = [
        f"{figures.folds} folds, {figures.images} images of {figures.patients} patients, each judged by the "
        "model that "
        "never saw them; 95 % intervals by patient"
    ]
    for name, title in TITLES.items():
        groups: Mapping[str, Mapping[str, Figure]] = getattr(figures, name)
        for group, rows in groups.items():
            lines += ["", title.format(group or "the dataset"), ""]
            lines += ["| Finding | Value (95 % CI) | n |", "| --- | --- | --- |"]
            lines += [f"| {label} | {words(figure)} | {figure.n} |" for label, figure in rows.items()]
    return "\n".join(lines) + "\n"


def words(figure: Figure, digits: int = 3) -> str:
    """Value and interval, or that there is none."""
    if figure.value is None:
        return "undefined"
    low, high = figure.ci
    interval = "" if low is None or high is None else f" ({low:.{digits}f} to {high:.{digits}f})"
    return f"{figure.value:.{digits}f}{interval}"
