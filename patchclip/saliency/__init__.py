"""Saliency methods: each a function of one `SaliencyTask` that gives relative values [R, C] in [0, 1], never a probability."""

from collections.abc import Callable

from patchclip.saliency.attention import attention_gradient, attention_rollout
from patchclip.saliency.cam import eigen_cam, grad_cam, grad_cam_plus_plus, hires_cam, layer_cam
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

__all__ = ["METHODS", "SaliencyMethod", "SaliencyTask"]
