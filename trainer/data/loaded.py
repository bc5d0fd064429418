"""Samples whose images are decoded: in memory, or in a file that is read as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from patchclip.errors import DataError, RadiographError
from patchclip.image import load_radiograph
from patchclip.image.geometry import Letterbox
from patchclip.model.preprocess import STANDARD, InputStyle, model_input
from trainer.data.image_cache import kept_squares
from trainer.data.sample import Place, Sample

THREADS, BLOCK = 4, 256
Points = NDArray[np.float64] | Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sample and its pixels.

    Attributes:
        stored: uint8 [S, S], letterboxed; or where it lies in a shard.
        box: its letterbox.
        sample: what is known of it.
        sha256: of the pixels as they were decoded, alike whatever file they came in and whatever S is; ""
            where nobody asks.
    """

    stored: NDArray[np.uint8] | Place
    box: Letterbox
    sample: Sample
    sha256: str = ""

    @property
    def image(self) -> NDArray[np.uint8]:
        """uint8 [S, S], letterboxed; of a shard, read whenever it is looked at.

        Raises:
            DataError: the shard is gone or damaged.
        """
        return read_square(self.stored) if isinstance(self.stored, Place) else self.stored

    def placed(self, points: Points) -> NDArray[np.float64]:
        """[N, 2], points (x, y) as shares of the image, -> the same as shares of the square; padding lies
        beyond the image's."""
        size = np.array([self.box.width, self.box.height], np.float64)
        return np.asarray(
            self.box.to_model(np.asarray(points, np.float64) * size) / self.box.size, np.float64
        )


def read_square(place: Place) -> NDArray[np.uint8]:
    """uint8 [S, S] from a shard.

    Raises:
        DataError: the shard is gone or damaged.
    """
    try:
        with place.shard.open("rb") as file:
            file.seek(place.start)
            content = file.read(place.length)
    except OSError as error:
        raise DataError(
            f"{place.shard} cannot be read ({error.strerror}); write the shards again."
        ) from error
    square = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE) if content else None
    if square is None:
        raise DataError(f"{place.shard} is damaged at byte {place.start}; write the shards again.")
    return np.asarray(square, np.uint8)


def _of_shards(samples: Sequence[Sample], size: int) -> list[Loaded]:
    """Of samples that lie in shards; nothing is read but one image, to see that it is large enough."""
    places = [sample.place for sample in samples if sample.place is not None]
    if places and (stored := len(read_square(places[0]))) < size:
        raise DataError(
            f"The shards hold squares of {stored} px, and {size} are needed; write them with --size {size} "
            "or more."
        )
    return [
        Loaded(place, Letterbox(place.height, place.width, size), sample, place.sha256)
        for sample in samples
        if (place := sample.place) is not None
    ]


def decoded(samples: Sequence[Sample], size: int) -> Iterator[Loaded | str]:
    """Each image in turn, or a sentence where it is broken; memory holds few of them at a time."""
    return _decoded(samples, size)


def load_samples(
    samples: Sequence[Sample], size: int, cache: Path | None = None, style: InputStyle = STANDARD
) -> tuple[list[Loaded], list[str]]:
    """Decodes, standardises and letterboxes every image; a broken one is named and left out, never replaced.

    Args:
        samples: of any sources.
        size: of the squares, in pixels.
        cache: keep the squares in this folder, for this run and the next, rather than in memory; for models
            that are trained, whose style is the standard one.
        style: how the model that looks at them wants its squares; only standard ones are kept.

    Raises:
        DataError: the folder cannot be written; or shards are damaged, or hold squares that are too small or
            of another style.
        ValueError: squares of another style are to be kept.
    """
    if any(sample.place is not None for sample in samples):
        if style != STANDARD:
            raise DataError(
                "Shards hold squares for models that are trained here; name the images themselves."
            )
        files = [sample for sample in samples if sample.place is None]
        others, broken = load_samples(files, size, cache) if files else ([], [])
        return [*_of_shards(samples, size), *others], broken
    if cache is not None and style != STANDARD:
        raise ValueError("Only squares of the standard style are kept in a cache.")
    if cache is None or not samples:
        results = list(_decoded(samples, size, style))
    else:
        squares_and_facts = (
            (item.image, (item.box.height, item.box.width, item.sha256)) if isinstance(item, Loaded) else None
            for item in _decoded(samples, size)
        )
        squares, facts = kept_squares(cache, [sample.path for sample in samples], size, squares_and_facts)
        results = [
            _load(sample, size)
            if fact is None
            else Loaded(square, Letterbox(fact[0], fact[1], size), sample, fact[2])
            for sample, square, fact in zip(samples, squares, facts, strict=True)
        ]
    return [item for item in results if isinstance(item, Loaded)], [
        item for item in results if isinstance(item, str)
    ]


def _decoded(samples: Sequence[Sample], size: int, style: InputStyle = STANDARD) -> Iterator[Loaded | str]:
    """In their order; not many more at a time than are asked for."""
    with (
        ThreadPoolExecutor(THREADS) as pool,
        tqdm(total=len(samples), desc="reading images", disable=None) as progress,
    ):
        for start in range(0, len(samples), BLOCK):
            for item in pool.map(partial(_load, size=size, style=style), samples[start : start + BLOCK]):
                progress.update()
                yield item


def _load(sample: Sample, size: int, style: InputStyle = STANDARD) -> Loaded | str:
    """A sentence where the image is broken."""
    try:
        radiograph = load_radiograph(sample.path)
        square, box = model_input(radiograph.pixels, size, style)
    except RadiographError as error:
        return f"{sample.path.name}: {error}"
    return Loaded(np.round(square * 255).astype(np.uint8), box, sample, radiograph.sha256)
