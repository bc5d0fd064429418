"""Several models in one: their embeddings side by side, so that every logit is the mean of theirs."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchclip.errors import CheckpointError
from patchclip.model.config import ModelConfig
from patchclip.model.patchclip import Parts, PatchCLIP, build
from patchclip.model.tower import Tower, TowerOutput

REMEDY = "name models by recipes that differ in tower and training alone"


class EnsembleTower(Tower):
    """The towers of all members, which look at the same pixels."""

    def __init__(self, members: Sequence[Tower]) -> None:
        """members: their grids are alike, and so are their levels' indices."""
        nn.Module.__init__(self)
        self._members = nn.ModuleList(members)
        self.text_model = None
        self.indices = members[0].indices
        self.grids = members[0].grids
        self.pooled_width = sum(member.pooled_width for member in members)

    @property
    def members(self) -> list[Tower]:
        """One tower for each member."""
        return list(self._members)  # type: ignore[arg-type]

    @property
    def has_attention(self) -> bool:
        """No attention map speaks for all members."""
        return False

    def forward(self, pixels: Tensor) -> TowerOutput:
        """[B, 3, S, S], normalised -> levels of all members, one member's after the other's, and their pooled
        features in one vector."""
        outputs = [member(pixels) for member in self.members]
        return TowerOutput(
            levels=[level for output in outputs for level in output.levels],
            pooled=torch.cat([output.pooled for output in outputs], dim=-1),
        )


class _Neck(nn.Module):
    def __init__(self, members: Sequence[nn.Module], levels: int) -> None:
        """levels: of each member."""
        super().__init__()
        self.members, self.levels = nn.ModuleList(members), levels

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Levels of all members -> tokens [B, W_1 + W_2 + ..., R, C]."""
        count = self.levels
        parts = [levels[number * count : (number + 1) * count] for number in range(len(self.members))]
        return torch.cat([member(part) for member, part in zip(self.members, parts, strict=True)], dim=1)


class _Weighed(nn.Module):
    """Each member's projection of its share of the features, weighed so that dot products with text
    embeddings are means of the members' logits. The weights are no part of the projections: they are kept in
    full precision, as buffers are."""

    def __init__(self, members: Sequence[nn.Module], widths: Sequence[int]) -> None:
        """widths: of each member's features."""
        super().__init__()
        self.members, self.widths = nn.ModuleList(members), list(widths)
        self.weights: Tensor
        self.register_buffer("weights", torch.ones(len(members)))

    def forward(self, features: Tensor) -> Tensor:
        """[..., W_1 + W_2 + ...] -> [..., D_1 + D_2 + ...]."""
        parts = features.split(self.widths, dim=-1)
        own = [member(part).float() for member, part in zip(self.members, parts, strict=True)]
        return torch.cat([part * weight for part, weight in zip(own, self.weights, strict=True)], dim=-1)


class _Pool(nn.Module):
    def __init__(self, members: Sequence[nn.Module], widths: Sequence[int]) -> None:
        super().__init__()
        self.members, self.widths = nn.ModuleList(members), list(widths)

    def forward(self, tokens: Tensor, valid: Tensor) -> Tensor:
        """tokens [B, P, W_1 + W_2 + ...], valid bool [B, P] -> [B, W_1 + W_2 + ...]."""
        parts = tokens.split(self.widths, dim=-1)
        pooled = [member(part, valid) for member, part in zip(self.members, parts, strict=True)]
        return torch.cat(pooled, dim=-1)


class _Text(nn.Module):
    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, features: Tensor) -> Tensor:
        """[..., E] -> [..., D_1 + D_2 + ...], each member's part of unit norm."""
        return torch.cat([F.normalize(member(features), dim=-1) for member in self.members], dim=-1)


