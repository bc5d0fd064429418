"""Other body parts and other modalities than the frontal chest radiograph, drawn by a program.

None is meant to deceive a reader: they need the outlines, proportions and grey levels that tell such pictures
from a chest in a thumbnail.
"""

from __future__ import annotations

import math

import numpy as np

from patchclip.types import FloatArray
from trainer.gate.canvas import away, bone, clouds, column, edge, ellipse, exposed, grid, tube, turned


def limb(rng: np.random.Generator) -> FloatArray:
    """One or two long bones across a joint, in any direction, on a dark background."""
    x, y = grid(rng, 0.5, 1.5)
    angle, width = rng.uniform(0, 2 * math.pi), rng.uniform(0.10, 0.26)
    joint = (0.5 + rng.uniform(-0.15, 0.15), 0.5 + rng.uniform(-0.2, 0.2))
    bend = rng.uniform(-0.5, 0.5) if rng.random() < 0.6 else rng.uniform(-1.6, 1.6)
    ends = [away(joint, angle, 1.1), away(joint, angle + math.pi + bend, 1.1)]
    out = np.zeros_like(x)
    for end in ends:
        out = np.maximum(out, 0.35 * tube(x, y, joint, end, width, width * rng.uniform(0.7, 1.2)))
    pair = rng.random() < 0.5
    for number, end in enumerate(ends):
        offsets = (-0.35, 0.35) if pair and number else (0.0,)
        for offset in offsets:
            normal = math.atan2(end[1] - joint[1], end[0] - joint[0]) + math.pi / 2
            start, stop = (
                away(away(joint, normal, offset * width), normal - math.pi / 2, 0.04),
                away(end, normal, offset * width),
            )
            radius = width * (0.25 if len(offsets) == 2 else 0.38)
            knob = away(start, normal - math.pi / 2, radius)
            out += 0.4 * bone(x, y, start, stop, radius) + 0.25 * tube(
                x, y, start, knob, radius * 1.7, radius * 1.1
            )
    return exposed(out, rng)


def hand(rng: np.random.Generator) -> FloatArray:
    """A palm and five fingers with their bones, or the toes of a foot, turned any way."""
    x, y = turned(*grid(rng, 0.7, 1.4), rng.uniform(-0.5, 0.5) + rng.integers(4) * math.pi / 2)
    out = 0.32 * tube(x, y, (0.5, 0.62), (0.5, 1.3), rng.uniform(0.16, 0.24), 0.14)
    spread = rng.uniform(0.05, 0.28)
    for number in range(5):
        angle = -math.pi / 2 + (number - 2) * spread + rng.normal(0, 0.03)
        root = (0.5 + (number - 2) * 0.075, 0.60 + 0.02 * abs(number - 2))
        length = 0.42 - 0.035 * abs(number - 2) - (0.08 if number == 0 else 0)
        tip = away(root, angle, length)
        out = np.maximum(out, 0.27 * tube(x, y, root, tip, 0.055, 0.04))
        for first, last in ((-0.45, -0.04), (0.0, 0.42), (0.46, 0.70), (0.74, 0.95)):
            out += 0.3 * bone(
                x, y, away(root, angle, first * length), away(root, angle, last * length), 0.022
            )
    for _ in range(7):
        centre = (0.5 + rng.uniform(-0.1, 0.1), 0.85 + rng.uniform(-0.05, 0.05))
        out += 0.18 * tube(x, y, centre, centre, 0.05, 0.05)
    out += 0.35 * bone(x, y, (0.45, 0.93), (0.45, 1.4), 0.05) + 0.3 * bone(
        x, y, (0.57, 0.95), (0.57, 1.4), 0.04
    )
    return exposed(out, rng)


