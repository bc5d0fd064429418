"""Films of drawn codes, a corner of which may show nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchclip import Radiograph
from patchclip.image.grey import picture_values

HIGHEST = 60_000


@dataclass(frozen=True)
class CodedFilm:
    """A radiograph, its values (uint16 [H, W], below `HIGHEST`), and which show nothing (bool [H, W])."""

    radiograph: Radiograph
    values: NDArray[np.uint16]
    outside: NDArray[np.bool_]


def coded_film(size: tuple[int, int], hidden: tuple[int, int] | None, seed: int = 0) -> CodedFilm:
    """Draws one of `size` (H, W), of whose upper left corner of `hidden` (H, W) pixels nothing is shown."""
    values = np.random.default_rng(seed).integers(0, HIGHEST, size).astype(np.uint16)
    outside = np.zeros(size, bool)
    if hidden:
        outside[: hidden[0], : hidden[1]] = True
    shown = picture_values(values, 0, HIGHEST)
    radiograph = Radiograph.from_array(values / 65535, outside=outside if hidden else None, grey=shown)
    return CodedFilm(radiograph, values, outside)
