"""The bootstrap replicates behind every figure of a report, kept beside it so that two reports can be compared in pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from patchclip.errors import DataError
from patchclip.evaluate.bootstrap import Figure, figure, two_sided_p

Floats = NDArray[np.float64]
FILE = "replicates.npz"


def collect(record: dict[str, Any], path: str = "") -> dict[str, Figure]:
    """Every figure in a record, by its path: "findings/Effusion/auroc"."""
    found: dict[str, Figure] = {}
    for key, value in record.items():
        here = f"{path}/{key}" if path else key
        if isinstance(value, Figure):
            found[here] = value
        elif isinstance(value, dict):
            found |= collect(value, here)
    return found


def save(folder: Path, figures: dict[str, Figure]) -> None:
    """Writes the replicates as float32 [figures, replicates + 1]."""
    kept = {path: value for path, value in figures.items() if len(value.replicates) > 1}
    values = (
        np.stack([value.replicates for value in kept.values()]).astype(np.float32)
        if kept
        else np.zeros((0, 1), np.float32)
    )
    np.savez_compressed(folder / FILE, paths=np.array(list(kept)), values=values)


def check(other: Path, seed: int, replicates: int) -> None:
    """Says before any work is done whether a report can be compared with.

    Raises:
        DataError: it is none, or was drawn with another seed or number of replicates.
    """
    theirs, _ = _read(other)
    for what, mine in (("seed", seed), ("replicates", replicates)):
        if theirs[what] != mine:
            raise DataError(
                f"The report in {other.name} was made with --{what} {theirs[what]}, not {mine}; run both alike."
            )


def _read(other: Path) -> tuple[dict[str, Any], dict[str, Floats]]:
    try:
        theirs = json.loads((other / "metrics.json").read_text(encoding="utf-8"))
        with np.load(other / FILE, allow_pickle=False) as stored:
            return theirs, dict(
                zip(stored["paths"].tolist(), stored["values"].astype(np.float64), strict=True)
            )
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{other} holds no report to compare with; it needs metrics.json and {FILE} of an evaluate run."
        ) from error


def differences(record: dict[str, Any], figures: dict[str, Figure], other: Path) -> dict[str, Any]:
    """This report minus another one, figure by figure, in the same replicates.

    Args:
        record, figures: of this report.
        other: folder of the other report.

    Returns:
        {"model": the other's, "figures": {path: {"this", "other", "difference", "p"}}}.

    Raises:
        DataError: the other folder holds no report, or one on other data, another seed or another number of replicates.
    """
    theirs, values = _read(other)
    for what, mine, its in (
        ("other images, labels or boxes", record["data"]["sha256"], theirs["data"]["sha256"]),
        ("another number of images", record["data"]["images"], theirs["data"]["images"]),
    ):
        if mine != its:
            raise DataError(
                f"The report in {other.name} stands on {what}, so no paired difference can be taken; run both alike."
            )
    rows: dict[str, Any] = {}
    for path, value in figures.items():
        if (
            path in values
            and len(values[path]) == len(value.replicates)
            and value["value"] is not None
            and np.isfinite(values[path][0])
        ):
            # Theirs were stored as float32: without the same rounding, equal reports would differ in every replicate.
            gap = value.replicates.astype(np.float32).astype(np.float64) - values[path]
            rows[path] = {
                "this": value["value"],
                "other": float(values[path][0]),
                "difference": figure(gap, value["n"]),
                "p": two_sided_p(gap[1:]),
            }
    return {"model": theirs["model"], "figures": rows}
