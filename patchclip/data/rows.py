"""What the tables of a dataset folder say: one frozen record per row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from patchclip.types import RelativeBox


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One row of images.csv.

    Attributes:
        name: of the image file, relative to images/.
        path: of that file.
        patient: who is shown; the image's own name where nobody says, so that each such image is a patient by
            itself.
        labels: findings by their labels, or "No Finding" alone; empty where the image has no labels.
        rsna_class: "Normal", "Lung Opacity", "No Lung Opacity / Not Normal", or "" where RSNA's readers did
            not read it.
        chestx_det_read: whether ChestX-Det's readers read it.
        view: "PA", "AP" or what else the table says; "" where it says nothing.
        sex: "F", "M" or what else the table says; "" where it says nothing.
        age: in years, or None.
        patient_known: whether the table names the patient.
    """

    name: str
    path: Path
    patient: str
    labels: frozenset[str]
    rsna_class: str
    chestx_det_read: bool
    view: str
    sex: str
    age: float | None
    patient_known: bool = True


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One row of boxes.csv: a box of the finding `label` on the image `image`, drawn by `source`.

    readers: how many readers of that source saw it; None where the table does not say.
    """

    image: str
    source: str
    label: str
    box: RelativeBox
    readers: int | None = None


@dataclass(frozen=True, slots=True)
class Outline:
    """One outline of polygons.json, drawn by ChestX-Det's readers: corners (x, y) as fractions of the image,
    at least three."""

    image: str
    label: str
    points: tuple[tuple[float, float], ...]
