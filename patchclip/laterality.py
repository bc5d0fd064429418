"""The patient's left and right in an image, and which half of it is whose where no lungs tell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from patchclip.image.radiograph import HeaderFacts
from patchclip.types import Laterality


def on_image_right(laterality: Laterality, facts: HeaderFacts) -> bool:
    """Whether that side of the patient lies in the right half of the image."""
    return (laterality == "left") == (facts.patient_left == "right")


def laterality_columns(laterality: Laterality, count: int, facts: HeaderFacts) -> NDArray[np.bool_]:
    """bool [count]: the patch columns of one half of the patient, in a grid that is centred on the image.

    Every letterboxed grid is so centred. A column belongs to the half that its centre lies in, and the middle
    one of an odd number to both, for its centre is the midline.
    """
    centres = 2 * np.arange(count) + 1  # twice the true ones, so that the midline, at `count`, is met exactly
    return centres >= count if on_image_right(laterality, facts) else centres <= count
