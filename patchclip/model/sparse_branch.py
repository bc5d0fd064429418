"""The sparse branch of Patch-CLIP: a training objective alone, which nothing asks at inference."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class SparseBranch(nn.Module):
    """A small transformer with a class token over a set of patches with their positions (Patch-CLIP, step 5).

    A training objective alone: it learns to tell the patches under a finding's outlines from lit patches of
    images without it. The paper also asks it at inference, about the patches above 0.5; here nothing does: no
    probability, map or saliency stands on it, and a published model has none. Only `trainer.objective` calls
    `PatchCLIP.encode_sparse`.
    """

    def __init__(self, width: int, embed_dim: int, layers: int, heads: int) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        nn.init.normal_(self.class_token, std=0.02)
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.projection = nn.Linear(width, embed_dim)

    def forward(self, tokens: Tensor, positions: Tensor, mask: Tensor) -> Tensor:
        """Set embedding.

        Args:
            tokens: [N, M, W], the tokens of up to M patches in each of N sets.
            positions: [N, M, 2], row and column of the patch centre as fractions of the grid, in [0, 1].
            mask: bool [N, M], False where a slot is empty.

        Returns:
            [N, D]; direction and length as for a patch.
        """
        placed = tokens + position_embedding(positions, tokens.shape[-1]).to(tokens.dtype)
        sequence = torch.cat([self.class_token.expand(len(tokens), -1, -1).to(placed.dtype), placed], dim=1)
        empty = torch.cat([torch.zeros_like(mask[:, :1]), ~mask], dim=1)
        encoded: Tensor = self.transformer(sequence, src_key_padding_mask=empty)
        embedded: Tensor = self.projection(encoded[:, 0])
        return embedded.float()


def position_embedding(positions: Tensor, width: int) -> Tensor:
    """Sine-cosine embedding of two coordinates (Vaswani et al. 2017, section 3.5, for each axis).

    positions [..., 2] in [0, 1] -> [..., width], values in [-1, 1]; works for any grid, so a model may be run
    at another resolution.
    """
    quarter = width // 4
    frequencies = (
        2
        * math.pi
        * torch.exp(torch.arange(quarter, device=positions.device) * (math.log(32.0) / max(1, quarter - 1)))
    )
    angles = positions.float().unsqueeze(-1) * frequencies
    embedded = torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(-2)
    return F.pad(embedded, (0, width - embedded.shape[-1]))
