"""Trains the network that tells at which side the heart lies, and sets the threshold from which it speaks.

Radiographs are their own labels: half of them are mirrored. So that the network looks at the anatomy, not at
letters that radiographers put beside it, bright and dark patches, letters and edges are painted over every
picture at random, whichever way it is turned. Pictures that lie on their side or stand on their head have no
answer: their label is one half.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import binomtest
from torch.nn import functional as F

from patchclip.image.orientation.heart import SIZE, chest_square, standardised
from patchclip.types import FloatArray
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample
from trainer.data.split import hold_out
from trainer.orientation.network import TrainedNetwork

WIDTHS, STRIDES, FIRST = (8, 16, 32, 32, 48, 48), (2, 2, 2, 1, 2, 1), 5
LOADED = 256  # pixels of a picture's longer side as it is read
LARGER = 128  # pixels of the square that pictures are cut out of
BATCH, EPOCHS = 64, 16
FOLDS = 3  # of the cross-validation
RATE, DECAY = 3e-3, 0.05  # of AdamW
TURNED = 0.08  # share of pictures that lie or stand on their head
HELD_OUT, SEED = 0.15, 0
"""Share of each source's patients that nothing is trained on, and the seed that draws them."""
MOST_FALSE = 0.005  # upper limit of the 95 % interval of false alarms
LETTERS = "LRDGAPIEXTS1"

Squares = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """What was found on images whose patients were not trained on.

    Attributes:
        evidence: float32 [N], as of `left_evidence`, of images as they are, whose heart lies at the right.
        threshold: evidence from which the network speaks.
        false: how many images are called mirrored.
        told: how many are called usual, which is also how many would be told if all were mirrored.
    """

    evidence: FloatArray
    threshold: float
    false: int
    told: int


def squares_of(items: Sequence[Loaded]) -> Squares:
    """uint8 [N, LARGER, LARGER]: the exposed field of each image."""
    squares = []
    for item in items:
        left, top = round(item.box.pad_x), round(item.box.pad_y)
        height, width = item.image.shape
        inner = item.image[top : height - top, left : width - left].astype(np.float32) / np.float32(255)
        squares.append(np.round(chest_square(inner, size=LARGER) * 255).astype(np.uint8))
    return np.stack(squares)


def train_heart(squares: Squares, epochs: int, seed: int, say: Callable[[str], None]) -> TrainedNetwork:
    """A network trained on squares of images whose heart lies at the right.

    Args:
        squares: uint8 [N, LARGER, LARGER].
        epochs: passes over them.
        seed: of all that is drawn.
        say: gets a line now and then.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = TrainedNetwork(SIZE, WIDTHS, STRIDES, 1, FIRST)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a third faster on a CPU
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    steps = max(1, len(squares) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * steps, pct_start=0.2)
    network.train()
    for epoch in range(epochs):
        order, total = rng.permutation(len(squares)), 0.0
        for step in range(steps):
            pictures, labels = _batch(squares[order[step * BATCH : (step + 1) * BATCH]], rng)
            loss = F.binary_cross_entropy_with_logits(network(pictures)[:, 0], labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        if epoch % 4 == 3 or epoch == epochs - 1:
            say(f"pass {epoch + 1} of {epochs}: loss {total / steps:.3f}")
    return network.eval()


def evidence_of(network: TrainedNetwork, squares: Squares) -> FloatArray:
    """As `left_evidence` of each square: float32 [N]."""
    evidence = []
    with torch.inference_mode():
        for square in squares:
            sized = cv2.resize(square.astype(np.float32) / 255, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
            picture = torch.from_numpy(standardised(np.asarray(sized, np.float32)))[None, None]
            logits = network(torch.cat([picture, picture.flip(-1)]))[:, 0]
            evidence.append(float(logits[0] - logits[1]) / 2)
    return np.array(evidence, np.float32)


def cross_validate(
    samples: Sequence[Sample], squares: Squares, folds: int, epochs: int, say: Callable[[str], None]
) -> CrossValidation:
    """Evidence of every image from a network that no image of its patient was trained on, and a threshold.

    Args:
        samples: of the images, for their patients.
        squares: uint8 [N, LARGER, LARGER], in the same order.
        folds: parts that the patients fall into.
        epochs: as of `train_heart`.
        say: as there.
    """
    evidence = np.full(len(samples), np.nan, np.float32)
    for fold in range(folds):
        _, apart = hold_out(samples, 1 / folds, SEED + 1, fold / folds)
        tested = np.isin([id(sample) for sample in samples], [id(sample) for sample in apart])
        say(f"fold {fold + 1} of {folds}: {(~tested).sum()} images to train on, {tested.sum()} apart")
        network = train_heart(squares[~tested], epochs, SEED + fold, say)
        evidence[tested] = evidence_of(network, squares[tested])
    evidence = evidence[~np.isnan(evidence)]
    threshold = threshold_for(evidence)
    return CrossValidation(
        evidence, threshold, int((evidence > threshold).sum()), int((evidence < -threshold).sum())
    )


def threshold_for(evidence: FloatArray, most: float = MOST_FALSE) -> float:
    """The least threshold at which few enough images are called mirrored that are not.

    The upper end of the exact 95 % interval (Clopper and Pearson 1934) of their share lies below `most`.

    Args:
        evidence: float32 [N], of images as they are; each above the threshold is a false alarm.
        most: share.

    Raises:
        ValueError: so few images that none may be false.
    """
    count, false = len(evidence), -1
    while false < count and binomtest(false + 1, count).proportion_ci(0.95, "exact").high < most:
        false += 1
    if false < 0:
        raise ValueError(f"{count} images are too few to set a threshold")
    return max(0.0, float(np.sort(evidence)[::-1][min(false, count - 1)]))


def _batch(squares: Squares, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures [N, 1, SIZE, SIZE], and 1 where they are mirrored, one half where they are turned."""
    pictures, labels = [], []
    for square in squares:
        mirrored = float(rng.random() < 0.5)
        picture = square[:, ::-1] if mirrored else square
        if rng.random() < TURNED:
            picture, mirrored = np.rot90(picture, int(rng.integers(1, 4))), 0.5
        pictures.append(standardised(_painted(_varied(np.ascontiguousarray(picture), rng), rng)))
        labels.append(mirrored)
    return torch.from_numpy(np.stack(pictures))[:, None], torch.tensor(labels)


