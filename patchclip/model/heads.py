"""The heads of Patch-CLIP: patch tokens from tower levels, projections, and the sparse branch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ContextBlock(nn.Sequential):
    """3x3 convolution, batch norm and ReLU: lets a patch see its neighbours."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU())


class Neck(nn.Module):
    """Merges tower levels into one grid of patch tokens.

    A finer level is folded (space to depth), so that nothing of a small lesion is averaged away; a coarser
    one is interpolated.
    """

    def __init__(
        self, widths: list[int], grids: list[tuple[int, int]], target: int, width: int, blocks: int
    ) -> None:
        super().__init__()
        self.folds = [max(1, round(grid[0] / grids[target][0])) for grid in grids]
        self.target = target
        self.projections = nn.ModuleList(
            nn.Conv2d(channels * fold * fold, width, 1, bias=False)
            for channels, fold in zip(widths, self.folds, strict=True)
        )
        self.norm = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU())
        self.context = nn.Sequential(*(ContextBlock(width) for _ in range(blocks)))

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Levels as [B, C_i, R_i, C_i] -> tokens [B, W, R, C] on the grid of the target level."""
        size = levels[self.target].shape[-2:]
        merged: Tensor | None = None
        for level, fold, projection in zip(levels, self.folds, self.projections, strict=True):
            part = projection(F.pixel_unshuffle(level, fold) if fold > 1 else level)
            if part.shape[-2:] != size:
                part = F.interpolate(part, size=size, mode="bilinear", align_corners=False)
            merged = part if merged is None else merged + part
        assert merged is not None
        tokens: Tensor = self.context(self.norm(merged))
        return tokens


class Projection(nn.Module):
    """Token to joint space, shared by the patch and the pooled embedding (Patch-CLIP, step 3, without its
    GELU and L2 norm).

    The direction of the result is the embedding; its length is the patch's own inverse temperature in the
    logit. With every patch on the unit sphere the towers learn markedly slower from few images: see
    `trainer/EXPERIMENTS.md`.
    """

    def __init__(self, width: int, embed_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, embed_dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """[..., W] -> [..., D]."""
        projected: Tensor = self.linear(tokens)
        return projected.float()


class TokenPool(nn.Module):
    """Learned weights over the P tokens, softmax-normalised over the patches that lie in the image
    (Patch-CLIP, step 4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """tokens [B, P, W], valid bool [B, P] -> [B, W]."""
        scores = self.score(tokens).squeeze(-1).float().masked_fill(~valid, -torch.inf)
        return torch.einsum("bp,bpw->bw", scores.softmax(dim=-1).to(tokens.dtype), tokens)


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
