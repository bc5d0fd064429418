"""The patient's left and right: which half of an image, and of a map, belongs to which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from patchclip.image.radiograph import HeaderFacts
from patchclip.types import Laterality, PatchMap


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


def only_laterality(patch_map: PatchMap, laterality: Laterality | None, facts: HeaderFacts) -> PatchMap:
    """The map with the other half of the patient set to 0; None leaves it whole.

    The image's vertical midline stands for the patient's.
    """
    if laterality is None:
        return patch_map
    columns = laterality_columns(laterality, patch_map.values.shape[1], facts)
    return PatchMap(np.where(columns[None, :], patch_map.values, 0.0).astype(np.float32), patch_map.extent)
