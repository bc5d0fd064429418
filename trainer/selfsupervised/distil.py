"""Self-distillation without labels: a student foretells, of one view, what its own running average says of
another (BYOL: Grill et al., NeurIPS 2020), of the image and of every place that both views show (PixPro: Xie
et al., CVPR 2021)."""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from patchclip.model.tower import Tower
from trainer.selfsupervised.views import Views, places_in_other

HIDDEN, WIDTH = 512, 128
FIRST_DECAY = 0.99
"""Of the running average at the first step; it rises to 1 at the last."""


class Projector(nn.Sequential):
    """Channels of every place -> the space in which views are compared, [B, C, R, C] -> [B, WIDTH, R, C]."""

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, HIDDEN, 1, bias=False),
            nn.BatchNorm2d(HIDDEN),
            nn.ReLU(inplace=True),
            nn.Conv2d(HIDDEN, WIDTH, 1),
        )


class Projected(nn.Module):
    """A tower with a projection of its places and one of its pooled feature."""

    def __init__(self, tower: Tower, level: int, mean: float, std: float) -> None:
        """
        Args:
            tower: what is to be pretrained.
            level: which of its levels is compared place by place, counted among those that it gives.
            mean, std: of the grey values, as the model standardises them.
        """
        super().__init__()
        self.tower, self.level, self.mean, self.std = tower, level, mean, std
        self.places = Projector(tower.widths[level])
        self.image = Projector(tower.pooled_width)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 1, S, S] -> places [B, WIDTH, R, C] and images [B, WIDTH, 1, 1]."""
        out = self.tower(((pixels - self.mean) / self.std).expand(-1, 3, -1, -1))
        return self.places(out.levels[self.level]), self.image(out.pooled[:, :, None, None])


class Distillation(nn.Module):
    """Student, what it foretells with, and the teacher that is its running average."""

    def __init__(self, tower: Tower, level: int, mean: float, std: float) -> None:
        """Arguments as of `Projected`; the tower is learnt in place."""
        super().__init__()
        self.student = Projected(tower, level, mean, std)
        self.teacher: Projected = copy.deepcopy(self.student).requires_grad_(False)
        self.foretell_places, self.foretell_image = Projector(WIDTH), Projector(WIDTH)

    def forward(self, views: Views) -> dict[str, Tensor]:
        """The loss, by its two terms, each in [0, 4]; and `spread`, the standard deviation over the batch of
        the teacher's unit image vectors times the square root of WIDTH: about 1, and 0 if all images have
        become one."""
        with torch.no_grad():
            taught = [self.teacher(pixels) for pixels in views.pixels]
        places, images = [], []
        for one, other in ((0, 1), (1, 0)):
            seen, whole = self.student(views.pixels[one])
            grid = (seen.shape[2], seen.shape[3])
            where, both = places_in_other(views.matrices[one], views.matrices[other], grid)
            target = F.grid_sample(taught[other][0].float(), 2 * where - 1, align_corners=False)
            likeness = F.cosine_similarity(self.foretell_places(seen).float(), target, dim=1)
            places.append(2 - 2 * (likeness * both).sum() / both.sum().clamp(min=1))
            said = self.foretell_image(whole).float()
            images.append(2 - 2 * F.cosine_similarity(said, taught[other][1].float(), dim=1).mean())
        unit = F.normalize(taught[0][1].float().flatten(1), dim=1)
        terms = {"places": torch.stack(places).mean(), "image": torch.stack(images).mean()}
        return {
            "total": terms["places"] + terms["image"],
            **terms,
            "spread": unit.std(dim=0).mean() * math.sqrt(WIDTH),
        }

    @torch.no_grad()
    def follow(self, done: float) -> None:
        """Moves the teacher towards the student.

        done: share of the steps that are behind, in [0, 1].
        """
        decay = 1 - (1 - FIRST_DECAY) * (math.cos(math.pi * done) + 1) / 2
        pairs = zip(self.teacher.state_dict().values(), self.student.state_dict().values(), strict=True)
        for mean, value in pairs:
            if mean.is_floating_point():
                mean.lerp_(value, 1 - decay)
            else:
                mean.copy_(value)
