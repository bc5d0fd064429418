"""Saliency: each method a function of a `SaliencyTask`, giving relative values and never a probability.

registry     the table of methods: a new one is one more row
task         what a method is given, and how a tower is looked into
cam          the CAM family, through the grad-cam package
attention    rollout and attention gradients, for transformer towers
direct       the raw cosine map and occlusion, without gradients
"""

from patchclip.saliency.registry import (
    SALIENCY,
    Saliency,
    applicable_methods,
    default_methods,
    saliency_maps,
    saliency_method,
)
from patchclip.saliency.task import SaliencyTask

__all__ = [
    "SALIENCY",
    "Saliency",
    "SaliencyTask",
    "applicable_methods",
    "default_methods",
    "saliency_maps",
    "saliency_method",
]
