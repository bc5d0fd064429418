"""Figures on the held-out part of the training patients: they choose the best epoch, calibration and
thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from patchclip.model.branches import Branch, branch_logit
from patchclip.model.patchclip import PatchCLIP
from trainer.batches.augment import IDENTITY, warp_image
from trainer.data.loaded import Loaded
from trainer.data.states import state_table
from trainer.objective.prompts import PromptBank

AT_ONCE = 16  # images


@dataclass(frozen=True, slots=True)
class DevLogits:
    """Raw logits (before calibration) of held-out images.

    Attributes:
        image: branch -> float32 [N, K].
        patches: float32 [N, K, R, C]; -inf where the patch lies in the padding.
    """

    image: dict[Branch, NDArray[np.float32]]
    patches: NDArray[np.float32]


@torch.inference_mode()
def dev_logits(
    model: PatchCLIP,
    bank: PromptBank,
    items: Sequence[Loaded],
    size: int,
    device: torch.device,
    *,
    mirror: bool = False,
) -> DevLogits:
    """Runs the model over images in memory, at `size` pixels, without augmentation; with their mirror images
    if the engine will."""
    model.eval()
    positive, negative = bank.directions(model, None)
    image: dict[Branch, list[NDArray[np.float32]]] = {branch: [] for branch in Branch}
    patches: list[NDArray[np.float32]] = []
    for pixels, valid in _batches(items, size, model):
        embeddings = model.encode_image(
            pixels.to(device), valid.to(device), mirror=mirror
        )  # in full precision, as the engine does
        logits = model.pair_logits(embeddings.patches, positive, negative)
        for branch, parts in image.items():
            parts.append(branch_logit(branch, model, embeddings, positive, negative).cpu().numpy())
        visible = logits.masked_fill(~embeddings.valid.unsqueeze(-1), -torch.inf)
        patches.append(visible.transpose(1, 2).unflatten(2, embeddings.grid).cpu().numpy())
    return DevLogits({name: np.concatenate(parts) for name, parts in image.items()}, np.concatenate(patches))


def _batches(
    items: Sequence[Loaded], size: int, model: PatchCLIP
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    grid = round(size / model.config.image_size * model.grid[0])
    for start in range(0, len(items), AT_ONCE):
        part = items[start : start + AT_ONCE]
        pixels = np.stack([warp_image(item.image, IDENTITY, size)[None] for item in part])
        yield (
            torch.from_numpy(pixels),
            torch.from_numpy(np.stack([item.box.valid_patches(grid, grid) for item in part])),
        )


def dev_figures(
    model: PatchCLIP,
    bank: PromptBank,
    items: Sequence[Loaded],
    labels: Sequence[str],
    size: int,
    device: torch.device,
) -> dict[str, float]:
    """Mean AUROC (findings with at least 5 present and 5 absent), mean pointing (findings with at least 3
    outlined images), and their mean.

    "Not mentioned" counts as absent here, as it does in the published NIH figures. Pointing: the brightest
    patch's centre lies in an outline's bounding box.
    """
    logits = dev_logits(model, bank, items, size, device)
    return figures_from_logits(logits, items, labels)


def mean_auroc(scores: NDArray[np.float32], table: NDArray[np.int8]) -> float:
    """Mean over the findings with at least 5 present and 5 absent images; .5 without one. scores, table
    (states): [N, K]."""
    values = [
        roc_auc_score(table[has_state, k] == 1, scores[has_state, k])
        for k in range(table.shape[1])
        if (has_state := table[:, k] >= 0).any()
        and min((table[has_state, k] == 1).sum(), (table[has_state, k] != 1).sum()) >= 5
    ]
    return float(np.mean(values)) if values else 0.5


def figures_from_logits(
    logits: DevLogits, items: Sequence[Loaded], labels: Sequence[str]
) -> dict[str, float]:
    """See `dev_figures`; one AUROC per branch, so that a branch that does not learn is seen."""
    table = state_table(items, labels)
    figures: dict[str, float] = {}
    combined = np.mean([logits.image[branch] for branch in Branch], axis=0)
    rankings: dict[str, NDArray[np.float32]] = {**dict(logits.image.items()), "combined": combined}
    for name, scores in rankings.items():
        figures[f"auroc_{name}"] = mean_auroc(scores, table)
    hits: dict[str, list[bool]] = {}
    rows, cols = logits.patches.shape[-2:]
    for number, item in enumerate(items):
        for label in {shape.label for shape in item.sample.shapes}:
            row, col = np.unravel_index(
                int(logits.patches[number, list(labels).index(label)].argmax()), (rows, cols)
            )
            point = np.array([(col + 0.5) / cols, (row + 0.5) / rows])
            inside = False
            for shape in item.sample.shapes:
                if shape.label == label:
                    corners = item.placed(shape.points)
                    inside |= bool(
                        (corners.min(axis=0) <= point).all() and (point <= corners.max(axis=0)).all()
                    )
            hits.setdefault(label, []).append(inside)
    pointing = {label: float(np.mean(values)) for label, values in hits.items() if len(values) >= 3}
    figures |= {f"pointing_{label}": value for label, value in sorted(pointing.items())}
    figures["pointing"] = float(np.mean(list(pointing.values()))) if pointing else 0.0
    figures["score"] = (figures["auroc_combined"] + figures["pointing"]) / 2
    return figures
