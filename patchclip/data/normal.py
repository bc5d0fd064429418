"""What a normal image is: each protocol's meaning of the word, in this one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from patchclip.data.findings import LUNG_OPACITY, NO_FINDING
from patchclip.data.rows import ImageRow

NIH, RSNA, CHESTX_DET = "NIH_BBox_List_2017", "RSNA_2018", "ChestX-Det"
VINDR, MED_ANNOTATION = "VinDr", "MedAnnotation"
"""Sources of boxes whose protocols are known, as boxes.csv names them."""
NORMAL = "Normal"
"""RSNA's class of a radiograph on which its readers found nothing."""
RSNA_CLASSES = (NORMAL, "No Lung Opacity / Not Normal", LUNG_OPACITY)


def is_normal(image: ImageRow, source: str) -> bool:
    """Whether an image is normal in the sense of the readers whose boxes are scored.

    - `RSNA`: a radiologist read the whole radiograph as "Normal". Not lung opacity alone: "No Lung Opacity /
        Not Normal" shows another finding. This verdict outweighs labels mined from the report.
    - `CHESTX_DET`: three radiologists looked for thirteen findings, so an image that they read is free of
        each of these that has no box; whether it has one is the caller's to ask.
    - any other source, as NIH's boxes: the labels, mined from the report, are "No Finding" alone. An image
        without labels is not known to be normal.
    """
    if source == RSNA:
        return image.rsna_class == NORMAL
    if source == CHESTX_DET:
        return image.chestx_det_read
    return image.labels == {NO_FINDING}


def free_of_all(states: NDArray[np.int8]) -> NDArray[np.bool_]:
    """bool [N]: images that are known free of every finding of a model, which operating points are set on.

    states: int8 [N, K], 1 present, 0 explicitly absent (by one of the meanings above), 2 not mentioned, -1
        unknown. None may be present,
    and at least half must be explicitly absent: an image that was read for one finding, or whose report is
        only silent, may show any
    other.
    """
    absent = (states == 0).sum(axis=1)
    return np.asarray((states != 1).all(axis=1) & (2 * absent >= states.shape[1]), np.bool_)
