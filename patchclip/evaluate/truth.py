"""What is true of an image: whose boxes count, what is normal, which images have a label for a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchclip.data.normal import is_normal
from patchclip.evaluate.dataset import LUNG_OPACITY, EvaluationImage, first_reader


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose boxes of a finding are the truth.

    Attributes:
        source: as in boxes.csv.
        label: the finding.
    """

    source: str
    label: str

    def boxed(self, image: EvaluationImage) -> bool:
        """Whether the reader drew the finding."""
        return (self.source, self.label) in image.boxes

    def normal(self, image: EvaluationImage) -> bool:
        """Whether an image is normal by the reader's protocol, boxes aside."""
        return is_normal(image, self.source)


def reader_of(label: str) -> Reader:
    """The first reader of a finding."""
    return Reader(first_reader(label), label)


@dataclass(frozen=True, slots=True)
class ImageTruth:
    """The images that have an image-level truth for a finding.

    Attributes:
        index: int [N], their positions among all.
        present: bool [N], whether they show the finding.
    """

    index: NDArray[np.int64]
    present: NDArray[np.bool_]


def truth_of(label: str, images: Sequence[EvaluationImage]) -> ImageTruth:
    """RSNA's class for lung opacity, the labels of images.csv for any other finding."""
    if label == LUNG_OPACITY:
        read = [k for k, image in enumerate(images) if image.rsna_class]
        present = [images[k].rsna_class == LUNG_OPACITY for k in read]
    else:
        read = [k for k, image in enumerate(images) if image.labels]
        present = [label in images[k].labels for k in read]
    return ImageTruth(np.array(read, np.int64), np.array(present, bool))