def _varied(square: Squares, rng: np.random.Generator) -> FloatArray:
    """As another radiographer and another machine might have taken it: [SIZE, SIZE] in [0, 1]."""
    zoom = rng.uniform(0.85, 1.15) * SIZE / LARGER
    turn = cv2.getRotationMatrix2D((LARGER / 2, LARGER / 2), rng.uniform(-10, 10), zoom)
    turn *= np.array([[rng.uniform(0.93, 1.07)], [rng.uniform(0.93, 1.07)]])
    centre = turn @ np.array([LARGER / 2, LARGER / 2, 1])
    turn[:, 2] += SIZE / 2 - centre + rng.uniform(-8, 8, 2)
    border = cv2.BORDER_CONSTANT if rng.random() < 0.7 else cv2.BORDER_REPLICATE
    moved = cv2.warpAffine(
        square,
        turn,
        (SIZE, SIZE),
        flags=cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=float(rng.choice([0, 0, 128, 255])),
    )
    picture = (moved / np.float32(255)) ** np.float32(np.exp(rng.uniform(-0.5, 0.5)))
    if rng.random() < 0.5:
        picture = picture + rng.normal(0, 0.03, picture.shape)
    if rng.random() < 0.3:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 1.2)))
    return np.asarray(picture, np.float32)


def _painted(picture: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Patches, letters and edges painted over it, where letters may stand and where they do not."""
    for _ in range(rng.integers(0, 5)):
        height, width = rng.integers(2, 12, 2)
        top, left = rng.integers(0, SIZE - height), rng.integers(0, SIZE - width)
        picture[top : top + height, left : left + width] = rng.choice([0, 1, rng.random()])
    for _ in range(rng.integers(0, 3)):
        ink = np.zeros((SIZE, SIZE), np.uint8)
        place = int(rng.integers(0, SIZE - 8)), int(rng.integers(8, SIZE))
        letter, height = LETTERS[rng.integers(len(LETTERS))], float(rng.uniform(0.15, 0.4))
        cv2.putText(ink, letter, place, cv2.FONT_HERSHEY_SIMPLEX, height, 255, 1, cv2.LINE_AA)
        picture = np.maximum(picture, ink * np.float32(rng.uniform(0.7, 1) / 255))
    if rng.random() < 0.5:
        top, bottom, left, right = rng.integers(0, 13, 4)
        grey = rng.choice([0, 1, float(picture.mean())])
        picture[:top] = picture[SIZE - bottom :] = grey
        picture[:, :left] = picture[:, SIZE - right :] = grey
    return picture
