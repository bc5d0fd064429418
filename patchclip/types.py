"""What an engine returns: maps, regions and answers, in original image pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.errors import QueryError

if TYPE_CHECKING:
    from patchclip.accuracy import OperatingPoint
    from patchclip.text.place import Place

Laterality = Literal["left", "right"]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in original image pixels: top-left corner and size; a pixel's centre lies at i +
    0.5."""

    x: float
    y: float
    w: float
    h: float

    @property
    def area(self) -> float:
        """In square pixels."""
        return self.w * self.h

    @overload
    def contains(self, x: float, y: float) -> bool: ...

    @overload
    def contains(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]: ...

    def contains(
        self, x: float | NDArray[np.float64], y: float | NDArray[np.float64]
    ) -> bool | NDArray[np.bool_]:
        """Whether a point, or each point of arrays that broadcast, lies inside or on the border."""
        return (self.x <= x) & (x <= self.x + self.w) & (self.y <= y) & (y <= self.y + self.h)

    def intersection(self, other: Box) -> float:
        """Shared area in square pixels."""
        wide = min(self.x + self.w, other.x + other.w) - max(self.x, other.x)
        high = min(self.y + self.h, other.y + other.h) - max(self.y, other.y)
        return max(0.0, wide) * max(0.0, high)

    def iou(self, other: Box) -> float:
        """Intersection over union (Jaccard 1912), in [0, 1]."""
        shared = self.intersection(other)
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class RelativeBox:
    """An upright rectangle in fractions of its image, as dataset tables hold it: top-left corner and size,
    each in [0, 1]."""

    x: float
    y: float
    w: float
    h: float

    def in_pixels(self, height: int, width: int) -> Box:
        """The same rectangle on an image of that size."""
        return Box(self.x * width, self.y * height, self.w * width, self.h * height)

    def lies_inside(self, tolerance: float = 0.01) -> bool:
        """Whether it has an area and leaves the image by no more than `tolerance` of its size: drawn boxes
        are rounded."""
        return (
            all(map(math.isfinite, (self.x, self.y, self.w, self.h)))
            and min(self.w, self.h) > 0
            and min(self.x, self.y) >= -tolerance
            and max(self.x + self.w, self.y + self.h) <= 1 + tolerance
        )


@dataclass(frozen=True, slots=True)
class PatchMap:
    """One value per image patch, and where those patches lie.

    Attributes:
        values: float32 [R, C] in [0, 1]; row 0 is the top. A probability for a patch map, a relative value
            for saliency.
        extent: (x0, y0, x1, y1), the outer edges of the grid in original image pixels. It may reach beyond
            the image by less than one patch, where the image was padded.
    """

    values: FloatArray
    extent: tuple[float, float, float, float]

    def upsample(
        self, height: int, width: int, part: tuple[slice, slice] = (slice(None), slice(None))
    ) -> FloatArray:
        """Bilinear resampling onto the pixels of an image of `height` x `width`; patch centres keep their
        values.

        Pixel i has its centre at i + 0.5; beyond the outermost patch centres the border value is kept.

        part: rows and columns of pixels that are wanted.

        Returns float32 [height, width], or that part of it.
        """
        lines, columns = self.places(height, width)
        grid_x, grid_y = np.meshgrid(columns[part[1]], lines[part[0]])
        return np.asarray(
            cv2.remap(self.values, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
            np.float32,
        )

    def places(self, height: int, width: int) -> tuple[FloatArray, FloatArray]:
        """Where rows and columns of pixels lie among those of patches, float32 [height] and [width]: a whole
        number at a patch's centre."""
        rows, cols = self.values.shape
        x0, y0, x1, y1 = self.extent
        columns = ((np.arange(width) + 0.5 - x0) / (x1 - x0) * cols - 0.5).astype(np.float32)
        lines = ((np.arange(height) + 0.5 - y0) / (y1 - y0) * rows - 0.5).astype(np.float32)
        return lines, columns


@dataclass(frozen=True, slots=True)
class Region(Box):
    """A connected part of a map above its threshold, in original image pixels.

    Attributes:
        x, y, w, h: the bounding box, top-left corner and size.
        score: the highest map value inside, in [0, 1].
        peak: (x, y) of that value.
    """

    score: float
    peak: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one query on one image.

    Attributes:
        query: the text as typed.
        finding: the finding that was understood, e.g. "pleural effusion".
        label: its name in the vocabulary, e.g. "Effusion"; None when the query is not in the vocabulary.
        negated: whether the query asks for the absence of the finding.
        laterality: the side of the patient that the query is limited to, or None.
        in_vocabulary: whether the query is near something that the model was trained on.
        probability: in [0, 1], of the query as asked (turned round when negated); None when the query is not
            in the vocabulary.
        map: the patch prediction map of the named finding, never turned round; all 0 when the query is not in
            the vocabulary.
        regions: parts of the map at or above `threshold`, highest score first. Map and probability are
            calibrated apart, so a finding that is judged absent may have regions, and one that is judged
            present none.
        threshold: the map value from which a patch counts as lit, in [0, 1].
        warnings: sentences for the reader.
        span: the part of `query` that this answers: a text may name several findings.
        assertion: what the text says of the finding; "absent" where `negated`, else answered as "present".
        place: where in the chest the text puts it, or None.
        place_patches: bool [R, C] on the map's grid, the patches that the place limits the answer to; None
            where nothing limits it.
        operating_point: where the decision on the image lies, and how good it is on held-out images, of
            whole images even where a place limits the answer; None when the query is not in the vocabulary.
        contradiction: the one of `warnings` that says that probability and map disagree, or None.
    """

    query: str
    finding: str
    label: str | None
    negated: bool
    laterality: Laterality | None
    in_vocabulary: bool
    probability: float | None
    map: PatchMap
    regions: tuple[Region, ...]
    threshold: float
    warnings: tuple[str, ...] = field(default=())
    span: str = ""
    assertion: Literal["present", "absent", "uncertain", "historical", "comparison"] = "present"
    place: Place | None = None
    place_patches: NDArray[np.bool_] | None = field(default=None, compare=False)
    operating_point: OperatingPoint | None = None
    contradiction: str | None = None

    def require_probability(self) -> float:
        """The probability, for those who can do nothing without one.

        Raises:
            QueryError: the query is not in the vocabulary, so there is none.
        """
        if self.probability is None:
            raise QueryError(
                f'"{self.finding}" is far from what this model has learnt and has no probability; '
                "ask for a finding that it knows."
            )
        return self.probability


@dataclass(frozen=True, slots=True)
class Exploration:
    """The similarity of every patch to a text that the model was never tested on: no prediction of a finding.

    Attributes:
        query: the text as typed.
        phrase: the part of it that prompts were made of.
        similarity: the cosine per patch, in [-1, 1], where other maps hold a value in [0, 1].
    """

    query: str
    phrase: str
    similarity: PatchMap


Finding = Answer
"""The name of an answer in the published contract."""
