"""Adapter for this project's dataset folder: images.csv, boxes.csv, optional polygons.json, images/."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count, repeat
from pathlib import Path

from patchclip.errors import DataError
from trainer.data.contents import Contents
from trainer.data.labels import CHESTX_DET_FINDINGS, LUNG_OPACITY, NIH_FINDINGS, RENAMED
from trainer.data.sample import Sample, Shape, State
from trainer.data.tables import check_patients, read_table

COLUMNS = {"image", "patient_id", "split", "view", "sex", "age", "labels", "rsna_class", "chestx_det"}
BOX_COLUMNS = ("image", "source", "finding", "x", "y", "w", "h")


def read_folder(folder: Path, split: str, *, known: frozenset[str], labelled: Sequence[str] = NIH_FINDINGS) -> Contents:
    """Reads one split of a dataset folder.

    Args:
        folder: holds images.csv (at least `image` and `labels`), images/, and optionally boxes.csv and polygons.json.
        split: rows with this value of `split`; a folder without that column counts as "train".
        known: labels that the vocabulary has.
        labelled: findings that `labels` speaks of; of any other it says nothing, unless it says "No Finding".

    Raises:
        DataError: a table is missing or malformed, a box lies outside its image, or the split is empty; names file and row.
    """
    table = read_table(folder / "images.csv", required=("image", "labels"), allowed=COLUMNS)
    if "split" not in table:
        table["split"] = "train"
    if "patient_id" in table:
        check_patients(zip(table["patient_id"], table["split"], repeat(folder / "images.csv"), count(2), strict=False))
    rows = table[table["split"] == split]
    if rows.empty:
        raise DataError(
            f'{folder / "images.csv"} has no row with split "{split}"; its splits are {", ".join(sorted(set(table["split"])))}.'
        )
    shapes = _read_shapes(folder, known, frozenset(table["image"]))
    samples: list[Sample] = []
    left_out: list[str] = []
    for row in rows.to_dict("records"):
        path = folder / "images" / str(row["image"])
        if not path.is_file():
            left_out.append(f"{row['image']}: the image file is missing")
            continue
        own = shapes.get(str(row["image"]), ())
        states = _states({key: str(value) for key, value in row.items()}, {shape.label for shape in own}, labelled)
        unknown = sorted(set(states) - known)
        if unknown:
            raise DataError(
                f"{folder / 'images.csv'}, image {row['image']}: the vocabulary has no finding {unknown[0]}; add it or correct the label."
            )
        patient = str(row.get("patient_id") or "") or None
        samples.append(Sample(path, patient, folder.name, states, own, str(row.get("view") or "") or None))
    return Contents(tuple(samples), tuple(left_out))


def _read_shapes(folder: Path, known: frozenset[str], images: frozenset[str]) -> dict[str, tuple[Shape, ...]]:
    """Outlines for each image. Polygons replace the boxes of their own source and finding."""
    shapes: dict[str, list[Shape]] = {}
    outlined: set[tuple[str, str]] = set()
    polygon_file = folder / "polygons.json"
    if polygon_file.is_file():
        for image, outlines in json.loads(polygon_file.read_text(encoding="utf-8")).items():
            for outline in outlines:
                label = RENAMED.get(outline["finding"], outline["finding"])
                shapes.setdefault(image, []).append(Shape(label, tuple((float(x), float(y)) for x, y in outline["points"])))
                outlined.add((image, label))
    box_file = folder / "boxes.csv"
    if box_file.is_file():
        for number, row in enumerate(read_table(box_file, BOX_COLUMNS).to_dict("records"), start=2):
            label = RENAMED.get(row["finding"], row["finding"])
            if label not in known:
                raise DataError(f"{box_file}, row {number}: the vocabulary has no finding {row['finding']}; add it or correct the row.")
            if row["image"] not in images:
                raise DataError(f"{box_file}, row {number}: its image is not in images.csv; add it there or remove the box.")
            try:
                x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
            except ValueError as error:
                raise DataError(f"{box_file}, row {number}: x, y, w and h must be numbers.") from error
            if not (w > 0 and h > 0 and x >= -0.01 and y >= -0.01 and x + w <= 1.01 and y + h <= 1.01):
                raise DataError(f"{box_file}, row {number}: the box lies outside its image; x, y, w and h are fractions of it.")
            if row["source"] == "ChestX-Det" and (row["image"], label) in outlined:
                continue
            shapes.setdefault(row["image"], []).append(Shape.box(label, x, y, w, h))
    return {image: tuple(items) for image, items in shapes.items()}


def _states(row: dict[str, str], outlined: set[str], labelled: Sequence[str]) -> dict[str, State]:
    """What a row says of each finding; an outline, then an explicit reading, outweighs the mined labels."""
    listed = {label for label in row["labels"].split("|") if label}
    mined_free = listed == {"No Finding"}
    states: dict[str, State] = {}
    if listed:
        mined = dict.fromkeys(NIH_FINDINGS, State.ABSENT) if mined_free else dict.fromkeys(labelled, State.NOT_MENTIONED)
        states = mined | dict.fromkeys(listed - {"No Finding"}, State.PRESENT)
    if row.get("rsna_class"):
        states[LUNG_OPACITY] = State.PRESENT if row["rsna_class"] == "Lung Opacity" else State.ABSENT
        if row["rsna_class"] == "Normal":
            states |= {label: State.ABSENT for label, state in states.items() if state is State.NOT_MENTIONED}
        elif mined_free:  # a radiologist saw something where the report's labels say "No Finding": no longer explicit absence
            states |= {label: State.NOT_MENTIONED for label, state in states.items() if state is State.ABSENT and label != LUNG_OPACITY}
    if row.get("chestx_det") == "read":
        for label in CHESTX_DET_FINDINGS:
            if states.get(label) is not State.PRESENT:
                states[label] = State.ABSENT
    return states | dict.fromkeys(outlined, State.PRESENT)
