"""The heads of Patch-CLIP: patch tokens from tower levels, their projection, and their pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchclip.errors import CheckpointError


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
        """
        Args:
            widths, grids: channels and (rows, columns) of each level.
            target: position of the level on whose grid the tokens lie.
            width: of a token.
            blocks: context blocks after the levels are merged.

        Raises:
            CheckpointError: a finer level does not divide into the grid.
        """
        super().__init__()
        self.folds = [max(1, round(grid[0] / grids[target][0])) for grid in grids]
        if any(
            rows % fold or columns % fold for (rows, columns), fold in zip(grids, self.folds, strict=True)
        ):
            raise CheckpointError(
                f"Levels of {grids} patches do not divide into one grid; set image_size to a multiple of 32."
            )
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
