"""Saliency methods: each a function of one `SaliencyTask` that gives relative values [K, R, C] in [0, 1], never a probability.

A new method is one row in the table of `patchclip.saliency.registry`.
"""

import patchclip._torchvision  # noqa: F401  (first: the methods import torchvision)
from patchclip.saliency.registry import SALIENCY, Saliency, default_methods, saliency_maps, saliency_method
from patchclip.saliency.task import SaliencyTask

__all__ = ["SALIENCY", "Saliency", "SaliencyTask", "default_methods", "saliency_maps", "saliency_method"]
