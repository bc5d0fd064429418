"""Small convolutional networks in numpy: a worker that reads images starts without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from safetensors.numpy import load_file

from patchclip.types import FloatArray


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with zero padding of half its kernel, then a rectifier.

    Attributes:
        weight: float32 [O, I, K, K], K odd; normalisation is folded into it.
        bias: float32 [O].
        stride: in both directions.
    """

    weight: FloatArray
    bias: FloatArray
    stride: int

    def __call__(self, x: FloatArray) -> FloatArray:
        """float32 [N, H, W, I] -> [N, ceil(H / stride), ceil(W / stride), O]."""
        outputs, _, kernel, _ = self.weight.shape
        half = kernel // 2
        padded = np.pad(x, ((0, 0), (half, half), (half, half), (0, 0)))
        windows = sliding_window_view(padded, (kernel, kernel), axis=(1, 2))[
            :, :: self.stride, :: self.stride
        ]
        rows = windows.reshape(-1, self.weight[0].size)
        values = rows @ self.weight.reshape(outputs, -1).T + self.bias
        return np.asarray(np.maximum(values, 0).reshape(*windows.shape[:3], outputs), np.float32)


@dataclass(frozen=True, slots=True)
class SmallNetwork:
    """Convolutions, and a linear layer on all that the last of them gives.

    Attributes:
        convolutions: in order.
        weight: float32 [K, C * H * W] of the linear layer, channels first.
        bias: float32 [K].
    """

    convolutions: tuple[Convolution, ...]
    weight: FloatArray
    bias: FloatArray

    def __call__(self, pictures: FloatArray) -> FloatArray:
        """Grey pictures, float32 [N, H, W] -> logits [N, K]."""
        x = pictures[..., None]
        for convolution in self.convolutions:
            x = convolution(x)
        flat = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
        return np.asarray(flat @ self.weight.T + self.bias, np.float32)


def load_network(folder: Path, name: str) -> SmallNetwork:
    """From NAME.safetensors of a folder, and its strides in model.json under that name."""
    tensors = {
        key: np.asarray(value, np.float32) for key, value in load_file(folder / f"{name}.safetensors").items()
    }
    strides = json.loads((folder / "model.json").read_text(encoding="utf-8"))[name]["strides"]
    convolutions = tuple(
        Convolution(tensors[f"convolutions.{place}.weight"], tensors[f"convolutions.{place}.bias"], stride)
        for place, stride in enumerate(strides)
    )
    return SmallNetwork(convolutions, tensors["linear.weight"], tensors["linear.bias"])