def lateral_chest(rng: np.random.Generator) -> FloatArray:
    """A chest from the side: clear spaces before and behind the heart, spine at the back, shoulders above,
    domes below."""
    x, y = grid(rng, 0.7, 1.2)
    if rng.random() < 0.5:
        x = 1 - x
    lean, depth = rng.uniform(-0.12, 0.12), rng.uniform(0.30, 0.60)
    x = np.asarray(x - lean * (y - 0.5) - rng.uniform(-0.06, 0.06), np.float32)
    body = edge(1 - np.abs((x - 0.5) / (depth * (0.8 + 0.3 * np.clip(y, 0, 1)))) ** 3)
    if rng.random() < 0.6:
        body = body * edge((y - rng.uniform(-0.1, 0.08)) * 3)
    front, back = 0.5 - depth * rng.uniform(0.62, 0.8), 0.5 + depth * rng.uniform(0.6, 0.82)
    dome = (
        rng.uniform(0.68, 0.82)
        + rng.uniform(0.05, 0.2) * (x - 0.4)
        - 0.10 * np.exp(-(((x - rng.uniform(0.35, 0.5)) / 0.2) ** 2))
    )
    top = rng.uniform(0.05, 0.2)
    narrow = 0.5 * np.exp(-np.clip(y - top, 0, 1) / rng.uniform(0.08, 0.2))
    lungs = (
        edge((x - front - narrow * 0.5) * 5)
        * edge((back - narrow * 0.2 - x) * 5)
        * edge((dome - y) * 5)
        * edge((y - top) * 5)
    )
    heart = ellipse(
        x,
        y,
        (front + depth * rng.uniform(0.35, 0.6), dome_of(dome) - 0.13),
        (depth * rng.uniform(0.35, 0.5), 0.16),
        -0.6,
    )
    out = (
        rng.uniform(0.5, 0.7) * body
        - rng.uniform(0.25, 0.48) * lungs
        + rng.uniform(0.15, 0.35) * heart * lungs
    )
    out += 0.12 * ellipse(x, y, (0.5, 0.42), (0.09, 0.08), 0.0) * lungs + 0.10 * edge((y - dome) * 8) * body
    bend = rng.uniform(0.03, 0.10) * np.sin((y - 0.15) * rng.uniform(2, 3.5))
    spine_at = 0.5 + depth * rng.uniform(0.40, 0.62) + bend
    bodies = 0.08 + 0.10 * (np.sin(y * 2 * math.pi * rng.uniform(10, 16)) > -0.3)
    out += body * np.exp(-(((x - spine_at) / rng.uniform(0.045, 0.08)) ** 4)) * bodies * rng.uniform(0.5, 1.5)
    out += (
        0.12
        * np.exp(-(((x - front + 0.02 - 0.08 * (y - 0.5)) / 0.02) ** 2))
        * edge((y - 0.2) * 6)
        * edge((0.62 - y) * 6)
    )
    out -= 0.12 * np.exp(-(((x - 0.5 - 0.1 * y) / 0.022) ** 2)) * edge((0.4 - y) * 8) * body
    for _ in range(2):
        end = (0.5 + rng.uniform(-0.4, 0.3), rng.uniform(0.05, 0.3))
        out += rng.uniform(0.05, 0.25) * tube(x, y, (0.5 + rng.uniform(-0.3, 0.2), -0.15), end, 0.18, 0.10)
    slope, first = rng.uniform(0.1, 0.45), rng.uniform(0.1, 0.2)
    for number in range(9):
        arc = first + 0.07 * number + slope * (0.75 - x) + 0.04 * np.sin(x * 5)
        out += (
            rng.uniform(0.02, 0.06)
            * body
            * np.exp(-(((y - arc) / 0.012) ** 4))
            * (x < back + 0.05)
            * (x > front)
        )
    if rng.random() < 0.5:
        out -= 0.2 * ellipse(x, y, (0.55 + rng.uniform(-0.1, 0.1), dome_of(dome) + 0.07), (0.09, 0.05), 0.2)
    return exposed(out + 0.03 * clouds(out.shape, rng, 3) * lungs, rng)


def dome_of(dome: FloatArray) -> float:
    """How high the diaphragm stands in the middle of the picture."""
    return float(np.median(dome))


