"""Samples whose images are decoded and in memory."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchclip.errors import RadiographError
from patchclip.image import load_radiograph
from patchclip.image.geometry import Letterbox
from patchclip.model.preprocess import model_input
from trainer.data.sample import Sample

Points = NDArray[np.float64] | Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sample in memory.

    Attributes:
        image: uint8 [S, S], letterboxed.
        box: its letterbox.
        sample: what is known of it.
        sha256: of the pixels as they were decoded, alike whatever file they came in and whatever S is; "" where nobody asks.
    """

    image: NDArray[np.uint8]
    box: Letterbox
    sample: Sample
    sha256: str = ""

    def placed(self, points: Points) -> NDArray[np.float64]:
        """[N, 2], points (x, y) as shares of the image, -> the same as shares of the square; padding lies beyond the image's."""
        size = np.array([self.box.width, self.box.height], np.float64)
        return np.asarray(self.box.to_model(np.asarray(points, np.float64) * size) / self.box.side, np.float64)


def load_samples(samples: Sequence[Sample], side: int, threads: int = 4) -> tuple[list[Loaded], list[str]]:
    """Decodes, standardises and letterboxes every image; a broken one is named and left out, never replaced."""

    def load(sample: Sample) -> Loaded | str:
        try:
            radiograph = load_radiograph(sample.path)
            square, box = model_input(radiograph.pixels, side)
        except RadiographError as error:
            return f"{sample.path.name}: {error}"
        return Loaded(np.round(square * 255).astype(np.uint8), box, sample, radiograph.sha256)

    with ThreadPoolExecutor(threads) as pool:
        results = list(pool.map(load, samples))
    return [item for item in results if isinstance(item, Loaded)], [item for item in results if isinstance(item, str)]
