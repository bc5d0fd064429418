"""A timm trunk with a linear projection: what open_clip's `TimmModel` is, without loading the rest of
open_clip."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import timm
from torch import Tensor, nn


class TimmTrunk(nn.Module):
    """A trunk of timm, its pooled feature projected; weights are called as in open_clip's `TimmModel`.

    open_clip loads tokenizers, transformers and every tower that it has, which takes longer than all that a
    model of this kind needs. That both compute the same is tested.
    """

    def __init__(self, name: str, embed_dim: int, size: int) -> None:
        """name: of timm; embed_dim: D; size: of the square input in pixels."""
        super().__init__()
        self.trunk: nn.Module = timm.create_model(name, pretrained=False)
        self.trunk.reset_classifier(0, global_pool="avg")  # type: ignore[operator]
        if hasattr(self.trunk, "set_input_size"):  # transformers hold position embeddings for one size
            self.trunk.set_input_size((size, size))  # type: ignore[operator]
        width = int(self.trunk.num_features)  # type: ignore[arg-type]
        self.head = nn.Sequential(
            OrderedDict(drop=nn.Dropout(0.0), proj=nn.Linear(width, embed_dim, bias=False))
        )

    def forward_intermediates(
        self,
        pixels: Tensor,
        indices: Sequence[int],
        *,
        normalize_intermediates: bool = False,
        output_fmt: str = "NCHW",
    ) -> dict[str, Tensor | list[Tensor]]:
        """[B, 3, S, S] -> "image_intermediates", levels [B, C_i, R_i, C_i], and "image_features", [B, D]."""
        last, levels = self.trunk.forward_intermediates(  # type: ignore[operator]
            pixels, indices=list(indices), norm=normalize_intermediates, output_fmt=output_fmt
        )
        features: Tensor = self.head(self.trunk.forward_head(last))  # type: ignore[operator]
        return {"image_intermediates": levels, "image_features": features}

    def forward(self, pixels: Tensor) -> Tensor:
        """[B, 3, S, S] -> [B, D]."""
        projected: Tensor = self.head(self.trunk(pixels))
        return projected