def abdomen(rng: np.random.Generator) -> FloatArray:
    """A trunk that fills the frame, spine in its middle, gas in the bowel, iliac wings below."""
    x, y = grid(rng, 0.75, 1.25)
    out = 0.52 * edge(1 - np.abs((x - 0.5) / rng.uniform(0.42, 0.56)) ** 5) + 0 * y
    for _ in range(rng.integers(5, 14)):
        centre = (rng.uniform(0.12, 0.88), rng.uniform(0.15, 0.85))
        size = (rng.uniform(0.03, 0.11), rng.uniform(0.02, 0.06))
        out -= rng.uniform(0.08, 0.26) * ellipse(x, y, centre, size, rng.uniform(-1.5, 1.5))
    out += 0.10 * ellipse(x, y, (0.27, 0.22), (0.26, 0.20), 0.3)
    out += column(x, y, rng, 0.05, 0.22)
    brim = rng.uniform(0.68, 0.95)
    for way in (-1, 1):
        out += 0.22 * ellipse(x, y, (0.5 + way * 0.26, brim + 0.1), (0.19, 0.12), way * 0.9)
        for number in range(3):
            arc = 0.02 + 0.06 * number + 0.5 * (x - 0.5) * way
            out += 0.06 * np.exp(-(((y - arc) / 0.014) ** 4)) * ((x - 0.5) * way > 0.08)
    return exposed(out, rng)


def pelvis(rng: np.random.Generator) -> FloatArray:
    """Iliac wings, sacrum, hips and thighs."""
    x, y = grid(rng, 1.0, 1.5)
    out = 0.40 * edge(1 - np.abs((x - 0.5) / 0.52) ** 6) + 0 * y
    top = rng.uniform(0.18, 0.38)
    out += 0.25 * ellipse(x, y, (0.5, top + 0.12), (0.10, 0.18), 0.0)
    for way in (-1, 1):
        out += 0.25 * ellipse(x, y, (0.5 + way * 0.24, top + 0.08), (0.20, 0.13), way * 1.0)
        ring = np.hypot(x - 0.5 - way * 0.12, (y - top - 0.45) * 0.8) - 0.10
        out += 0.20 * np.exp(-((ring / 0.03) ** 2))
        hip = (0.5 + way * 0.27, top + 0.36)
        out += 0.35 * ellipse(x, y, hip, (0.065, 0.065), 0.0)
        out += 0.40 * bone(x, y, (hip[0] + way * 0.07, hip[1] + 0.06), (hip[0] + way * 0.05, 1.3), 0.055)
    return exposed(out + column(x, y, rng, 0.055, 0.2) * (y < top + 0.05), rng)


def skull(rng: np.random.Generator) -> FloatArray:
    """A bright ring, orbits or a face to one side, and a jaw."""
    x, y = turned(*grid(rng, 0.75, 1.1), rng.uniform(-0.3, 0.3))
    centre, size = (0.5, 0.42), (rng.uniform(0.30, 0.40), rng.uniform(0.30, 0.36))
    inside = ellipse(x, y, centre, size, 0.0)
    distance = np.hypot((x - centre[0]) / size[0], (y - centre[1]) / size[1])
    out = 0.42 * inside + 0.35 * np.exp(-(((distance - 0.96) / 0.06) ** 2))
    if rng.random() < 0.5:
        for way in (-1, 1):
            out -= 0.14 * ellipse(x, y, (0.5 + way * 0.14, 0.56), (0.08, 0.06), 0.0)
        out += 0.30 * ellipse(x, y, (0.5, 0.78), (0.22, 0.14), 0.0)
    else:
        way = 1 if rng.random() < 0.5 else -1
        out += 0.35 * ellipse(x, y, (0.5 + way * 0.20, 0.75), (0.17, 0.13), way * 0.4) + 0.25 * ellipse(
            x, y, (0.5, 0.60), (0.25, 0.05), 0.2
        )
    out += 0.22 * tube(x, y, (0.5, 0.8), (0.5, 1.3), 0.15, 0.18) + column(x, y, rng, 0.05, 0.15) * (y > 0.75)
    return exposed(out, rng)


def spine(rng: np.random.Generator) -> FloatArray:
    """A column of vertebrae in soft tissue, narrow or wide."""
    x, y = turned(*grid(rng, 0.35, 0.9), rng.uniform(-0.15, 0.15))
    out = 0.38 + 0.1 * edge(1 - np.abs((x - 0.5) / rng.uniform(0.3, 0.6)) ** 3) + 0 * y
    for _ in range(rng.integers(0, 6)):
        out -= 0.12 * ellipse(x, y, (rng.uniform(0, 1), rng.uniform(0, 1)), (0.10, 0.06), rng.uniform(-1, 1))
    return exposed(out + column(x, y, rng, rng.uniform(0.06, 0.14), 0.35), rng)


