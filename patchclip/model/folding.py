"""Normalisation that is folded into the convolution before it: at inference both are one linear step, and
a pass through the tower is shorter (`python -m tests.benchmarks.speed` says by how much)."""

from __future__ import annotations

from copy import deepcopy
from itertools import pairwise

from timm.layers.norm_act import BatchNormAct2d
from timm.models._efficientnet_blocks import ConvBnAct, DepthwiseSeparableConv, InvertedResidual
from timm.models.efficientnet import EfficientNet
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from patchclip.model.patchclip import PatchCLIP

_KNOWN = (EfficientNet, ConvBnAct, DepthwiseSeparableConv, InvertedResidual)
"""Modules in which a convolution that stands before a normalisation is followed by it, and by it alone."""


def folded(model: PatchCLIP) -> PatchCLIP:
    """A copy for inference, which shares all weights but those of the folded convolutions; the model itself,
    where its tower is of another kind.

    model: in evaluation mode; changes to it do not reach the copy.
    """
    if not any(isinstance(module, _KNOWN) for module in model.modules()):
        return model
    shared = [*model.parameters(), *model.buffers()]
    copy = deepcopy(model, {id(tensor): tensor for tensor in shared})
    for module in copy.modules():
        if not isinstance(module, _KNOWN):
            continue
        for (_, before), (name, after) in pairwise(list(module.named_children())):
            if isinstance(before, nn.Conv2d) and isinstance(after, BatchNormAct2d):
                mean, variance = after.running_mean, after.running_var
                assert mean is not None and variance is not None
                before.weight, before.bias = fuse_conv_bn_weights(
                    before.weight, before.bias, mean, variance, after.eps, after.weight, after.bias
                )
                module.add_module(name, nn.Sequential(after.drop, after.act))
    return copy.eval()
