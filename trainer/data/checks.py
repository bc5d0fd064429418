"""What is wrong with a recipe and its data together, found before the first step: sentences for errors and
for the reader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from patchclip.data.normal import free_of_all
from patchclip.errors import DataError
from patchclip.text.vocabulary import Vocabulary
from trainer.config import AugmentConfig
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample, State
from trainer.data.states import state_table

MIN_NORMALS = 10  # finding-free images below which a share of them says nothing
LATERALITY = re.compile(r"\b(left|right)", re.IGNORECASE)


def check_mirror(augment: AugmentConfig, vocabulary: Vocabulary) -> None:
    """A mirror image would be taught the wrong laterality.

    Raises:
        DataError: there are mirror images, and a prompt that is trained on names a laterality.
    """
    if augment.mirror <= 0:
        return
    for label in vocabulary.labels:
        pair = vocabulary.prompts(label)
        for prompt in (*pair.positive, *pair.negative):
            if LATERALITY.search(prompt):
                raise DataError(
                    f'The prompt "{prompt}" of {label} names a side, which a mirror image turns round; set '
                    "augment.mirror to 0, or take the "
                    "side out of the vocabulary's names, synonyms and templates."
                )


def check_classes(samples: Sequence[Sample], labels: Sequence[str]) -> str | None:
    """A sentence on the findings of which the images show one class only, or None; such a finding is not
    learnt.

    Raises:
        DataError: that is so of every finding: each would get the same answer on every image.
    """
    present = Counter(
        label for sample in samples for label, state in sample.states.items() if state is State.PRESENT
    )
    others = Counter(
        label for sample in samples for label, state in sample.states.items() if state is not State.PRESENT
    )
    if not any(present[label] and others[label] for label in labels):
        raise DataError(
            "No finding is present on some training images and absent or not mentioned on others, so nothing "
            "can be learnt; add images "
            "with and without findings."
        )
    kinds = {
        "present wherever it is known": [label for label in labels if present[label] and not others[label]],
        "never present": [label for label in labels if others[label] and not present[label]],
        "known of no image": [label for label in labels if not present[label] and not others[label]],
    }
    sentences = [f"{', '.join(names)} ({kind})" for kind, names in kinds.items() if names]
    return f"one class only, so not learnt: {'; '.join(sentences)}" if sentences else None


def unknown_patients(samples: Sequence[Sample]) -> list[str]:
    """One sentence for each source that has images of unknown patients, for nothing keeps those apart from
    the same patients elsewhere."""
    total = Counter(sample.source for sample in samples)
    unknown = Counter(sample.source for sample in samples if sample.patient is None)
    places = ["in another source"] if len(total) > 1 else []
    if unknown == total:  # only then are images of unknown patients held out too, each by itself
        places.append("on both sides of the held-out line")
    elif not places:
        places.append("among those that are held out")
    where = " and ".join(places)
    return [
        f"{source}: the patient of {count} of {total[source]} images is not known; the same patients may be "
        f"{where}"
        for source, count in sorted(unknown.items())
    ]


def without_copies(train: Sequence[Loaded], held_out: Sequence[Loaded]) -> tuple[list[Loaded], list[str]]:
    """The training images without those whose decoded pixels are held out too, and a sentence for each of
    these."""
    apart = {item.sha256: item.sample.source for item in held_out if item.sha256}
    copies = [
        f"{item.sample.path.name} of {item.sample.source}: the same pixels are held out, from "
        f"{apart[item.sha256]}"
        for item in train
        if item.sha256 in apart
    ]
    return [item for item in train if item.sha256 not in apart], copies


def check_loaded(
    train: Sequence[Loaded],
    held_out: Sequence[Loaded],
    chosen: int,
    labels: Sequence[str],
    left_out: Sequence[str],
    *,
    calibrated: bool,
) -> None:
    """Whether the images that could be read are enough.

    Args:
        train, held_out: what could be read.
        chosen: how many were to be held out.
        labels: the findings that are learnt.
        left_out: sentences on what could not be read, the first of which is quoted.
        calibrated: whether the held-out images are to be calibrated on.

    Raises:
        DataError: no training image can be read, or none that was to be held out, or the held-out ones cannot
            be calibrated on, if they are to be.
    """
    for items, what, wanted in ((train, "training", 1), (held_out, "held-out", chosen)):
        if wanted and not items:
            raise DataError(
                f"No {what} image can be read; the first thing that was left out: "
                f"{left_out[0] if left_out else 'nothing'}."
            )
    if held_out and calibrated:
        check_held_out(np.asarray(state_table(held_out, labels)))


def check_held_out(table: NDArray[np.int8]) -> None:
    """Whether held-out images with the states [N, K] can be calibrated on.

    Raises:
        DataError: no finding is present on any of them, or too few are free of all (see
            `patchclip.data.normal.free_of_all`) to set operating points.
    """
    if not (table == 1).any():
        raise DataError(
            "No finding is present on any held-out image, so nothing can be calibrated; raise "
            "data.dev_fraction, or set it to 0 to leave the model uncalibrated."
        )
    normals = int(free_of_all(table).sum())
    if normals < MIN_NORMALS:
        raise DataError(
            f"Only {normals} held-out images are free of every finding (none present, at least half "
            f"explicitly absent), and operating points need {MIN_NORMALS}; raise data.dev_fraction, set it "
            "to 0 to leave the model uncalibrated, or add such images."
        )
