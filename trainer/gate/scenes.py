"""Pictures without a body in them, drawn by a program: documents, screenshots, noise, blanks, plain
shapes."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from patchclip.types import FloatArray
from trainer.gate.canvas import clouds, draw_shape

WORDS = (
    "report invoice total page patient date name table figure method result the of and to in for with by "
    "from "
    "order number"
).split()


def document(rng: np.random.Generator) -> FloatArray:
    """A page of text, now and then with a table or a figure; black on white or white on black."""
    width, height = draw_shape(rng, 0.65, 1.4)
    image = Image.new("L", (width * 3, height * 3), int(rng.integers(225, 256)))
    draw = ImageDraw.Draw(image)
    y = int(rng.integers(8, 60))
    while y < height * 3 - 20:
        size = int(rng.choice([10, 12, 14, 18, 26], p=[0.2, 0.4, 0.2, 0.15, 0.05]))
        words = rng.choice(WORDS, int(rng.integers(2, 16)))
        draw.text(
            (int(rng.integers(10, 50)), y),
            " ".join(map(str, words)),
            fill=int(rng.integers(0, 80)),
            font=ImageFont.load_default(size),
        )
        y += int(size * rng.uniform(1.2, 2.6))
    if rng.random() < 0.5:
        left, top = int(rng.integers(10, width)), int(rng.integers(10, height * 2))
        draw.rectangle(
            (left, top, left + int(rng.integers(80, width * 2)), top + int(rng.integers(60, height))),
            fill=int(rng.integers(60, 230)),
        )
    page = cv2.resize(np.asarray(image, np.float32) / 255, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(1 - page if rng.random() < 0.25 else page, np.float32)


def screenshot(rng: np.random.Generator) -> FloatArray:
    """Panes, bars, buttons and lines of text, dark or light."""
    width, height = draw_shape(rng, 1.2, 1.9)
    dark = rng.random() < 0.5
    image = Image.new(
        "L", (width * 3, height * 3), int(rng.integers(10, 60) if dark else rng.integers(200, 256))
    )
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(4, 14))):
        left, top = int(rng.integers(0, width * 3)), int(rng.integers(0, height * 3))
        shade = int(rng.integers(10, 250))
        draw.rectangle(
            (left, top, left + int(rng.integers(30, width * 2)), top + int(rng.integers(12, height * 2))),
            fill=shade,
        )
        for line in range(int(rng.integers(0, 8))):
            words = " ".join(map(str, rng.choice(WORDS, 4)))
            draw.text(
                (left + 6, top + 4 + 16 * line),
                words,
                fill=(shade + 128) % 256,
                font=ImageFont.load_default(12),
            )
    return cv2.resize(
        np.asarray(image, np.float32) / 255, (width, height), interpolation=cv2.INTER_AREA
    ).astype(np.float32)


def noise(rng: np.random.Generator) -> FloatArray:
    """White noise, clouds of one size, or clouds of all sizes."""
    width, height = draw_shape(rng, 0.6, 1.7)
    kind = rng.integers(3)
    if kind == 0:
        return rng.random((height, width), np.float32)
    if kind == 1:
        return np.asarray(
            np.clip(0.5 + 0.2 * clouds((height, width), rng, rng.uniform(1, 20)), 0, 1), np.float32
        )
    layers = sum(
        clouds((height, width), rng, 2.0**power) * 2.0 ** (power / rng.uniform(1, 3)) for power in range(5)
    )
    layers = np.asarray(layers)
    return np.asarray(np.clip(0.5 + 0.2 * layers / layers.std(), 0, 1), np.float32)


def blank(rng: np.random.Generator) -> FloatArray:
    """Nothing but a faint ramp, dust, a collimator's edge or a marker."""
    width, height = draw_shape(rng, 0.6, 1.7)
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    out = (
        np.full((height, width), rng.uniform(0, 1)) + rng.uniform(-0.1, 0.1) * x + rng.uniform(-0.1, 0.1) * y
    )
    out += rng.normal(0, rng.uniform(0.001, 0.02), out.shape)
    if rng.random() < 0.5:
        out[(x < rng.uniform(0, 0.2)) | (y > 1 - rng.uniform(0, 0.2))] = rng.random()
    if rng.random() < 0.5:
        out[(np.abs(x - rng.random()) < 0.03) & (np.abs(y - rng.random()) < 0.03)] = rng.random()
    return np.asarray(np.clip(out, 0, 1), np.float32)


def shapes(rng: np.random.Generator) -> FloatArray:
    """Everyday scenes reduced to shapes: horizon, blocks, discs and stripes with shading."""
    width, height = draw_shape(rng, 0.6, 1.7)
    out = np.linspace(rng.random(), rng.random(), height, dtype=np.float32)[:, None] * np.ones(
        (1, width), np.float32
    )
    for _ in range(int(rng.integers(3, 25))):
        centre, shade = (int(rng.integers(width)), int(rng.integers(height))), float(rng.random())
        if rng.random() < 0.5:
            axes = (int(rng.integers(3, width // 2)), int(rng.integers(3, height // 2)))
            cv2.ellipse(out, centre, axes, float(rng.uniform(0, 180)), 0, 360, shade, -1, cv2.LINE_AA)
        else:
            cv2.rectangle(out, centre, (int(rng.integers(width)), int(rng.integers(height))), shade, -1)
    return np.asarray(np.clip(out + rng.uniform(0, 0.12) * clouds(out.shape, rng, 2), 0, 1), np.float32)
