"""From a map to regions: connected parts above a threshold, in original image pixels."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.image.pixelwise import connected
from patchclip.types import FloatArray, PatchMap, Region

WORKING_SIZE = 512
"""Regions are traced on at most so many pixels a side, far finer than any patch, whatever the image is."""

ROUNDING = 1e-4
"""More than interpolation in float32 can add to the brightest of the patches that it is between."""


def smooth(logits: FloatArray, sigma: float, inside: NDArray[np.bool_]) -> FloatArray:
    """Gaussian over a grid of logits, [R, C] -> [R, C], mirrored at the border; `sigma` in patches, or 0.

    inside: bool [R, C], the patches that count: the others lend nothing to their neighbours (normalised
    convolution, Knutsson & Westin, CVPR 1993) and stay as they are.
    """
    if sigma <= 0:
        return logits
    weight = _gaussian(inside.astype(np.float32), sigma)
    blurred = _gaussian(np.where(inside, logits, 0).astype(np.float32), sigma) / np.maximum(weight, 1e-6)
    return np.asarray(np.where(inside, blurred, logits), np.float32)


def _gaussian(grid: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(grid, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)


def find_regions(
    patch_map: PatchMap, threshold: float, size: tuple[int, int], min_patches: float = 0.0
) -> tuple[Region, ...]:
    """Connected components (8-neighbourhood) of the bilinearly upsampled map at or above a threshold.

    Args:
        patch_map: values in [0, 1].
        threshold: in (0, 1].
        size: (H, W) of the original image; regions are clipped to it.
        min_patches: components smaller than this many patch areas are dropped.

    Returns:
        Highest score first. A component's score is its highest upsampled value, `peak` that pixel's centre.
    """
    height, width = size
    reduction = min(1.0, WORKING_SIZE / max(height, width))
    rows, cols = max(1, math.ceil(height * reduction)), max(1, math.ceil(width * reduction))
    step_x, step_y = width / cols, height / rows
    x0, y0, x1, y1 = patch_map.extent
    working = PatchMap(patch_map.values, (x0 / step_x, y0 / step_y, x1 / step_x, y1 / step_y))
    part = _around(working, threshold, rows, cols)
    if part is None:
        return ()
    scaled = working.upsample(rows, cols, part)
    lit = (scaled >= threshold).astype(np.uint8)
    count, components, statistics, _ = connected(lit)
    patch_area = (
        (x1 - x0) / step_x / patch_map.values.shape[1] * (y1 - y0) / step_y / patch_map.values.shape[0]
    )
    regions: list[Region] = []
    for number in range(1, count):
        left, top, wide, high, area = (int(value) for value in statistics[number])
        if area < min_patches * patch_area:
            continue
        window = np.s_[top : top + high, left : left + wide]
        inside = np.where(components[window] == number, scaled[window], -1.0)
        row, column = np.unravel_index(int(inside.argmax()), inside.shape)
        left, top = left + part[1].start, top + part[0].start
        regions.append(
            Region(
                x=left * step_x,
                y=top * step_y,
                w=wide * step_x,
                h=high * step_y,
                score=float(inside[row, column]),
                peak=((left + column + 0.5) * step_x, (top + row + 0.5) * step_y),
            )
        )
    return tuple(sorted(regions, key=lambda region: -region.score))


def _around(patch_map: PatchMap, threshold: float, rows: int, cols: int) -> tuple[slice, slice] | None:
    """Rows and columns of pixels beyond which none can be lit; None where none is.

    A pixel is a mean of the patches around it, so one of these reaches the threshold, but for rounding.
    """
    bright = patch_map.values >= threshold - ROUNDING
    if not bright.any():
        return None
    ranges = []
    for places, axis in zip(patch_map.places(rows, cols), (1, 0), strict=True):
        patches = np.flatnonzero(bright.any(axis=axis))
        first, last = int(patches[0]), int(patches[-1])
        # Beyond the outermost centres a pixel has the border's value.
        low = -np.inf if first == 0 else first - 1
        high = np.inf if last == bright.shape[1 - axis] - 1 else last + 1
        pixels = np.flatnonzero((places >= low) & (places <= high))
        if pixels.size == 0:
            return None
        ranges.append(slice(int(pixels[0]), int(pixels[-1]) + 1))
    return ranges[0], ranges[1]