def ct_slice(rng: np.random.Generator) -> FloatArray:
    """An axial slice: an ellipse in black air, with lungs and heart, or organs, and vertebra and table."""
    x, y = turned(*grid(rng, 1.0, 1.0), rng.normal(0, 0.05))
    wide, high = rng.uniform(0.34, 0.48), rng.uniform(0.24, 0.36)
    body = ellipse(x, y, (0.5, 0.5), (wide, high), 0.0, sharp=20)
    out = rng.uniform(0.4, 0.6) * body + 0.1 * (
        body - ellipse(x, y, (0.5, 0.5), (wide * 0.9, high * 0.9), 0.0, sharp=20)
    )
    if rng.random() < 0.5:
        for way in (-1, 1):
            out -= 0.42 * ellipse(
                x, y, (0.5 + way * wide * 0.5, 0.5), (wide * 0.36, high * 0.7), way * 0.15, sharp=14
            )
        out += 0.1 * ellipse(x, y, (0.54, 0.44), (wide * 0.3, high * 0.4), 0.4, sharp=14)
    else:
        for _ in range(6):
            centre = (0.5 + rng.uniform(-0.7, 0.7) * wide, 0.5 + rng.uniform(-0.6, 0.6) * high)
            out += (
                rng.uniform(-0.2, 0.2)
                * ellipse(
                    x, y, centre, (rng.uniform(0.04, 0.14), rng.uniform(0.04, 0.1)), rng.uniform(-1, 1), 14
                )
                * body
            )
    out += 0.4 * ellipse(x, y, (0.5, 0.5 + 0.62 * high), (0.05, 0.045), 0.0, sharp=14)
    out += 0.3 * (np.abs(y - (0.5 + high * 1.12 + 0.25 * (x - 0.5) ** 2)) < 0.008)
    return exposed(out, rng)


def brain(rng: np.random.Generator) -> FloatArray:
    """A slice through a head: scalp, cortex, ventricles, in black air."""
    x, y = grid(rng, 0.8, 1.1)
    wide, high = rng.uniform(0.28, 0.42), rng.uniform(0.33, 0.45)
    out = 0.7 * ellipse(x, y, (0.5, 0.5), (wide, high), 0.0, 20) - 0.6 * ellipse(
        x, y, (0.5, 0.5), (wide * 0.93, high * 0.94), 0.0, 20
    )
    inner = ellipse(x, y, (0.5, 0.5), (wide * 0.86, high * 0.88), 0.0, 20)
    out += inner * (0.40 + 0.12 * clouds(x.shape, rng, 5))
    for way in (-1, 1):
        out -= 0.3 * ellipse(x, y, (0.5 + way * 0.06, 0.48), (0.03, 0.12), way * 0.3, 14)
    return exposed(out, rng)


def ultrasound(rng: np.random.Generator) -> FloatArray:
    """A fan of speckle on black."""
    x, y = grid(rng, 1.0, 1.4)
    far, angle = np.hypot(x - 0.5, y + 0.12), np.arctan2(x - 0.5, y + 0.12)
    fan = (
        (far > rng.uniform(0.14, 0.24))
        & (far < rng.uniform(0.85, 1.05))
        & (np.abs(angle) < rng.uniform(0.45, 0.85))
    )
    echo = np.clip(0.35 + 0.3 * clouds(x.shape, rng, rng.uniform(4, 18)), 0.02, 1) * rng.rayleigh(
        0.8, x.shape
    )
    return np.asarray(np.clip(fan * echo * np.exp(-rng.uniform(0, 1.2) * far), 0, 1), np.float32)


def mammogram(rng: np.random.Generator) -> FloatArray:
    """A half ellipse of mottled tissue at one edge."""
    x, y = grid(rng, 0.65, 0.9)
    if rng.random() < 0.5:
        x = 1 - x
    breast = ellipse(x, y, (0.0, 0.52), (rng.uniform(0.5, 0.85), rng.uniform(0.32, 0.45)), 0.0, 14)
    out = breast * np.clip(
        0.4 + 0.16 * clouds(x.shape, rng, 10) + 0.3 * ellipse(x, y, (0.25, 0.5), (0.25, 0.2), 0.0), 0, 1
    )
    return exposed(out + 0.4 * edge((0.3 - x - 0.8 * y) * 5) * (rng.random() < 0.5), rng)