def ensemble_config(name: str, members: Sequence[ModelConfig]) -> ModelConfig:
    """What an ensemble looks like from outside: its widths are the sums of its members'.

    name: of the ensemble.

    Raises:
        CheckpointError: there are fewer than two, or they do not look at the same pixels on the same levels.
    """
    if len(members) < 2:
        raise CheckpointError("An ensemble has two members or more; name another.")
    first = members[0]
    for member in members:
        if member.text != "minilm":
            raise CheckpointError(f"{member.name} has a text encoder of its own; {REMEDY}.")
        for field in ("image_size", "levels", "grid_level", "mean", "std"):
            if getattr(member, field) != getattr(first, field):
                raise CheckpointError(
                    f"{member.name} has {field} {getattr(member, field)}, {first.name} has "
                    f"{getattr(first, field)}; {REMEDY}."
                )
    return ModelConfig(
        name=name,
        tower=" + ".join(member.tower for member in members),
        image_size=first.image_size,
        levels=first.levels,
        grid_level=first.grid_level,
        token_width=sum(member.token_width for member in members),
        embed_dim=sum(member.embed_dim for member in members),
        context_blocks=first.context_blocks,
        sparse_heads=1,
        mean=first.mean,
        std=first.std,
    )


def build_ensemble(name: str, members: Sequence[ModelConfig]) -> PatchCLIP:
    """An ensemble of untrained members.

    Raises:
        CheckpointError: see `ensemble_config`; or the members' patches do not lie on one grid.
    """
    config = ensemble_config(name, members)
    parts = [build(member) for member in members]
    towers = [part.tower for part in parts]
    if any(tower.grids != towers[0].grids for tower in towers):
        raise CheckpointError(f"The patches of {config.tower} do not lie on one grid; {REMEDY}.")
    tokens = [member.token_width for member in members]
    whole = Parts(
        tower=EnsembleTower(towers),
        neck=_Neck([part.neck for part in parts], len(config.levels)),
        projection=_Weighed([part.projection for part in parts], tokens),
        pool=_Pool([part.pool for part in parts], tokens),
        sparse=None,
        global_projection=_Weighed(
            [part.global_projection for part in parts], [tower.pooled_width for tower in towers]
        ),
        text_projection=_Text([part.text_projection for part in parts]),
        logit_scale=nn.Parameter(torch.tensor(0.0)),
        logit_bias=nn.Parameter(torch.tensor(0.0)),
        members=tuple(members),
    )
    return PatchCLIP(config, whole)


@torch.no_grad()
def ensemble_of(title: str, models: Sequence[PatchCLIP]) -> PatchCLIP:
    """An ensemble of trained models, with copies of their weights.

    The logit of a patch, of the global and of the pooled embedding is the mean of the members' logits, where
    a prompt pair has one wording for each end; with several, whose mean is normalised once for all members
    rather than for each, it is nearly that. The smooth maximum over patches is taken of the mean map, which
    is not the mean of the members' maxima.

    With a member's text t_i, embedding e_i and scale s_i, and N members, the joint text is
    (t_1, t_2, ...) / sqrt(N) and the joint embedding (s_1 e_1, s_2 e_2, ...) / sqrt(N).

    title: the ensemble's name.

    Raises:
        CheckpointError: see `build_ensemble`; or one of them is an ensemble, or a published model.
    """
    for model in models:
        if model.members or model.published:
            kind = "an ensemble itself" if model.members else "a published model"
            raise CheckpointError(f"{model.config.name} is {kind}; {REMEDY}.")
    whole = build_ensemble(title, [model.config for model in models])
    for number, model in enumerate(models):
        whole.tower.members[number].load_state_dict(model.tower.state_dict())
        for name in ("neck", "projection", "pool", "global_projection", "text_projection"):
            getattr(whole, name).members[number].load_state_dict(getattr(model, name).state_dict())
    weights = torch.stack([model.pair_scale for model in models]) / math.sqrt(len(models))
    for part in (whole.projection, whole.global_projection):
        assert isinstance(part, _Weighed)
        part.weights.copy_(weights)
    whole.logit_bias.copy_(torch.stack([model.logit_bias for model in models]).mean())
    return whole.eval().requires_grad_(False)
