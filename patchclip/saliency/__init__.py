"""Saliency methods: each a function of one `SaliencyTask` that gives relative values [K, R, C] in [0, 1], never a probability."""

from collections.abc import Callable, Sequence

from patchclip.saliency.attention import attention_gradient, attention_rollout
from patchclip.saliency.cam import (
    CAMS,
    cam_maps,
    eigen_cam,
    grad_cam,
    grad_cam_plus_plus,
    hires_cam,
    layer_cam,
)
from patchclip.saliency.direct import occlusion, raw_cosine
from patchclip.saliency.task import SaliencyTask
from patchclip.types import FloatArray

SaliencyMethod = Callable[[SaliencyTask], FloatArray]

METHODS: dict[str, SaliencyMethod] = {
    "grad_cam": grad_cam,
    "grad_cam_plus_plus": grad_cam_plus_plus,
    "hires_cam": hires_cam,
    "eigen_cam": eigen_cam,
    "layer_cam": layer_cam,
    "attention_rollout": attention_rollout,
    "attention_gradient": attention_gradient,
    "raw_cosine": raw_cosine,
    "occlusion": occlusion,
}


def saliency_maps(task: SaliencyTask, methods: Sequence[str]) -> dict[str, FloatArray]:
    """Several methods on one task, each [K, R, C]; those of the CAM family share their forward and backward passes."""
    found = cam_maps(task, [name for name in methods if name in CAMS])
    return {name: found[name] if name in found else METHODS[name](task) for name in methods}


__all__ = ["METHODS", "SaliencyMethod", "SaliencyTask", "saliency_maps"]
