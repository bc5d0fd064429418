"""This project's dataset folder as samples; the folder itself is read by `patchclip.data.folder`, as
evaluation reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from patchclip.data.findings import NIH_FINDINGS, FindingNames
from patchclip.data.folder import read_dataset_folder
from patchclip.errors import DataError
from patchclip.text.vocabulary import Vocabulary
from trainer.data.contents import Contents
from trainer.data.readings import read_row
from trainer.data.sample import Sample


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
    samples: list[Sample] = []
    left_out = list(content.left_out)
    for row in content.images:
        reading = read_row(row, content, labels, labelled)
        left_out += [
            f"{row.name}: readers contradict each other on {label}, which is taken as unknown"
            for label in sorted(reading.disputed)
        ]
        samples.append(
            Sample(
                row.path,
                row.patient if row.patient_known else None,
                folder.name,
                reading.states,
                reading.shapes,
                row.view or None,
                doubtful=reading.doubtful,
                disputed=reading.disputed,
                mined=reading.mined,
                checked=reading.checked,
            )
        )
    return Contents(tuple(samples), tuple(left_out), content.notes, content.missing)
