"""The small networks of `patchclip.image.network` while they are trained, and their weights as stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn


class TrainedNetwork(nn.Module):
    """Convolutions with batch normalisation and rectifiers, and a linear layer behind dropout.

    Args:
        size: of the square input, in pixels.
        widths: channels of each convolution.
        strides: of each.
        outputs: logits.
        first: kernel of the first convolution; all others have 3.
    """

    def __init__(
        self, size: int, widths: Sequence[int], strides: Sequence[int], outputs: int, first: int = 3
    ) -> None:
        super().__init__()
        kernels = [first] + [3] * (len(widths) - 1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
            for before, after, kernel, stride in zip([1, *widths[:-1]], widths, kernels, strides, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths)
        self.dropout = nn.Dropout(0.3)
        for stride in strides:
            size = -(-size // stride)
        self.linear = nn.Linear(widths[-1] * size**2, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """float32 [N, 1, S, S] -> logits [N, outputs]."""
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = torch.relu(norm(convolution(x)))
        logits: Tensor = self.linear(self.dropout(x.flatten(1)))
        return logits

    def folded(self) -> dict[str, Tensor]:
        """Weights as `patchclip.image.network` reads them, in float16, normalisation folded in."""
        tensors = {"linear.weight": self.linear.weight, "linear.bias": self.linear.bias}
        for place, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
            assert norm.running_mean is not None and norm.running_var is not None
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            tensors[f"convolutions.{place}.weight"] = convolution.weight * scale[:, None, None, None]
            tensors[f"convolutions.{place}.bias"] = norm.bias - norm.running_mean * scale
        return {name: tensor.detach().half().contiguous() for name, tensor in tensors.items()}

    def save(self, path: Path) -> None:
        """Writes them."""
        save_file(self.folded(), path)
