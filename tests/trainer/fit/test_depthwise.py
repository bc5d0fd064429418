"""Depthwise convolutions that learn faster compute what torch's own compute, forwards and backwards."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import timm
import torch
from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn

from trainer.fit.depthwise import StridedDepthwise, quicken

SIDES = [(16, 16), (15, 18), (7, 9)]
LAYERS: dict[str, Callable[[], nn.Conv2d]] = {
    "3 by 2": lambda: nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8, bias=False),
    "5 by 2": lambda: nn.Conv2d(8, 8, 5, stride=2, padding=2, groups=8, bias=False),
    "no padding": lambda: nn.Conv2d(8, 8, 3, stride=2, groups=8, bias=False),
    "two strides": lambda: nn.Conv2d(8, 8, (3, 5), stride=(3, 2), padding=(0, 1), groups=8, bias=False),
    "same": lambda: Conv2dSame(8, 8, 3, stride=2, groups=8, bias=False),
}


def learnt(layer: nn.Module, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Values, and the gradients of the input and the weight for a fixed gradient of the values."""
    pixels = pixels.clone().requires_grad_()
    values = layer(pixels)
    weight = next(layer.parameters())
    gradient = torch.sin(torch.arange(values.numel())).reshape(values.shape).to(values.dtype)
    return values.detach(), *torch.autograd.grad(values, (pixels, weight), gradient)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("layer", LAYERS)
def test_values_and_gradients_are_those_of_torch(layer: str, side: tuple[int, int]) -> None:
    torch.manual_seed(0)
    own = nn.Sequential(LAYERS[layer]()).double()
    pixels = torch.rand(2, 8, *side, dtype=torch.float64)
    expected = learnt(own, pixels)
    quick = copy.deepcopy(own)
    assert quicken(quick) == 1
    assert isinstance(quick[0], StridedDepthwise)
    for got, value in zip(learnt(quick, pixels), expected, strict=True):
        torch.testing.assert_close(got, value)


def test_bf16_is_rounded_as_torch_rounds() -> None:
    torch.manual_seed(0)
    own = nn.Sequential(LAYERS["3 by 2"]())
    quick = copy.deepcopy(own)
    quicken(quick)
    pixels = torch.rand(2, 8, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        expected, got = learnt(own, pixels), learnt(quick, pixels)
    assert got[0].dtype == torch.bfloat16
    assert got[2].dtype == torch.float32
    torch.testing.assert_close(got[0], expected[0])
    for number in (1, 2):  # eight bits of the mantissa
        torch.testing.assert_close(got[number], expected[number], rtol=0.02, atol=0.02)


@pytest.mark.parametrize("trunk", ["mobilenetv2_100", "tf_efficientnet_lite0"])
def test_a_trunk_keeps_its_weights_and_their_names(trunk: str) -> None:
    torch.manual_seed(0)
    own = timm.create_model(trunk, pretrained=False).eval()
    quick = copy.deepcopy(own)
    assert quicken(quick) == 4
    assert list(quick.state_dict()) == list(own.state_dict())
    pixels = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(quick(pixels), own(pixels))


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, bias=False),
        nn.Conv2d(8, 16, 3, stride=2, padding=1, groups=8, bias=False),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8),
        nn.Conv2d(8, 8, 3, stride=2, padding=2, dilation=2, groups=8, bias=False),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=8, bias=False, padding_mode="reflect"),
    ],
    ids=["no stride", "not depthwise", "more channels", "bias", "dilation", "reflected"],
)
def test_others_stay_as_they_are(layer: nn.Conv2d) -> None:
    model = nn.Sequential(layer)
    assert quicken(model) == 0
    assert model[0] is layer
