"""PatchCLIP: image tower, heads and text projection; global, patch and pooled embeddings in one space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchclip.errors import CheckpointError
from patchclip.model.config import ModelConfig
from patchclip.model.heads import Neck, Projection, TokenPool
from patchclip.model.preprocess import STANDARD, InputStyle
from patchclip.model.published import Published
from patchclip.model.sparse_branch import SparseBranch
from patchclip.model.tower import Tower
from patchclip.text.encoder import SentenceEncoder, shared_encoder


@dataclass(frozen=True, slots=True)
class ImageEmbeddings:
    """All embeddings of a batch. The direction of a vector says what is seen, its length how sure that is:
    the logit's own temperature.

    Attributes:
        global_: [B, D], the tower's projected pooled feature.
        patches: [B, P, D], one for each patch, row by row.
        pooled: [B, D], from a learned weighting of the tokens.
        tokens: [B, P, W], the tokens before projection, which the sparse branch reads.
        valid: bool [B, P], False where a patch centre lies in the padding.
        grid: (R, C) with R * C = P.
    """

    global_: Tensor
    patches: Tensor
    pooled: Tensor
    tokens: Tensor
    valid: Tensor
    grid: tuple[int, int]


class TextProjection(nn.Sequential):
    """Sentence feature to joint space, with one hidden layer.

    A sentence encoder moves "X" to "no X" by much the same step for every X, so the differences that the
    prompt pairs live on are nearly parallel. A linear map keeps them so; a hidden layer can turn negation
    into a different step for each finding.
    """

    def __init__(self, width: int, embed_dim: int) -> None:
        super().__init__(nn.Linear(width, 2 * embed_dim), nn.GELU(), nn.Linear(2 * embed_dim, embed_dim))


@dataclass(frozen=True, slots=True)
class Parts:
    """What a `PatchCLIP` is put together from.

    W is the width of a token, D that of the joint space, and E that of a sentence feature.

    Attributes:
        tower: pixels -> levels and pooled feature.
        neck: levels [B, C_i, R_i, C_i] -> tokens [B, W, R, C].
        projection: tokens [..., W] -> [..., D].
        pool: tokens [B, P, W] and which of them lie in the image, bool [B, P] -> [B, W].
        sparse: a training objective alone, see `SparseBranch`; None in a model that is not trained here.
        global_projection: the tower's pooled feature -> [B, D].
        text_projection: sentence features [..., E] -> [..., D].
        logit_scale, logit_bias: scalars, see `PatchCLIP.pair_logits`.
        published: where the parts are those of a published model, what is known of it.
        members: of an ensemble, see `patchclip.model.ensemble`; empty for a model that stands alone.
    """

    tower: Tower
    neck: nn.Module
    projection: nn.Module
    pool: nn.Module
    sparse: SparseBranch | None
    global_projection: nn.Module
    text_projection: nn.Module
    logit_scale: nn.Parameter
    logit_bias: nn.Parameter
    published: Published | None = None
    members: tuple[ModelConfig, ...] = ()


def build(config: ModelConfig) -> Parts:
    """Untrained parts, as a config describes them.

    Raises:
        CheckpointError: the tower is unknown, or has no such levels.
    """
    tower = Tower(config)
    order = tower.indices.index(config.grid_level)
    width, embed_dim = config.token_width, config.embed_dim
    return Parts(
        tower=tower,
        neck=Neck(tower.widths, tower.grids, order, width, config.context_blocks),
        projection=Projection(width, embed_dim),
        pool=TokenPool(width),
        sparse=SparseBranch(width, embed_dim, config.sparse_layers, config.sparse_heads),
        global_projection=nn.Linear(tower.pooled_width, embed_dim, bias=False),
        text_projection=TextProjection(_text_width(tower, config), embed_dim),
        logit_scale=nn.Parameter(torch.tensor(0.0)),
        # Most findings are absent from most patches; without a bias every patch would have to speak against
        # every finding at once (the reasoning is SigLIP's; Zhai et al., ICCV 2023).
        logit_bias=nn.Parameter(torch.tensor(-4.0)),
    )


class PatchCLIP(nn.Module):
    """Image and text in one space, patch by patch (Bhat et al., Scientific Reports 16:14688, 2026)."""

    def __init__(self, config: ModelConfig, parts: Parts | None = None) -> None:
        """parts: what the model is put together from; `build` makes untrained ones otherwise."""
        super().__init__()
        self.config = config
        parts = parts or build(config)
        self.tower = parts.tower
        self.neck = parts.neck
        self.projection = parts.projection
        self.pool = parts.pool
        self.sparse = parts.sparse
        self.global_projection = parts.global_projection
        self.text_projection = parts.text_projection
        self.logit_scale = parts.logit_scale
        self.logit_bias = parts.logit_bias
        self.published = parts.published
        self.members = parts.members

    @property
    def input_style(self) -> InputStyle:
        """How its input is made of a radiograph, see `patchclip.image.model_input.model_input`."""
        return self.published.record.input_style if self.published else STANDARD

    @property
    def grid(self) -> tuple[int, int]:
        """(R, C) at the configured input size."""
        return self.tower.grids[self.tower.indices.index(self.config.grid_level)]

    def encode_image(
        self,
        pixels: Tensor,
        valid: Tensor | None = None,
        *,
        mirror: bool = False,
        patches_alone: bool = False,
    ) -> ImageEmbeddings:
        """Embeds a batch.

        Args:
            pixels: float [B, 1, S, S], grey values in [0, 1] (see `patchclip.image.model_input`).
            valid: bool [B, R, C], which patches lie in the image; None means all.
            mirror: embed the mirror images in the same pass too, and give the mean of both, patch by patch.
            patches_alone: in training, no gradient of the global and the pooled embedding reaches tower and
                neck; values stay the same.
        """
        if mirror:
            both = None if valid is None else torch.cat([valid, valid.flip(-1)])
            return mean_of_halves(self.encode_image(torch.cat([pixels, pixels.flip(-1)]), both))
        out = self.tower(((pixels - self.config.mean) / self.config.std).expand(-1, 3, -1, -1))
        grid_tokens = self.neck(out.levels)
        grid = (grid_tokens.shape[2], grid_tokens.shape[3])
        tokens = grid_tokens.flatten(2).transpose(1, 2)
        seen, pooled = (tokens.detach(), out.pooled.detach()) if patches_alone else (tokens, out.pooled)
        mask = (
            torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)
            if valid is None
            else valid.flatten(1)
        )
        return ImageEmbeddings(
            global_=self.global_projection(pooled).float(),
            patches=self.projection(tokens),
            pooled=self.projection(self.pool(seen, mask)),
            tokens=tokens,
            valid=mask,
            grid=grid,
        )

    def encode_sentences(self, sentences: list[str]) -> Tensor:
        """Sentence features before projection, [N, E]; frozen for the MiniLM encoder."""
        if self.tower.text_model is None:
            return self.sentence_encoder.encode(sentences).to(self.logit_scale.device)
        tokenize = self.published.tokenize if self.published else partial(_tokens, self.config)
        tokens = tokenize(sentences).to(self.logit_scale.device)
        features: Tensor = self.tower.text_model.encode_text(tokens, normalize=True)  # type: ignore[operator]
        return features

    def project_text(self, features: Tensor) -> Tensor:
        """Sentence features [..., E] -> text embeddings [..., D], unit norm."""
        return F.normalize(self.text_projection(features), dim=-1)

    @property
    def sentence_encoder(self) -> SentenceEncoder:
        """The frozen sentence encoder; no part of the model's own weights, one for the whole process."""
        return shared_encoder()

    def pair_logits(self, embeddings: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
        """logit(positive) - logit(negative), whose sigmoid is the softmax over the prompt pair.

        That is exp(logit_scale) * length * (cosine with positive - cosine with negative) + bias: the learnt
        bias stands on the positive side.

        embeddings [..., D], positive and negative [K, D] -> [..., K], float32.
        """
        direction = positive.float() - negative.float()
        with torch.autocast(embeddings.device.type, enabled=False):
            return self.pair_scale * (embeddings.float() @ direction.t()) + self.logit_bias

    @property
    def pair_scale(self) -> Tensor:
        """exp(logit_scale) of `pair_logits`, scalar."""
        scale = self.logit_scale.exp()
        # What is trained here is kept from growing without end; a published scale is what it is.
        return scale if self.published else scale.clamp(max=100.0)

    def encode_sparse(
        self, tokens: Tensor, grid: tuple[int, int], index: Tensor, mask: Tensor, image: Tensor
    ) -> Tensor:
        """Sparse embedding of chosen patches, for the training objective; no answer stands on it.

        Args:
            tokens: [B, P, W].
            grid: (R, C).
            index: int [N, M], which patches; arbitrary where `mask` is False.
            mask: bool [N, M].
            image: int [N], the row of `tokens` that each set belongs to.

        Returns:
            [N, D]; direction and length as in `ImageEmbeddings`.

        Raises:
            CheckpointError: the model is a published one, which has no sparse branch.
        """
        if self.sparse is None:
            raise CheckpointError(
                f"{self.config.name} has no sparse branch; set loss.sparse to 0, or train a "
                "model of your own."
            )
        chosen = tokens[image.unsqueeze(1), index]
        rows = (torch.div(index, grid[1], rounding_mode="floor") + 0.5) / grid[0]
        columns = (index % grid[1] + 0.5) / grid[1]
        embedded: Tensor = self.sparse(chosen, torch.stack([rows, columns], dim=-1), mask)
        return embedded


def _text_width(tower: Tower, config: ModelConfig) -> int:
    """Width of a sentence feature."""
    if tower.text_model is None:
        return SentenceEncoder.width
    with torch.no_grad():
        return int(tower.text_model.encode_text(_tokens(config, ["x"])).shape[-1])  # type: ignore[operator]


def _tokens(config: ModelConfig, sentences: list[str]) -> Tensor:
    """[N] sentences -> int [N, T], for the text half of an open_clip tower."""
    return _tokenizer(config.tower)(sentences)


@lru_cache(maxsize=4)
def _tokenizer(tower: str) -> Callable[[list[str]], Tensor]:
    """Of an open_clip tower; reading its vocabulary takes longer than encoding a few sentences."""
    import open_clip  # heavy, and needed for its own towers alone

    tokenizer: Callable[[list[str]], Tensor] = open_clip.get_tokenizer(tower)
    return tokenizer


def mean_of_halves(both: ImageEmbeddings) -> ImageEmbeddings:
    """Embeddings of images, then of their mirror images -> their means, the mirrored patches turned back."""
    count = len(both.valid) // 2

    def mean(values: Tensor) -> Tensor:
        return (values[:count] + values[count:]) / 2

    def on_patches(tokens: Tensor) -> Tensor:
        turned = tokens[count:].unflatten(1, both.grid).flip(2).flatten(1, 2)
        return mean(torch.cat([tokens[:count], turned]))

    return ImageEmbeddings(
        global_=mean(both.global_),
        patches=on_patches(both.patches),
        pooled=mean(both.pooled),
        tokens=on_patches(both.tokens),
        valid=both.valid[:count],
        grid=both.grid,
    )


MIL_AREA = 0.5
"""The `area` of `mil_logit`."""


def mil_logit(patch_logits: Tensor, valid: Tensor, area: float = MIL_AREA) -> Tensor:
    """Smooth maximum over an image's patches: log sum exp z - area * log P (log-sum-exp pooling, Pinheiro &
    Collobert, CVPR 2015).

    patch_logits [B, P, K], valid bool [B, P] -> [B, K]. `area` 1 is the mean of the exponentials (a finding
    must fill the image to count), 0 their sum (any patch counts, so all the others must be very dark);
    between them both small and large findings can be seen.
    """
    summed = patch_logits.float().masked_fill(~valid.unsqueeze(-1), -torch.inf).logsumexp(dim=1)
    return summed - area * valid.sum(dim=1).clamp(min=1).log().unsqueeze(-1)
