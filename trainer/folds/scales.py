"""What a model sees at other input sizes than its own, and what the mean of two of them sees."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from patchclip.evaluate.bootstrap import Figure
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.fit.validation import DevLogits
from trainer.folds.figures import MEAN, NIH_EIGHT, fold_figures
from trainer.folds.held_out import held_out_of
from trainer.folds.table import words

PADDING = -30.0
"""Logit of a patch in the padding while maps are resized: a probability of 0, and yet a number."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Figures of one input size, or of the mean of two.

    Attributes:
        name: "512", or "320 + 512", in pixels.
        auroc: group of images -> finding or mean -> AUROC.
        pointing: source of the boxes -> finding or mean -> share of maps whose brightest patch lies in a box.
    """

    name: str
    auroc: Mapping[str, Mapping[str, Figure]]
    pointing: Mapping[str, Mapping[str, Figure]]


def mean_of(one: DevLogits, other: DevLogits) -> DevLogits:
    """The mean of logits at two sizes; the coarser maps are resized to the finer grid, bilinearly.

    Padding stays padding where it is in the finer maps.
    """
    fine, coarse = sorted((one, other), key=lambda logits: -logits.patches.shape[-1])
    side = fine.patches.shape[-1]
    resized = np.empty_like(fine.patches)
    for number, maps in enumerate(coarse.patches):
        planes = np.where(np.isfinite(maps), maps, PADDING).transpose(1, 2, 0)
        grown = cv2.resize(planes, (side, side), interpolation=cv2.INTER_LINEAR)
        resized[number] = grown.reshape(side, side, -1).transpose(2, 0, 1)
    patches: NDArray[np.float32] = np.where(
        np.isfinite(fine.patches), (fine.patches + resized) / 2, -np.inf
    ).astype(np.float32)
    return DevLogits(
        {branch: (fine.image[branch] + coarse.image[branch]) / np.float32(2) for branch in fine.image},
        patches,
    )


def scales(
    logits: Mapping[int, DevLogits],
    config: FitConfig,
    items: Sequence[Loaded],
    labels: Sequence[str],
    replicates: int = 1000,
) -> list[Scale]:
    """Figures of every size and of every two.

    Args:
        logits: input size in pixels -> what the model says at it, of all items and labels.
        config: the recipe of the run.
        items: decoded held-out images.
        labels: the findings.
        replicates: of the bootstrap by patient.
    """
    ways = {str(size): logits[size] for size in logits}
    for one, other in itertools.combinations(logits, 2):
        ways[f"{one} + {other}"] = mean_of(logits[one], logits[other])
    result = []
    for name, said in ways.items():
        figures = fold_figures([held_out_of(said, config, items, labels)], replicates)
        result.append(Scale(name, figures.auroc, figures.pointing))
    return result


def table(measured: Sequence[Scale]) -> str:
    """As Markdown: one row per size, the means first, then pointing of each finding."""
    columns = [
        (kind, group, label)
        for kind in ("auroc", "pointing")
        for group, figures in getattr(measured[0], kind).items()
        for label in figures
        if kind == "pointing" or label in (MEAN, NIH_EIGHT)
    ]
    lines = [
        "| Figure | " + " | ".join(f"{item.name} px" for item in measured) + " |",
        "| --- " * (len(measured) + 1) + "|",
    ]
    for kind, group, label in columns:
        cells = [words(getattr(item, kind)[group][label], 2) for item in measured]
        title = {"auroc": "AUROC", "pointing": "pointing"}[kind]
        lines.append(f"| {title}, {group}: {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
