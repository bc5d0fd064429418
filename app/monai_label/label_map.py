"""Lit regions as a label map: one number for each finding, 0 where none is lit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchclip import Answer


@dataclass(frozen=True, slots=True)
class LabelMap:
    """A picture of numbers.

    Attributes:
        values: uint16 [H, W] on the pixels of the film's file.
        lit: pixels that are lit for a label, by its number, those included that another label has.
        warnings: of findings that are lit in the same place, of which a label map can tell one alone.
    """

    values: NDArray[np.uint16]
    lit: Mapping[int, int]
    warnings: tuple[str, ...]


def label_map(
    answers: Sequence[Answer], numbers: Mapping[str, int], film: tuple[int, int], size: tuple[int, int]
) -> LabelMap:
    """The regions of answers, each finding by its number.

    A pixel that is lit for several findings belongs to the one that is furthest above its threshold, as a
    share of what is above it.

    Args:
        answers: of one film, within what the model has learnt.
        numbers: from 1, by the findings' labels.
        film: (H, W) of the film.
        size: (H, W) of the pixels in its file.
    """
    margins = _margins(answers, film, size)
    values, best = np.zeros(size, np.uint16), np.zeros(size, np.float32)
    for label, margin in margins.items():
        above = margin > best
        values[above], best[above] = numbers[label], margin[above]
    names = {answer.label: answer.finding for answer in answers}
    lit = {numbers[label]: int((margin > 0).sum()) for label, margin in margins.items()}
    warnings = [
        f"{names[label]}: {hidden} of its {lit[numbers[label]]} lit pixels are given to findings that are "
        "further above their thresholds there; its regions hold them all."
        for label, margin in margins.items()
        if (hidden := int(((margin > 0) & (values != numbers[label])).sum()))
    ]
    return LabelMap(values, lit, tuple(warnings))


def _margins(
    answers: Sequence[Answer], film: tuple[int, int], size: tuple[int, int]
) -> dict[str, NDArray[np.float32]]:
    """By label, float32 [H, W]: 0 where it is not lit, else in (0, 1], how far above the threshold."""
    from patchclip.export.segmentation import map_pixels, region_pixels  # with highdicom, which loads slowly

    margins: dict[str, NDArray[np.float32]] = {}
    for answer in answers:
        if answer.label is None or not answer.regions:
            continue
        lit = region_pixels(answer, film, size) > 0
        above = (map_pixels(answer, film, size) - answer.threshold) / max(1 - answer.threshold, 1e-6)
        margin = np.where(lit, np.clip(above, 1e-6, 1), 0).astype(np.float32)
        before = margins.get(answer.label)
        margins[answer.label] = margin if before is None else np.maximum(before, margin)
    return margins
