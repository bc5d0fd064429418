"""Depthwise convolutions with a stride, whose gradient a CPU computes far too slowly."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers.conv2d_same import Conv2dSame
from timm.layers.padding import pad_same
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

Pair = tuple[int, int]


def quicken(model: nn.Module) -> int:
    """Replaces a model's depthwise convolutions with a stride, in place, by ones that learn faster on a CPU.

    Weights stay the same tensors under the same names, and values and gradients are the same but for
    rounding.

    Returns:
        How many were replaced.
    """
    count = 0
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and _strided_depthwise(child):
                setattr(parent, name, StridedDepthwise(child))
                count += 1
    return count


class StridedDepthwise(nn.Module):
    """What the convolution does that it is made of, whose weight it takes over."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.weight = convolution.weight
        self.stride: Pair = _pair(convolution.stride)
        self.padding: Pair = _pair(convolution.padding)
        self.same = isinstance(convolution, Conv2dSame)

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H / stride, W / stride], rounded as the convolution rounds."""
        weight, device = self.weight, pixels.device.type
        if self.same:
            pixels = pad_same(pixels, list(weight.shape[2:]), list(self.stride))
        if torch.is_autocast_enabled(device):
            dtype = torch.get_autocast_dtype(device)
            pixels, weight = pixels.to(dtype), weight.to(dtype)
        convolved: Tensor = _Strided.apply(pixels, weight, self.stride, self.padding)
        return convolved


class _Strided(torch.autograd.Function):
    """The gradient of the input is a convolution without a stride: that of the gradient with zeros put
    between its values, by the mirrored kernel.

    oneDNN, which torch asks on a CPU, goes pixel by pixel where there is a stride: two layers of MobileNetV2
    took a quarter of a training step (`make bench`).
    """

    @staticmethod
    def forward(ctx: Any, pixels: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
        ctx.save_for_backward(pixels, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(pixels, weight, None, stride, padding, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (gradient,) = gradients
        pixels, weight = ctx.saved_tensors
        of_pixels = of_weight = None
        if ctx.needs_input_grad[0]:
            of_pixels = _of_pixels(gradient, pixels, weight, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[1]:
            of_weight = conv2d_weight(pixels, weight.shape, gradient, ctx.stride, ctx.padding, 1, len(weight))
        return of_pixels, of_weight, None, None


def _of_pixels(gradient: Tensor, pixels: Tensor, weight: Tensor, stride: Pair, padding: Pair) -> Tensor:
    kernel = (weight.shape[2], weight.shape[3])
    rows, columns = (
        side + 2 * pad - edge + 1 for side, pad, edge in zip(pixels.shape[2:], padding, kernel, strict=True)
    )
    spread = torch.empty(
        (*gradient.shape[:2], rows, columns), dtype=gradient.dtype, memory_format=torch.channels_last
    ).zero_()
    spread[:, :, :: stride[0], :: stride[1]] = gradient
    around = (kernel[0] - 1 - padding[0], kernel[1] - 1 - padding[1])
    return F.conv2d(spread, weight.flip(2, 3), None, 1, around, 1, len(weight))


def _strided_depthwise(convolution: nn.Conv2d) -> bool:
    """Whether it is one, of a kind that is replaced: with a kernel that is no smaller than its padding, and
    without bias, dilation or a padding other than zeros."""
    return (
        type(convolution) in (nn.Conv2d, Conv2dSame)
        and 1 < convolution.groups == convolution.in_channels == convolution.out_channels
        and max(_pair(convolution.stride)) > 1
        and max(_pair(convolution.dilation)) == 1
        and convolution.bias is None
        and convolution.padding_mode == "zeros"
        and not isinstance(convolution.padding, str)
        and all(
            pad < edge for pad, edge in zip(_pair(convolution.padding), convolution.kernel_size, strict=True)
        )
    )


def _pair(values: Any) -> Pair:
    first, second = values
    return first, second
