"""This project's dataset folder as samples; the folder itself is read by `patchclip.data.folder`, as
evaluation reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from patchclip.data.findings import (
    CHESTX_DET_FINDINGS,
    DIFFUSE_NODULE,
    LUNG_OPACITY,
    NIH_FINDINGS,
    NO_FINDING,
    FindingNames,
)
from patchclip.data.folder import DatasetFolder, read_dataset_folder
from patchclip.data.normal import CHESTX_DET, NIH, RSNA, is_normal
from patchclip.data.rows import ImageRow
from patchclip.errors import DataError
from patchclip.text.vocabulary import Vocabulary
from trainer.data.contents import Contents
from trainer.data.sample import Sample, Shape, State


def read_folder(
    folder: Path,
    split: str,
    *,
    labels: frozenset[str],
    labelled: Sequence[str] = NIH_FINDINGS,
    vocabulary: Vocabulary | None = None,
    allow_missing: bool = False,
) -> Contents:
    """Reads one split of a dataset folder.

    Args:
        folder: holds images.csv (at least `image` and `labels`), images/, and optionally boxes.csv and
            polygons.json.
        split: rows with this value of `split`; a folder without that column counts as "train".
        labels: those that the vocabulary has.
        labelled: findings that `labels` speaks of; of any other it says nothing, unless it says "No Finding".
        vocabulary: whose synonyms the tables may use beside the names of datasets.
        allow_missing: leave out any number of images that are not there.

    Raises:
        DataError: `labelled` has a finding that the vocabulary lacks; see also
            `patchclip.data.folder.read_dataset_folder`.
    """
    unknown = sorted(set(labelled) - labels) if labelled is not NIH_FINDINGS else []
    if unknown:
        raise DataError(
            f"data.labelled names {unknown[0]} for {folder.name}, which the vocabulary lacks; correct "
            "the name."
        )
    content = read_dataset_folder(
        folder,
        split,
        FindingNames(labels, vocabulary),
        required=("image", "labels"),
        allow_missing=allow_missing,
    )
    samples = []
    for row in content.images:
        shapes = _shapes(content, row.name)
        states = _states(row, {shape.label for shape in shapes}, labelled)
        samples.append(
            Sample(
                row.path,
                row.patient if row.patient_known else None,
                folder.name,
                {label: state for label, state in states.items() if label in labels},
                shapes,
                row.view or None,
            )
        )
    return Contents(tuple(samples), content.left_out, content.notes, content.missing)


def _shapes(content: DatasetFolder, image: str) -> tuple[Shape, ...]:
    """Outlines of an image, then its boxes; outlines replace the boxes of their own source and finding."""
    outlines = [Shape(item.label, item.points) for item in content.outlines.get(image, ())]
    outlined = {shape.label for shape in outlines}
    boxes = [
        Shape.box(item.label, item.box.x, item.box.y, item.box.w, item.box.h)
        for item in content.boxes.get(image, ())
        if item.source != CHESTX_DET or item.label not in outlined
    ]
    return (*outlines, *boxes)


def _states(row: ImageRow, outlined: set[str], labelled: Sequence[str]) -> dict[str, State]:
    """What a row says of each finding; an outline, then an explicit reading, outweighs the mined labels.

    RSNA's "Normal" is a verdict on the whole radiograph: every finding is absent, whatever a report was mined
    for. Where ChestX-Det's readers looked, its findings without an outline are absent. See
    `patchclip.data.normal`.
    """
    mined_free = is_normal(row, NIH)
    states: dict[str, State] = {}
    if row.labels:
        mined = (
            dict.fromkeys(NIH_FINDINGS, State.ABSENT)
            if mined_free
            else dict.fromkeys(labelled, State.NOT_MENTIONED)
        )
        states = mined | dict.fromkeys(row.labels - {NO_FINDING}, State.PRESENT)
    if row.rsna_class:
        states[LUNG_OPACITY] = State.PRESENT if row.rsna_class == LUNG_OPACITY else State.ABSENT
        if is_normal(row, RSNA):
            states |= dict.fromkeys((*NIH_FINDINGS, *states), State.ABSENT)
        elif mined_free:  # a radiologist saw something all the same: no longer explicit absence
            states |= {
                label: State.NOT_MENTIONED
                for label, state in states.items()
                if state is State.ABSENT and label != LUNG_OPACITY
            }
    if is_normal(row, CHESTX_DET):  # of what is not outlined
        unseen = dict.fromkeys(CHESTX_DET_FINDINGS, State.ABSENT)
        if DIFFUSE_NODULE in outlined:  # several nodules, which a report calls nodules: no contradiction
            del unseen["Nodule"]
        states |= unseen
    return states | dict.fromkeys(outlined, State.PRESENT)
