"""What is known of one image on the patch grid, and how far each part of it is trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.batches.synthetic_lesions import Implant
from trainer.batches.targets import IGNORED, NEGATIVE, coverage, patch_targets
from trainer.config import DataConfig
from trainer.data.loaded import Loaded
from trainer.data.sample import Shape
from trainer.data.states import absent

FRAME = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
Polygon = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Truth:
    """Targets and weights of K findings on a grid of P = R x C patches.

    Attributes:
        inside: bool [R, C], patches that lie in the image.
        image_targets: int8 [K], 1 present, 0 absent, -1 unknown.
        image_weights: float64 [K], trust in that target.
        patch_targets: int8 [P, K], 1 / 0 / -1 (ignored).
        negative_weights: float64 [K], trust in the negative patches.
        positive_weights: float32 [P, K], trust in each positive patch; arbitrary elsewhere.
        mined: bool [K], whether the image target rests on labels mined from a report alone.
    """

    inside: NDArray[np.bool_]
    image_targets: NDArray[np.int8]
    image_weights: NDArray[np.float64]
    patch_targets: NDArray[np.int8]
    negative_weights: NDArray[np.float64]
    positive_weights: NDArray[np.float32]
    mined: NDArray[np.bool_]


def truth_of(
    item: Loaded,
    labels: Sequence[str],
    states: NDArray[np.int8],
    weights: NDArray[np.float64],
    on_grid: Callable[[Polygon], Polygon],
    grid: int,
    config: DataConfig,
    drawn: Implant | None = None,
) -> Truth:
    """The truth of an image under an augmentation.

    A finding is weighed by the share of the readers who saw it, each outline's patches by its own. An unknown
    finding with doubtful outlines is absent from all patches that they do not touch, and one whose place
    nobody knows from those that a denied region covers.

    Args:
        item: the image.
        labels: the findings.
        states: [K], see `trainer.data.states.state_table`.
        weights: [K], what the image weighs for each finding beside that trust.
        on_grid: corners as shares of the square image -> the same in patches of the augmented one.
        grid: patches along one edge.
        config: of the recipe.
        drawn: a synthetic lesion on it, which `states` knows of.
    """
    inside = patch_targets([on_grid(item.placed(FRAME))], grid, grid, tau=0.5) == 1
    outlines = _by_label(item, item.sample.shapes, on_grid)
    if drawn is not None:
        outlines[drawn.label] = [(on_grid(drawn.outline), 1.0)]

    targets = np.full((len(labels), grid, grid), IGNORED, np.int8)
    targets[absent(states)] = NEGATIVE
    positive_weights = np.ones((len(labels), grid, grid), np.float32)
    image_weights = np.where(states == 2, config.not_mentioned_weight, 1.0)
    for label, drawings in outlines.items():
        k = labels.index(label)
        targets[k] = patch_targets([polygon for polygon, _ in drawings], grid, grid, config.tau)
        agreements = np.array([agreement for _, agreement in drawings]) ** config.reader_power
        image_weights[k] *= agreements.max()
        positive_weights[k] = _agreement_map([polygon for polygon, _ in drawings], agreements, grid)

    for label, drawings in _by_label(item, item.sample.doubtful, on_grid).items():
        k = labels.index(label)
        if states[k] == -1:
            targets[k] = NEGATIVE
        touched = coverage([polygon for polygon, _ in drawings], grid, grid) > 0
        targets[k][touched & (targets[k] == NEGATIVE)] = IGNORED

    for label, drawings in _by_label(item, item.sample.denied, on_grid).items():
        k = labels.index(label)
        covered = coverage([polygon for polygon, _ in drawings], grid, grid) >= config.tau
        targets[k][covered & (targets[k] == IGNORED)] = NEGATIVE

    targets[:, ~inside] = IGNORED
    positive_weights *= weights[:, None, None].astype(np.float32)
    return Truth(
        inside,
        np.where(states == 2, 0, states).astype(np.int8),
        weights * image_weights,
        targets.reshape(len(labels), -1).T,
        weights * np.where(states == 2, config.not_mentioned_patch_weight, 1.0),
        positive_weights.reshape(len(labels), -1).T,
        np.array([label in item.sample.mined and label not in outlines for label in labels]),
    )


def _by_label(
    item: Loaded, shapes: Sequence[Shape], on_grid: Callable[[Polygon], Polygon]
) -> dict[str, list[tuple[Polygon, float]]]:
    """Finding -> its outlines on the grid, and the share of the readers that saw each."""
    outlines: dict[str, list[tuple[Polygon, float]]] = {}
    for shape in shapes:
        outlines.setdefault(shape.label, []).append((on_grid(item.placed(shape.points)), shape.agreement))
    return outlines


def _agreement_map(
    polygons: Sequence[Polygon], agreements: NDArray[np.float64], grid: int
) -> NDArray[np.float32]:
    """[R, C]: of the outlines that touch a patch the most agreed on; the least where none does."""
    values = np.unique(agreements)
    result = np.full((grid, grid), values[0], np.float32)
    for value in values[1:]:
        chosen = [
            polygon for polygon, agreement in zip(polygons, agreements, strict=True) if agreement >= value
        ]
        result[coverage(chosen, grid, grid) > 0] = value
    return result
