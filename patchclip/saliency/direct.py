"""Saliency without gradients: the raw cosine map and occlusion."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from patchclip.saliency.task import QueryHead, SaliencyTask, to_unit
from patchclip.types import FloatArray


def raw_cosine(task: SaliencyTask) -> FloatArray:
    """(cos(patch, positive prompt) + 1) / 2, [K, R, C] in [0, 1]: no negative prompt, no calibration, no
    scaling by image."""
    with torch.no_grad():
        cosine = task.positive.float() @ F.normalize(task.embeddings.patches[0].float(), dim=-1).t()
    return np.asarray(((cosine + 1) / 2).unflatten(1, task.embeddings.grid).cpu().numpy(), np.float32)


def occlusion(task: SaliencyTask, window: int = 8, batch: int = 16) -> FloatArray:
    """Occlusion (Zeiler & Fergus, ECCV 2014): how much the logit falls when a window is greyed out, positive
    part.

    The window is 1/`window` of the width and moves by half of that; a patch gets the falls of the windows
    around it, interpolated between their centres. [K, R, C] in [0, 1], min-max scaled.
    """
    size = task.pixels.shape[-1]
    length = max(1, size // window)
    starts = list(range(0, size - length + 1, max(1, length // 2)))
    head = QueryHead(task)
    grey = float(task.pixels.mean())
    drops: list[Tensor] = []
    with torch.no_grad():
        whole = head(task.pixels)
        places = [(top, left) for top in starts for left in starts]
        for first in range(0, len(places), batch):
            part = places[first : first + batch]
            hidden = task.pixels.repeat(len(part), 1, 1, 1)
            for number, (top, left) in enumerate(part):
                hidden[number, :, top : top + length, left : left + length] = grey
            drops.append(whole - head(hidden))
    values = (
        torch.cat(drops)
        .clamp(min=0)
        .t()
        .unflatten(1, (len(starts), len(starts)))
        .cpu()
        .numpy()
        .astype(np.float32)
    )
    centres = (np.array(starts) + length / 2) / size
    down, across = (_between(centres, count) for count in task.model.grid)
    return np.stack([to_unit(np.asarray(down @ item @ across.T, np.float32)) for item in values])


def _between(centres: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Weights [count, N] of linear interpolation at `count` patch centres from values at N `centres`, as
    fractions of the width; flat beyond the outermost."""
    places = (np.arange(count) + 0.5) / count
    return np.stack([np.interp(places, centres, row) for row in np.eye(len(centres))], axis=1)
