"""What the drawings of the image gate are made of: a canvas, ellipses, tubes and bones that add up like
attenuation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from scipy.special import expit

from patchclip.types import FloatArray

CANVAS_SIZE = 176  # longest side of a drawing
Point = tuple[float, float]


def clouds(shape: Sequence[int], rng: np.random.Generator, scale: float) -> FloatArray:
    """Smooth noise [H, W] of unit standard deviation."""
    values = cv2.GaussianBlur(rng.normal(size=tuple(shape)).astype(np.float32), (0, 0), scale)
    return np.asarray(values / max(float(values.std()), 1e-6), np.float32)


def draw_shape(rng: np.random.Generator, narrowest: float, widest: float) -> tuple[int, int]:
    """(width, height) with a ratio drawn between the two."""
    ratio = rng.uniform(narrowest, widest)
    return (
        (CANVAS_SIZE, max(8, round(CANVAS_SIZE / ratio)))
        if ratio > 1
        else (max(8, round(CANVAS_SIZE * ratio)), CANVAS_SIZE)
    )


def grid(rng: np.random.Generator, narrowest: float, widest: float) -> tuple[FloatArray, FloatArray]:
    """Coordinates of pixel centres; the shorter side runs from 0 to 1 about the middle, the longer one
    further."""
    width, height = draw_shape(rng, narrowest, widest)
    scale = 1 / CANVAS_SIZE
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) * scale + 0.5
    y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) * scale + 0.5
    xx, yy = np.meshgrid(x, y)
    zoom = rng.uniform(0.85, 1.2)
    return np.asarray((xx - 0.5) * zoom + 0.5, np.float32), np.asarray((yy - 0.5) * zoom + 0.5, np.float32)


def turned(x: FloatArray, y: FloatArray, angle: float) -> tuple[FloatArray, FloatArray]:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(0.5 + cos * (x - 0.5) - sin * (y - 0.5)), np.asarray(
        0.5 + sin * (x - 0.5) + cos * (y - 0.5)
    )


def away(point: Point, angle: float, length: float) -> Point:
    return point[0] + length * math.cos(angle), point[1] + length * math.sin(angle)


def edge(signed: FloatArray) -> FloatArray:
    """0 outside, 1 inside, soft."""
    return np.asarray(expit(signed * 12), np.float32)


def ellipse(
    x: FloatArray, y: FloatArray, centre: Point, size: Point, angle: float, sharp: float = 7
) -> FloatArray:
    cos, sin = math.cos(angle), math.sin(angle)
    u, v = cos * (x - centre[0]) + sin * (y - centre[1]), -sin * (x - centre[0]) + cos * (y - centre[1])
    return np.asarray(expit((1 - np.hypot(u / size[0], v / size[1])) * sharp), np.float32)


def tube(x: FloatArray, y: FloatArray, start: Point, stop: Point, first: float, last: float) -> FloatArray:
    """Thickness in [0, 1] of a round limb between two points, tapering from one radius to the other."""
    across, radius = _across(x, y, start, stop, first, last)
    return np.asarray(np.sqrt(np.clip(1 - (across / radius) ** 2, 0, 1)), np.float32)


def bone(x: FloatArray, y: FloatArray, start: Point, stop: Point, radius: float) -> FloatArray:
    """A tube that is brightest at its edges, as cortex is."""
    across, wide = _across(x, y, start, stop, radius, radius * 0.85)
    ratio = across / wide
    return np.asarray(np.where(ratio < 1, 0.55 + 0.45 * np.exp(-(((ratio - 0.8) / 0.2) ** 2)), 0), np.float32)


def _across(
    x: FloatArray, y: FloatArray, start: Point, stop: Point, first: float, last: float
) -> tuple[FloatArray, FloatArray]:
    dx, dy = stop[0] - start[0], stop[1] - start[1]
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / max(dx * dx + dy * dy, 1e-9), 0, 1)
    across = np.hypot(x - start[0] - along * dx, y - start[1] - along * dy)
    return np.asarray(across, np.float32), np.asarray(first + along * (last - first), np.float32)


def column(x: FloatArray, y: FloatArray, rng: np.random.Generator, half: float, density: float) -> FloatArray:
    """Vertebral bodies with discs between them, down the middle."""
    bend = 0.5 + rng.uniform(-0.03, 0.03) + rng.uniform(-0.04, 0.04) * np.sin((y - 0.2) * 4)
    bodies = 0.5 + 0.5 * (np.sin(y * 2 * math.pi * rng.uniform(0.45, 0.7) / half / 2.2) > -0.5)
    return np.asarray(density * np.exp(-(((x - bend) / half) ** 6)) * bodies, np.float32)


def exposed(out: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Scatter, grain, and an exposure of its own."""
    out = np.asarray(cv2.GaussianBlur(out.astype(np.float32), (0, 0), rng.uniform(0.5, 1.6)), np.float32)
    out += rng.uniform(0, 0.03) * clouds(out.shape, rng, 12) + rng.normal(
        0, rng.uniform(0.003, 0.02), out.shape
    )
    out = np.clip(out * rng.uniform(0.8, 1.4) + rng.uniform(0, 0.06), 0, 1)
    return np.asarray(out ** rng.uniform(0.6, 1.6), np.float32)
