"""A dataset folder as evaluation sees it: images, labels, and the boxes of each reader, with everything left out named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from patchclip.errors import DataError
from patchclip.evaluate.maps import Box

NIH8 = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
)
LUNG_OPACITY = "Lung Opacity"
RENAMED = {"Infiltrate": "Infiltration", "Pleural Thickening": "Pleural_Thickening"}
NIH, RSNA, CHESTX_DET = "NIH_BBox_List_2017", "RSNA_2018", "ChestX-Det"


def first_reader(label: str) -> str:
    """Whose boxes are the truth of a finding: RSNA's for lung opacity, NIH's for the others."""
    return RSNA if label == LUNG_OPACITY else NIH


@dataclass(frozen=True, slots=True)
class EvaluationImage:
    """One row of images.csv, with its boxes (fractions of the image) by source and finding."""

    name: str
    path: Path
    patient: str
    labels: frozenset[str]
    rsna_class: str
    chestx_det_read: bool
    view: str
    sex: str
    age: float | None
    boxes: dict[tuple[str, str], tuple[Box, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EvaluationData:
    """The images of one split that exist, and a sentence for each thing that was left out."""

    folder: Path
    split: str
    images: tuple[EvaluationImage, ...]
    left_out: tuple[str, ...]


def read_dataset(folder: Path, split: str, labels: frozenset[str]) -> EvaluationData:
    """Reads images.csv and boxes.csv.

    Args:
        folder: with images.csv (at least `image`), images/ and, for localisation, boxes.csv.
        split: rows to take.
        labels: what the model knows; other findings are left out and counted.

    Raises:
        DataError: a table is missing or malformed, or the split is empty.
    """
    table = _table(folder / "images.csv", ("image",))
    for column in ("labels", "split", "patient_id", "rsna_class", "chestx_det", "view", "sex", "age"):
        if column not in table:
            table[column] = "train" if column == "split" else ""
    rows = table[table["split"] == split]
    if rows.empty:
        raise DataError(
            f'{folder / "images.csv"} has no row with split "{split}"; its splits are {", ".join(sorted(set(table["split"])))}.'
        )
    left_out: list[str] = []
    boxes = _boxes(
        folder / "boxes.csv", frozenset(table["image"]), frozenset(rows["image"]), labels, left_out
    )
    unknown: dict[str, int] = {}
    images: list[EvaluationImage] = []
    for row in rows.to_dict("records"):
        path = folder / "images" / row["image"]
        if not path.is_file():
            lost = sum(len(found) for found in boxes.get(row["image"], {}).values())
            left_out.append(
                f"{row['image']}: the image file is missing{f', and {lost} boxes with it' if lost else ''}"
            )
            continue
        named = {label for label in row["labels"].split("|") if label and label != "No Finding"}
        for label in named - labels:
            unknown[label] = unknown.get(label, 0) + 1
        images.append(
            EvaluationImage(
                name=row["image"],
                path=path,
                patient=row["patient_id"] or row["image"],
                labels=frozenset(row["labels"].split("|")) - {""},
                rsna_class=row["rsna_class"],
                chestx_det_read=row["chestx_det"] == "read",
                view=row["view"],
                sex=row["sex"],
                age=float(row["age"]) if str(row["age"]).replace(".", "", 1).isdigit() else None,
                boxes=boxes.get(row["image"], {}),
            )
        )
    left_out += [
        f"{label}: unknown to the model, named on {count} images" for label, count in sorted(unknown.items())
    ]
    if not images:
        raise DataError(
            f"None of the {len(rows)} images of split {split} exist under {folder / 'images'}; check the folder."
        )
    return EvaluationData(folder, split, tuple(images), tuple(left_out))


def _boxes(
    path: Path, images: frozenset[str], wanted: frozenset[str], labels: frozenset[str], left_out: list[str]
) -> dict[str, dict[tuple[str, str], tuple[Box, ...]]]:
    if not path.is_file():
        left_out.append("boxes.csv: missing, so nothing can be said about localisation")
        return {}
    found: dict[str, dict[tuple[str, str], tuple[Box, ...]]] = {}
    unused: Counter[str] = Counter()
    table = _table(path, ("image", "source", "finding", "x", "y", "w", "h"))
    sources = set(table["source"])
    # Boxes from one source alone, which no protocol knows, are somebody's own, and he is then the first reader of every finding.
    own_boxes = len(sources) == 1 and not sources & {NIH, RSNA, CHESTX_DET}
    for number, row in enumerate(table.to_dict("records"), start=2):
        label = RENAMED.get(row["finding"], row["finding"])
        if row["image"] not in images:
            left_out.append(f"boxes.csv row {number}: its image {row['image']} is not in images.csv")
            continue
        if row["image"] not in wanted:
            continue
        if label not in labels:
            unused[f"boxes.csv: {row['finding']} is unknown to the model"] += 1
            continue
        source = first_reader(label) if own_boxes else row["source"]
        if source not in (NIH, RSNA, CHESTX_DET):
            unused[f"boxes.csv: no protocol uses the source {row['source']} beside others"] += 1
            continue
        try:
            x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
        except ValueError as error:
            raise DataError(f"{path}, row {number}: x, y, w and h must be numbers.") from error
        if not (w > 0 and h > 0 and x >= -0.01 and y >= -0.01 and x + w <= 1.01 and y + h <= 1.01):
            raise DataError(
                f"{path}, row {number}: the box lies outside its image; x, y, w and h are fractions of it."
            )
        own = found.setdefault(row["image"], {})
        own[source, label] = (*own.get((source, label), ()), (x, y, w, h))
    left_out += [f"{reason}, {count} boxes" for reason, count in sorted(unused.items())]
    return found


def _table(path: Path, required: tuple[str, ...]) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"{path} is missing; a dataset folder needs it (see README, Evaluate).")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (
        ValueError,
        pd.errors.ParserError,
    ) as error:  # pandas' EmptyDataError and Unicode errors are ValueErrors
        raise DataError(
            f"{path} cannot be read as a table ({error}); write it as UTF-8 with a header line."
        ) from error
    missing = [name for name in required if name not in table]
    if missing:
        raise DataError(f"{path} has no column {missing[0]}; its columns are {', '.join(table.columns)}.")
    return table
