"""Fits the gates that travel in a checkpoint: the query gate to its vocabulary, the image gate to training
images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from patchclip.image.gate import ImageGate, gate_features
from patchclip.model.preprocess import model_input
from patchclip.text.encoder import SentenceEncoder
from patchclip.text.scope import QueryGate
from patchclip.text.vocabulary import Vocabulary
from patchclip.types import FloatArray
from trainer.data.loaded import Loaded
from trainer.data.split import hold_out
from trainer.gate.negatives import FAMILIES, negatives
from trainer.gate.variation import varied

MIN_IMAGES = 200  # images below which a share of 1 % cannot be set, and below which a mean might show someone
MAX_IMAGES = 4000  # images that are enough
CHESTS_TO_SPOIL = 500  # images that spoilt ones are made of
GATE_SIZE = 192  # longest side of what is looked at
THRESHOLD_SHARE = 0.3  # share of patients that only set the thresholds
SEED_OFFSET = 1000  # so that these are others than a run with the same seed has held out
PER_FAMILY = 250  # negatives per family
COMPONENTS = 40
REFUSED_SHARE = 0.004  # share of held-out chests that each of the two tests may refuse
STRENGTH = 0.003  # inverse regularisation of the logistic regression
T = TypeVar("T")


def fit_gates(encoder: SentenceEncoder, vocabulary: Vocabulary, images: Sequence[Loaded]) -> dict[str, Any]:
    """Both gates as a checkpoint keeps them; that of images only where there are enough of them, and else a
    notice."""
    gates: dict[str, Any] = {"query": QueryGate.fit(vocabulary, encoder).to_dict()}
    image_gate = fit_image_gate(images)
    if image_gate is None:
        print(f"no image gate: {len(images)} images to learn from, {MIN_IMAGES} are needed")
        return gates
    return gates | {"image": image_gate.to_dict()}


def fit_image_gate(
    items: Sequence[Loaded], seed: int = 0, families: Sequence[str] = FAMILIES, each: int = PER_FAMILY
) -> ImageGate | None:
    """The gate from frontal chest radiographs, or None where there are too few of them.

    Some patients set the thresholds alone: each of the two tests refuses 0.4 % of their images, so both
    together at most 0.8 %.

    Args:
        items: training images; never those that the gate is measured on. 4000 are enough; of more, so many
            are drawn.
        seed: of the drawings and of which patients are held out.
        families: of negatives; fewer of them show how the gate does on pictures of a kind that it was not
            fitted to.
        each: pictures of each family.
    """
    if len(items) < MIN_IMAGES:
        return None
    rng = np.random.default_rng([seed, len(items)])
    items = at_most(items, seed)
    apart = {
        id(sample)
        for sample in hold_out([item.sample for item in items], THRESHOLD_SHARE, seed + SEED_OFFSET)[1]
    }
    fitted = [item for item in items if id(item.sample) not in apart]
    apart_images = [item for item in items if id(item.sample) in apart]
    if not apart_images:
        return None
    spoilt = [content(item) for item in at_most(fitted, seed, CHESTS_TO_SPOIL)]
    return fit_from(
        plain=features(content(item) for item in fitted),
        moved=features(varied(content(item), rng) for item in fitted),
        others=np.concatenate(
            [features(negatives(family, each, seed, spoilt, fitting=True)) for family in families]
        ),
        apart_images=features(content(item) for item in apart_images),
    )


def at_most(items: Sequence[T], seed: int = 0, most: int = MAX_IMAGES) -> list[T]:
    """At most so many of the items, drawn at random, in their order."""
    chosen = np.sort(np.random.default_rng([seed, len(items)]).permutation(len(items))[:most])
    return [items[position] for position in chosen]


def fit_from(plain: FloatArray, moved: FloatArray, others: FloatArray, apart_images: FloatArray) -> ImageGate:
    """From features [N, F]: of chests as they are, of the same slightly moved, of other pictures, and of
    chests that set the thresholds."""
    chests = np.concatenate([plain, moved])
    mean, scale = chests.mean(axis=0), chests.std(axis=0) + 0.05
    standard = np.clip((chests - mean) / scale, -8, 8)
    _, singular, components = np.linalg.svd(standard, full_matrices=False)
    spread = singular[:COMPONENTS] / np.sqrt(len(standard))
    rest = float(
        np.sqrt((singular[COMPONENTS:] ** 2).sum() / len(standard) / (standard.shape[1] - COMPONENTS))
    )
    principal = components[:COMPONENTS]
    unfitted = ImageGate(mean, scale, principal, spread, rest, np.zeros(0, np.float32), 0.0, np.inf, -np.inf)
    both = unfitted.describe(np.concatenate([chests, others]))[1]
    fitted = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=1000).fit(
        both, np.arange(len(both)) < len(chests)
    )
    gate = ImageGate(
        mean,
        scale,
        principal,
        spread,
        rest,
        fitted.coef_[0].astype(np.float32),
        float(fitted.intercept_[0]),
        0.0,
        0.0,
    )
    gate = ImageGate.from_dict(
        gate.to_dict()
    )  # the thresholds are those of the gate as it is stored, in float16
    distance, logit = gate.scores(apart_images)
    return replace(
        gate,
        furthest=float(np.quantile(distance, 1 - REFUSED_SHARE)),
        lowest=float(np.quantile(logit, REFUSED_SHARE)),
    )


def features(pictures: Iterable[FloatArray]) -> FloatArray:
    """Pictures [H, W] in [0, 1] -> float32 [N, F]."""
    return np.stack([gate_features(model_input(picture, GATE_SIZE)[0]) for picture in pictures])


def content(item: Loaded) -> FloatArray:
    """A training image without its padding, at most 192 pixels long, float32 [H, W] in [0, 1]."""
    left, top = round(item.box.pad_x), round(item.box.pad_y)
    height, width = item.image.shape
    inner: NDArray[np.uint8] = item.image[top : height - top, left : width - left]
    shrink = min(1.0, GATE_SIZE / max(inner.shape))
    size = (max(8, round(inner.shape[1] * shrink)), max(8, round(inner.shape[0] * shrink)))
    return np.asarray(cv2.resize(inner, size, interpolation=cv2.INTER_AREA) / np.float32(255), np.float32)
