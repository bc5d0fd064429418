"""Drawn nodules and masses in radiographs that are known free of them: exact outlines for the findings that
few real ones teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.errors import DataError
from trainer.data.loaded import Loaded
from trainer.data.sample import State

NODULE, MASS = "Nodule", "Mass"
KINDS = (NODULE, MASS)

# Radii as shares of the image's longest side, taken as 40 cm: a nodule is at most 3 cm across and a mass
# larger (Hansell et al., Fleischner Society glossary, Radiology 2008).
RADII = {NODULE: (0.012, 0.0375), MASS: (0.0375, 0.11)}
# Grey levels added at the thickest place, as shares of the displayed range.
CONTRASTS = {NODULE: (0.08, 0.2), MASS: (0.1, 0.28)}
WAVES = 4  # of the outline, from two around it on: lobes, no spikes
CORNERS = 24
SCATTER = 0.03  # standard deviation around a real lesion's place, as a share of the image's size
TRIES = 3  # places, of which the darkest is taken: chests differ, and air is dark


@dataclass(frozen=True, slots=True)
class Implant:
    """A radiograph with a drawn lesion.

    Attributes:
        image: uint8 [S, S].
        label: "Nodule" or "Mass".
        outline: float64 [N, 2], corners (x, y) as shares of the square image.
    """

    image: NDArray[np.uint8]
    label: str
    outline: NDArray[np.float64]


class Implanter:
    """Draws lesions where real ones were outlined, on either side of the body."""

    def __init__(self, items: Sequence[Loaded], labels: Sequence[str]) -> None:
        """items: of the training set, whose outlined nodules and masses say where in a chest one can lie.

        Raises:
            DataError: the vocabulary has no nodule or mass, or none is outlined.
        """
        if missing := [label for label in KINDS if label not in labels]:
            raise DataError(
                f"The vocabulary has no finding {missing[0]}, so none can be drawn; add it or set "
                "data.implants to 0."
            )
        sites: list[NDArray[np.float64]] = []
        for item in items:
            for shape in item.sample.shapes:
                if shape.label in KINDS:
                    corners = item.placed(shape.points)
                    sites.append((corners.min(axis=0) + corners.max(axis=0)) / 2)
        if not sites:
            raise DataError(
                "No training image has an outlined nodule or mass, so nothing says where to draw one; set "
                "data.implants to 0."
            )
        self._sites = np.stack(sites)
        self.free = np.array(
            [
                item.sample.report is None
                and all(item.sample.states.get(label) is State.ABSENT for label in KINDS)
                for item in items
            ],
            bool,
        )
        """bool [N]: images that a reader or a finding-free label calls free of both; only these are drawn on,
        and none whose report is learnt from, for it would say otherwise."""

    def draw(self, image: NDArray[np.uint8], rng: np.random.Generator) -> Implant:
        """A nodule or a mass, one as often as the other. image: uint8 [S, S], left as it is."""
        label = KINDS[int(rng.integers(len(KINDS)))]
        radius = float(np.exp(rng.uniform(*np.log(RADII[label]))))
        sites = self._sites[rng.integers(len(self._sites), size=TRIES)] + rng.normal(
            0, SCATTER, size=(TRIES, 2)
        )
        sites[:, 0] = np.where(rng.random(TRIES) < 0.5, 1 - sites[:, 0], sites[:, 0])
        sites = np.clip(sites, radius, 1 - radius)
        return _drawn(
            image, label, min(sites, key=lambda site: _brightness(image, site, radius)), radius, rng
        )


def _brightness(image: NDArray[np.uint8], site: NDArray[np.float64], radius: float) -> float:
    """Mean grey level around a place; padding and collimation are no place for a lesion."""
    size = len(image)
    (x0, y0), (x1, y1) = (np.round((site + sign * radius) * size).astype(int) for sign in (-1, 1))
    around = image[y0 : y1 + 1, x0 : x1 + 1]
    return float(around.mean()) if around.min() > 0 else np.inf


def _drawn(
    image: NDArray[np.uint8], label: str, site: NDArray[np.float64], radius: float, rng: np.random.Generator
) -> Implant:
    """Adds the shadow of a lobed, nearly round body to the picture: thickest in its middle, so brightest
    there."""
    size = len(image)
    heights, phases = rng.normal(0, 0.06, size=WAVES), rng.uniform(0, 2 * np.pi, size=WAVES)
    stretch, turn = np.exp(rng.normal(0, 0.12)), rng.uniform(0, np.pi)

    def reach(angle: NDArray[np.float64]) -> NDArray[np.float64]:
        """Distance of the outline from the centre, in pixels."""
        lobes = 1 + sum(heights[k] * np.cos((k + 2) * angle + phases[k]) for k in range(WAVES))
        oval = 1 / np.sqrt((np.cos(angle - turn) / stretch) ** 2 + (np.sin(angle - turn) * stretch) ** 2)
        return np.asarray(radius * size * np.clip(lobes, 0.6, 1.5) * oval)

    centre = site * size
    half = int(np.ceil(2.4 * radius * size)) + 2
    x0, y0 = (max(0, int(value) - half) for value in centre)
    x1, y1 = (min(size, int(value) + half + 1) for value in centre)
    dx, dy = np.meshgrid(np.arange(x0, x1) + 0.5 - centre[0], np.arange(y0, y1) + 0.5 - centre[1])
    depth = np.sqrt(np.clip(1 - (np.hypot(dx, dy) / reach(np.arctan2(dy, dx))) ** 2, 0, 1)) ** rng.uniform(
        0.6, 1.4
    )
    texture = cv2.GaussianBlur(rng.normal(0, 1, size=depth.shape), (0, 0), max(1.0, radius * size / 3))
    depth *= 1 + 0.15 * texture / max(float(texture.std()), 1e-6)
    depth = cv2.GaussianBlur(depth, (0, 0), 0.4 + rng.uniform(0.04, 0.18) * radius * size)
    patch = image[y0:y1, x0:x1].astype(np.float64) / 255
    # Film and detector saturate: what is bright already gains less.
    added = rng.uniform(*CONTRASTS[label]) * depth * (1 - 0.7 * patch)
    out = image.copy()
    out[y0:y1, x0:x1] = np.where(patch > 0, np.round(np.clip(patch + added, 0, 1) * 255), 0).astype(
        np.uint8
    )  # padding stays black
    angles = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    corners = centre + reach(angles)[:, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    return Implant(out, label, corners / size)
