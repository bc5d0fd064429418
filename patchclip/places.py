"""Which patches a place is: "left lower zone", "both apices", measured in the frame of the chest.

On a frontal film lobes lie behind each other: the fields of lobes overlap, and are where a lobe may be seen,
not where it alone is. A field reaches from the midline to beyond the lateral border, since what limits an
answer must not cut off a finding that hides the border of the lung.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patchclip.image.geometry import Letterbox
from patchclip.image.radiograph import HeaderFacts
from patchclip.image.thorax import Thorax
from patchclip.laterality import laterality_columns, on_image_right
from patchclip.text.place import Place, PlacePart, Region
from patchclip.types import Laterality


@dataclass(frozen=True, slots=True)
class Field:
    """A rectangle of the frame, on either side of the midline.

    Attributes:
        above, below: v, 0 at the apices and 1 at the bases.
        inside, outside: |u|, 0 at the midline and 1 at the lateral border.
    """

    above: float = -np.inf
    below: float = np.inf
    inside: float = 0.0
    outside: float = np.inf


FIELDS: dict[Region, Field] = {
    "upper zone": Field(below=1 / 3),
    "middle zone": Field(above=1 / 3, below=2 / 3),
    "lower zone": Field(above=2 / 3),
    "apex": Field(below=0.22),
    "base": Field(above=0.72),
    "upper lobe": Field(below=0.55),
    "middle lobe": Field(above=0.45, below=0.9, outside=0.85),
    "lingula": Field(above=0.45, below=0.9, outside=0.85),
    "lower lobe": Field(above=0.35),
    "perihilar": Field(above=0.25, below=0.68, outside=0.6),
    "retrocardiac": Field(above=0.5, below=1.1, outside=0.6),
    "costophrenic angle": Field(above=0.75, inside=0.5),
    "periphery": Field(inside=0.6),
    "center": Field(outside=0.6),
}
"""Zones are thirds of the height; the others follow projections of lobes and structures on frontal films."""

ONE_SIDED: dict[Region, Laterality] = {"middle lobe": "right", "lingula": "left", "retrocardiac": "left"}
"""Where a region lies whose side the words leave out: the heart's shadow is at the left."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The patches of an image.

    Attributes:
        extent: (x0, y0, x1, y1), their outer edges in original image pixels.
        valid: bool [R, C]: the patch's centre lies in the image, not in its padding.
    """

    extent: tuple[float, float, float, float]
    valid: NDArray[np.bool_]

    @classmethod
    def of(cls, box: Letterbox, valid: NDArray[np.bool_]) -> Grid:
        """The grid over the whole letterboxed square."""
        (x0, y0), (x1, y1) = box.to_image([(0, 0), (box.size, box.size)])
        return cls((float(x0), float(y0), float(x1), float(y1)), valid)

    @property
    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """x and y of every patch's centre, each [R, C]."""
        x0, y0, x1, y1 = self.extent
        rows, cols = self.valid.shape
        x, y = np.meshgrid(
            x0 + (np.arange(cols) + 0.5) / cols * (x1 - x0), y0 + (np.arange(rows) + 0.5) / rows * (y1 - y0)
        )
        return x, y


@dataclass(frozen=True, slots=True)
class Limit:
    """What a place leaves of an image.

    Attributes:
        patches: bool [R, C], those of the place; at least one is valid.
        each: bool [R, C] each, the parts that must all show a finding for it to be there: the two sides where
            the words say "bilateral", else `patches` alone.
        warnings: sentences for the reader.
    """

    patches: NDArray[np.bool_]
    each: tuple[NDArray[np.bool_], ...]
    warnings: tuple[str, ...]


def limit_of(
    place: Place, thorax: Thorax | None, grid: Grid, facts: HeaderFacts, *, every_side: bool
) -> Limit:
    """Which patches an answer about a place stands on, and what must be said of them.

    Args:
        place, thorax, grid, facts: see `place_patches`.
        every_side: whether "bilateral" asks for the finding on both sides, rather than on any.
    """
    warnings: list[str] = []
    coarser = Place(tuple(dict.fromkeys(PlacePart(side_of(part) or part.side, None) for part in place.parts)))
    if thorax is None:
        place, said = coarser, place
        warnings.append(f'No lungs were found in this image: "{said.words}" is taken as {_halves(place)}.')
    elif not (place_patches(place, thorax, grid, facts) & grid.valid).any():
        place, said = coarser, place
        if not (place_patches(place, thorax, grid, facts) & grid.valid).any():
            place = Place((PlacePart(None, None),))
        warnings.append(
            f'"{said.words}" holds no patch of this image: the answer is for '
            f"{f'the side, {place.words}' if place.words else 'the whole image'}."
        )
    patches = place_patches(place, thorax, grid, facts)
    if every_side and all(part.side == "both" for part in place.parts):
        sides: tuple[Laterality, ...] = ("left", "right")
        parts = tuple(
            place_patches(
                Place(tuple(PlacePart(side, part.region) for part in place.parts)), thorax, grid, facts
            )
            for side in sides
        )
        each = parts if all((part & grid.valid).any() for part in parts) else (patches,)
    else:
        each = (patches,)
        if len(place.parts) > 1:
            warnings.append(
                f'The answer is for "{place.words}" together: the finding in one of them is enough.'
            )
    return Limit(patches, each, tuple(warnings))


def _halves(place: Place) -> str:
    """What sides are without lungs, in words."""
    lateralities = {part.side for part in place.parts}
    if len(lateralities) == 1 and (only := place.laterality):
        return f"the half of the image at the patient's {only}"
    return "the halves of the image" if lateralities == {"both"} else "the whole image"


def place_patches(place: Place, thorax: Thorax | None, grid: Grid, facts: HeaderFacts) -> NDArray[np.bool_]:
    """bool [R, C]: the patches whose centres lie in a place.

    Args:
        place: the union of its parts.
        thorax: the chest's frame; without it sides are the halves of the image, and regions are not told
            apart.
        grid: of the image.
        facts: of the image, which say where the patient's left is.
    """
    inside = np.zeros(grid.valid.shape, bool)
    for part in place.parts:
        inside |= _in_frame(part, thorax, grid, facts) if thorax else _in_halves(part, grid, facts)
    return inside


def _in_frame(part: PlacePart, thorax: Thorax, grid: Grid, facts: HeaderFacts) -> NDArray[np.bool_]:
    u, v = thorax.coordinates(*grid.centres)
    field = FIELDS[part.region] if part.region else Field()
    inside = (
        (v >= field.above) & (v <= field.below) & (np.abs(u) >= field.inside) & (np.abs(u) <= field.outside)
    )
    if laterality := side_of(part):
        inside &= (u >= 0) if on_image_right(laterality, facts) else (u <= 0)
    return np.asarray(inside, bool)


def _in_halves(part: PlacePart, grid: Grid, facts: HeaderFacts) -> NDArray[np.bool_]:
    laterality = side_of(part)
    cols = grid.valid.shape[1]
    columns = laterality_columns(laterality, cols, facts) if laterality else np.ones(cols, bool)
    return np.broadcast_to(columns, grid.valid.shape)


def side_of(part: PlacePart) -> Laterality | None:
    """The one side that a part lies on, or None for both."""
    if part.side in ("left", "right"):
        return part.side
    return ONE_SIDED.get(part.region) if part.region and part.side is None else None
