"""Anatomy-preserving augmentation of image and outlines together; every draw is a function of its seed
alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.config import AugmentConfig


def draw_matrix(config: AugmentConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random affine map of the unit square onto itself about its centre, [2, 3]; a mirror image as often as
    the recipe says."""
    angle = np.deg2rad(rng.uniform(-config.rotation, config.rotation))
    zoom = np.exp(rng.uniform(np.log(config.zoom[0]), np.log(config.zoom[1])))
    stretch = np.exp(rng.uniform(-config.stretch, config.stretch) / 2)
    linear = (
        zoom
        * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        @ np.diag([stretch, 1 / stretch])
    )
    shift = rng.uniform(-config.shift, config.shift, size=2)
    if config.mirror > 0 and rng.random() < config.mirror:
        linear = linear @ np.diag([-1.0, 1.0])
    centre = np.array([0.5, 0.5])
    return np.column_stack([linear, centre + shift - linear @ centre])


IDENTITY: NDArray[np.float64] = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def warp_image(image: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """Resamples a square uint8 image through a unit-square map into float32 [size, size] in [0, 1]; outside
    is 0."""
    source = image.shape[0]
    # Pixel centres: unit = (pixel + 0.5) / size on both ends of the map.
    full = np.vstack([matrix, [0, 0, 1]])
    to_unit = np.array([[1 / source, 0, 0.5 / source], [0, 1 / source, 0.5 / source], [0, 0, 1]])
    from_unit = np.array([[size, 0, -0.5], [0, size, -0.5], [0, 0, 1]], dtype=np.float64)
    pixels = (from_unit @ full @ to_unit)[:2]
    warped = cv2.warpAffine(
        image, pixels, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
    return warped.astype(np.float32) / 255.0


def warp_points(points: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """[N, 2] in unit coordinates through the map."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def vary_grey(
    image: NDArray[np.float32], config: AugmentConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Exposure, contrast, noise and sharpness of another machine: float32 [S, S] in [0, 1] -> the same."""
    out = np.power(image, np.exp(rng.normal(0, config.gamma)), dtype=np.float32)
    gain = 1 + rng.uniform(-config.contrast, config.contrast)
    out = (out - 0.5) * gain + 0.5 + rng.uniform(-config.contrast, config.contrast) / 2
    if rng.random() < config.blur:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.2))
    # OpenCV's generator is several times faster than NumPy's; its state belongs to the thread, and every
    # image seeds it anew.
    cv2.setRNGSeed(int(rng.integers(2**31)))
    noise = np.empty(out.shape, np.float32)
    cv2.randn(noise, np.zeros(1), rng.uniform(0, config.noise, size=1))
    out = out + noise
    clipped = np.clip(out, 0, 1).astype(np.float32)
    clipped[image == 0] = 0  # padding and collimation stay black, as they are at inference
    return clipped
