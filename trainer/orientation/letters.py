"""Trains the network that reads side letters: on drawn ones, and on shapes cut out of real radiographs.

Shapes in the middle of a film are no side letters. After a first round, those that the network takes for a
letter on the wrong side of a film are none either, since nearly all films are displayed the usual way, and
those that it is sure of on the right side are taken as letters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from patchclip.image.orientation.letters import (
    CLASSES,
    GLYPH,
    candidates,
    symmetric_probabilities,
)
from patchclip.types import FloatArray
from trainer.orientation.glyphs import CANVAS, drawn_glyph
from trainer.orientation.network import TrainedNetwork

WIDTHS, STRIDES = (12, 24, 32), (2, 2, 1)
FILMS = 600  # that shapes are cut out of
LEAST_PROBABILITY = 0.95  # from which a letter is taken as read
DRAWN = 12_000  # glyphs, of which NONE_SHARE are no side letters
NONE_SHARE = 0.4
MIDDLE = 0.4  # offset from the middle up to which no shape is a side letter
ROUNDS, WEIGHT = 2, 3  # how often a shape of a film counts that its place tells of
MOST_OF_MIDDLE = 8000  # shapes of the middle of films
EPOCHS = 8  # of a round
BATCH, RATE, DECAY = 128, 3e-3, 0.02
SURE, DOUBTFUL = 0.9, 0.05
"""Probability from which a shape at the right side is taken as a letter, and at the wrong one as none."""
USUAL_SIDE = np.array([0, 1, 1, -1, -1])
"""Of each class, the half of a film in the usual display: 1 is the image's right."""


@dataclass(frozen=True, slots=True)
class FilmShapes:
    """Shapes of many films.

    Attributes:
        glyphs: float32 [N, GLYPH, GLYPH].
        offset: float32 [N], place across the film, from -1 at its left edge to 1.
    """

    glyphs: FloatArray
    offset: FloatArray


@dataclass(frozen=True, slots=True)
class Truth:
    """What a round learns: glyphs and their classes."""

    glyphs: FloatArray
    classes: NDArray[np.int64]


def film_shapes(pictures: Iterable[FloatArray]) -> tuple[FilmShapes, NDArray[np.uint8]]:
    """Shapes of pictures, float32 [H, W] in [0, 1], and grounds, uint8 [M, CANVAS, CANVAS], to draw on."""
    glyphs, offsets, grounds = [], [], []
    for number, picture in enumerate(pictures):
        shapes = candidates(picture, middle=0.0)
        glyphs.append(shapes.glyphs)
        middles = shapes.boxes[:, 0] + shapes.boxes[:, 2] / 2
        offsets.append(2 * middles / shapes.size[1] - 1)
        rng = np.random.default_rng(number)
        top, left = (int(rng.integers(0, max(1, length - CANVAS))) for length in picture.shape)
        ground = np.round(picture[top : top + CANVAS, left : left + CANVAS] * 255).astype(np.uint8)
        if ground.shape == (CANVAS, CANVAS):
            grounds.append(ground)
    return FilmShapes(np.concatenate(glyphs), np.concatenate(offsets).astype(np.float32)), np.stack(grounds)


def train_letters(
    shapes: FilmShapes, grounds: NDArray[np.uint8], seed: int, say: Callable[[str], None]
) -> TrainedNetwork:
    """A network trained in rounds.

    Args:
        shapes: of films in the usual display.
        grounds: uint8 [M, CANVAS, CANVAS], parts of films.
        seed: of all that is drawn.
        say: gets a line per round.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    kinds = np.where(rng.random(DRAWN) < NONE_SHARE, 0, rng.integers(1, len(CLASSES), DRAWN))
    drawn = np.stack([drawn_glyph(int(kind), grounds[rng.integers(len(grounds))], rng) for kind in kinds])
    middle = np.abs(shapes.offset) < MIDDLE
    plain = rng.permutation(np.flatnonzero(middle))[:MOST_OF_MIDDLE]
    glyphs = np.concatenate([drawn, shapes.glyphs[plain]])
    classes = np.concatenate([kinds, np.zeros(len(plain), np.int64)])
    network = TrainedNetwork(GLYPH, WIDTHS, STRIDES, len(CLASSES))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # faster on a CPU
    say(
        f"round 1 of {ROUNDS}: loss {_train(network, Truth(glyphs, classes), rng):.3f}, {len(classes)} glyphs"
    )
    for number in range(2, ROUNDS + 1):
        more = _told_by_place(shapes, probabilities_of(network, shapes.glyphs), middle)
        truth = Truth(
            np.concatenate([glyphs, *[more.glyphs] * WEIGHT]),
            np.concatenate([classes, *[more.classes] * WEIGHT]),
        )
        loss = _train(network, truth, rng)
        say(
            f"round {number} of {ROUNDS}: loss {loss:.3f}, with {int((more.classes > 0).sum())} letters and "
            f"{int((more.classes == 0).sum())} look-alikes of films"
        )
    return network.eval()


def probabilities_of(network: TrainedNetwork, glyphs: FloatArray) -> FloatArray:
    """As `letter_probabilities`, float32 [N, classes]."""
    network.eval()
    with torch.inference_mode():
        parts = [
            [
                network(torch.from_numpy(np.ascontiguousarray(part))[:, None]).numpy()
                for part in (block, block[:, :, ::-1])
            ]
            for block in np.array_split(glyphs, max(1, len(glyphs) // 512))
        ]
    return np.concatenate([symmetric_probabilities(plain, mirrored) for plain, mirrored in parts])


def _told_by_place(shapes: FilmShapes, probabilities: FloatArray, middle: NDArray[np.bool_]) -> Truth:
    """Shapes beside the middle of which the place tells whether the network is right."""
    best = probabilities[:, 1:].argmax(axis=1) + 1
    sure = probabilities[np.arange(len(best)), best]
    usual = USUAL_SIDE[best] == np.sign(shapes.offset)
    letters = ~middle & usual & (sure > SURE)
    alike = ~middle & ~usual & (sure > DOUBTFUL)
    classes = np.concatenate([best[letters], np.zeros(int(alike.sum()), np.int64)])
    return Truth(np.concatenate([shapes.glyphs[letters], shapes.glyphs[alike]]), classes)


def _train(network: TrainedNetwork, truth: Truth, rng: np.random.Generator) -> float:
    """A round; the mean loss of its last pass."""
    network.train()
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps = max(1, len(truth.classes) // BATCH)
    schedule: Any = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=EPOCHS * steps, pct_start=0.2
    )
    mean = 0.0
    for _ in range(EPOCHS):
        order, total = rng.permutation(len(truth.classes)), 0.0
        for step in range(steps):
            chosen = order[step * BATCH : (step + 1) * BATCH]
            logits = network(torch.from_numpy(truth.glyphs[chosen])[:, None])
            loss = F.cross_entropy(logits, torch.from_numpy(truth.classes[chosen]))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        mean = total / steps
    return mean
