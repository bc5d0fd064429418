"""Saliency: each method a function of a `SaliencyTask`, giving relative values and never a probability.

A new method is one row in the table of `patchclip.saliency.registry`.
"""

import patchclip._torchvision  # noqa: F401  (first: the methods import torchvision)
from patchclip.saliency.registry import SALIENCY, Saliency, default_methods, saliency_maps, saliency_method
from patchclip.saliency.task import SaliencyTask

__all__ = ["SALIENCY", "Saliency", "SaliencyTask", "default_methods", "saliency_maps", "saliency_method"]
