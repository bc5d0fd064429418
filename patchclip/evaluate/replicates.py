"""The replicates behind every figure of a report, kept beside it so that two reports compare in pairs."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from patchclip.errors import DataError
from patchclip.evaluate.bootstrap import Figure, two_sided_p
from patchclip.evaluate.image_metrics import Floats
from patchclip.evaluate.report import Against, ModelIdentity, PairedDifference, Report
from patchclip.evaluate.serialize import members

FILE = "replicates.npz"


def figures_by_path(node: Any, path: str = "") -> dict[str, Figure]:
    """Every figure of a report, or of a part of one, by its path in JSON: "findings/Effusion/auroc"."""
    figures: dict[str, Figure] = {}
    for name, value in members(node):
        here = f"{path}/{name}" if path else name
        if isinstance(value, Figure):
            figures[here] = value
        elif isinstance(value, dict) or is_dataclass(value):
            figures |= figures_by_path(value, here)
    return figures


def save_replicates(folder: Path, report: Report) -> None:
    """Writes the replicates of its figures as float32 [figures, replicates + 1]."""
    drawn = {path: item for path, item in figures_by_path(report).items() if len(item.replicates) > 1}
    values = np.stack([item.replicates for item in drawn.values()]) if drawn else np.zeros((0, 1))
    np.savez_compressed(folder / FILE, paths=np.array(list(drawn)), values=values.astype(np.float32))


@dataclass(frozen=True, slots=True)
class StoredReport:
    """What a comparison needs of another report.

    Attributes:
        name: of its folder.
        model: what it is of.
        images, data_sha256: what it stands on.
        replicates: path of a figure -> float [replicates + 1].
    """

    name: str
    model: ModelIdentity
    images: int
    data_sha256: str
    replicates: dict[str, Floats]

    @classmethod
    def read(cls, folder: Path, seed: int, replicates: int) -> Self:
        """Reads a report before any work is done, for a comparison with one of this seed and number of
        replicates.

        Raises:
            DataError: the folder holds no report, or one that was drawn with others.
        """
        try:
            record = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
            model = ModelIdentity(**record["model"])
            data = record["data"]
            images, data_sha256 = int(data["images"]), str(data["sha256"])
            drawn = {"seed": record["seed"], "replicates": record["replicates"]}
            with np.load(folder / FILE, allow_pickle=False) as stored:
                values = dict(zip(stored["paths"].tolist(), stored["values"].astype(np.float64), strict=True))
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{folder} holds no report to compare with; "
                f"it needs metrics.json and {FILE} of an evaluate run."
            ) from error
        for what, ours in (("seed", seed), ("replicates", replicates)):
            if drawn[what] != ours:
                raise DataError(
                    f"The report in {folder.name} was made with --{what} {drawn[what]}, not {ours}; "
                    "run both alike."
                )
        return cls(folder.name, model, images, data_sha256, values)


def differences(report: Report, other: StoredReport) -> Against:
    """A report less another one, figure by figure, in the same replicates.

    Raises:
        DataError: the other one stands on other data.
    """
    for what, same in (
        ("other images, labels or boxes", report.data.sha256 == other.data_sha256),
        ("another number of images", report.data.images == other.images),
    ):
        if not same:
            raise DataError(
                f"The report in {other.name} stands on {what}, so no paired difference can be taken; "
                "run both alike."
            )
    rows: dict[str, PairedDifference] = {}
    for path, figure in figures_by_path(report).items():
        values = other.replicates.get(path, np.empty(0))
        if figure.value is None or len(values) != len(figure.replicates) or not np.isfinite(values[0]):
            continue
        # The other one's were stored as float32: without the same rounding, equal reports would differ.
        gap = figure.replicates.astype(np.float32).astype(np.float64) - values
        rows[path] = PairedDifference(
            figure.value, float(values[0]), Figure.of(gap, figure.n), two_sided_p(gap[1:])
        )
    return Against(other.model, rows)
