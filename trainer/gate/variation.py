"""Frontal chests as another hospital might have taken them, so that the image gate does not take a hospital's
habits for what a chest is."""

from __future__ import annotations

import cv2
import numpy as np

from patchclip.types import FloatArray

Rng = np.random.Generator

FRAMED, COLLIMATED, PROCESSED, LINED, OPAQUE = 0.3, 0.3, 0.4, 0.4, 0.2
"""How often a chest is taken on a lower cassette, within a collimator's edges, by another machine's
processing, with lines and cables, and with a dense lung."""


def varied(chest: FloatArray, rng: Rng) -> FloatArray:
    """The same chest as another machine and another radiographer might have taken it; one in ten is
    mirrored.

    chest: float32 [H, W] in [0, 1], as the result is, whose sides may be shorter.
    """
    picture = _placed(chest, rng)
    for share, change in (
        (OPAQUE, _dense),
        (LINED, _lines),
        (PROCESSED, _processed),
        (COLLIMATED, _collimated),
        (FRAMED, _lower_frame),
    ):
        if rng.random() < share:
            picture = change(picture, rng)
    return np.asarray(np.clip(picture, 0, 1) ** rng.uniform(0.65, 1.5), np.float32)


def _placed(chest: FloatArray, rng: Rng) -> FloatArray:
    """Moved, turned, nearer or farther, and at times cut at two sides."""
    height, width = chest.shape
    zoom, tilt = rng.uniform(0.88, 1.12), np.deg2rad(rng.uniform(-6, 6))
    aspect = rng.uniform(0.95, 1.05)
    way = -1 if rng.random() < 0.1 else 1
    turn = (
        np.array([[np.cos(tilt) * way * aspect, -np.sin(tilt)], [np.sin(tilt) * way, np.cos(tilt) / aspect]])
        * zoom
    )
    centre = np.array([width / 2, height / 2])
    shift = centre - turn @ centre + rng.uniform(-0.05, 0.05, 2) * (width, height)
    moved = cv2.warpAffine(
        chest, np.column_stack([turn, shift]), (width, height), flags=cv2.INTER_LINEAR, borderValue=0
    )
    if rng.random() < 0.3:
        moved = moved[: round(height * rng.uniform(0.85, 1)), round(width * rng.uniform(0, 0.08)) :]
    return np.asarray(moved, np.float32)


def _lower_frame(chest: FloatArray, rng: Rng) -> FloatArray:
    """A cassette laid crosswise, as at the bedside: wider than high, and cut above, below or at both."""
    height, width = chest.shape
    high = min(height, round(width / rng.uniform(1.0, 1.25)))
    top = round((height - high) * rng.uniform(0, 1))
    return chest[top : top + high]


def _collimated(chest: FloatArray, rng: Rng) -> FloatArray:
    """A collimator's edges, a little askew; nearly nothing reaches the detector outside them, which some
    machines show as black and some as white."""
    height, width = chest.shape
    tilt = np.deg2rad(rng.uniform(-5, 5))
    down, along = np.mgrid[:height, :width].astype(np.float32)
    along, down = along / width - 0.5, down / height - 0.5
    across = along * np.cos(tilt) + down * np.sin(tilt)
    below = down * np.cos(tilt) - along * np.sin(tilt)
    left, right, top, bottom = rng.uniform(0.4, 0.56, 4)
    outside = (across < -left) | (across > right) | (below < -top) | (below > bottom)
    grey = rng.uniform(0, 0.2) if rng.random() < 0.8 else rng.uniform(0.9, 1)
    return np.where(outside, np.float32(grey + 0.1 * (chest - 0.5)), chest)


def _processed(chest: FloatArray, rng: Rng) -> FloatArray:
    """Another machine's processing: details enhanced over their surroundings, or a hazy, pale picture."""
    if rng.random() < 0.5:
        around = cv2.GaussianBlur(chest, (0, 0), max(1.0, chest.shape[1] * rng.uniform(0.04, 0.12)))
        return np.asarray(chest + rng.uniform(0.3, 1.2) * (chest - around), np.float32)
    contrast = rng.uniform(0.5, 0.9)
    return np.asarray(contrast * chest + rng.uniform(0, 1 - contrast), np.float32)


def _lines(chest: FloatArray, rng: Rng) -> FloatArray:
    """Tubes, lines and cables over the chest: bright curves with two bends."""
    height, width = chest.shape
    lined = chest.copy()
    share = np.linspace(0, 1, 24)[:, None]
    for _ in range(int(rng.integers(1, 10))):
        start, first, second, end = rng.uniform(-0.1, 1.1, (4, 2)) * (width, height)
        curve = (
            (1 - share) ** 3 * start
            + 3 * (1 - share) ** 2 * share * first
            + 3 * (1 - share) * share**2 * second
            + share**3 * end
        )
        drawn = cv2.polylines(
            np.zeros_like(chest), [np.round(curve).astype(np.int32)], False, 1.0, 1, cv2.LINE_AA
        )
        lined += np.float32(rng.uniform(0.1, 0.5)) * drawn
    return lined


def _dense(chest: FloatArray, rng: Rng) -> FloatArray:
    """One lung, or its lower part, as pale as the mediastinum: a large effusion, a lung that is collapsed."""
    height, width = chest.shape
    down, along = np.mgrid[:height, :width].astype(np.float32)
    middle = width * (0.5 + rng.choice([-1, 1]) * rng.uniform(0.18, 0.26))
    low = height * rng.uniform(0.5, 0.75)
    reach = ((along - middle) / (0.2 * width)) ** 2 + ((down - low) / (rng.uniform(0.2, 0.45) * height)) ** 2
    weight = rng.uniform(0.4, 0.9) * np.exp(-(reach**2))
    return np.asarray(chest + weight * (rng.uniform(0.6, 0.9) - chest), np.float32)
