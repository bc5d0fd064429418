"""What a training run is: one dataclass a concern, checked when it is made; recipes are JSON files of the same shape."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from patchclip.errors import DataError
from patchclip.model.config import ModelConfig


@dataclass(frozen=True)
class DataConfig:
    """What is learnt from, and how it is sampled."""

    dev_fraction: float = 0.12
    """Share of the training patients held out for choosing the best epoch, calibration and thresholds; never trained on."""
    samples_per_epoch: int = 2400
    """Images drawn in an epoch, with replacement, balanced by finding and kind of supervision."""
    boxed_weight: float = 2.5
    """How much likelier an image with boxes is drawn than one without."""
    rare_power: float = 0.5
    """Images are drawn in proportion to (1 / frequency of their rarest finding) to this power; 0 draws all alike."""
    not_mentioned_weight: float = 0.5
    """Weight of "the report does not mention it" as absence, at image level; 0 takes only explicit absence."""
    not_mentioned_patch_weight: float = 0.3
    """The same for the patches of such an image."""
    tau: float = 0.5
    """A patch covered by boxes at least this much is positive; one touched less is ignored."""
    cache_margin: float = 1.17
    """Images are kept in memory at this multiple of the model's input size, so that zooming in loses nothing."""
    labelled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Dataset folder's name -> the findings that its `labels` speak of, where these are not NIH's fourteen; of others nothing is known."""
    workers: int = 1
    """Processes that prepare batches; 0 prepares them in the training process."""


@dataclass(frozen=True)
class AugmentConfig:
    """Mild augmentation that a radiograph could have had from another exposure; no large rotation."""

    rotation: float = 8.0
    """Degrees, uniform on both sides."""
    zoom: tuple[float, float] = (0.9, 1.12)
    """Scale, log-uniform."""
    shift: float = 0.04
    """Translation as a fraction of the side, uniform on both sides and axes."""
    stretch: float = 0.05
    """Change of the aspect ratio, uniform on both sides."""
    gamma: float = 0.2
    """Spread of the log of the exponent."""
    contrast: float = 0.2
    """Spread of gain, and half of it for brightness."""
    noise: float = 0.02
    """Largest standard deviation of additive Gaussian noise."""
    blur: float = 0.2
    """Probability of a light Gaussian blur."""
    mirror: float = 0.0
    """Probability of a left-right mirror image, outlines with it. Right only while no prompt that is trained on names a side: sides
    are then a matter of geometry (see `patchclip.text.query`), which a mirror image leaves true."""


@dataclass(frozen=True)
class LossConfig:
    """Weights of the terms; the first four are the paper's (1, 1, 1, 0.5)."""

    global_: float = 1.0
    pooled: float = 1.0
    patch: float = 1.0
    sparse: float = 0.5
    mil: float = 0.5
    """Multiple-instance term: smooth maximum over patches against the image label."""
    balance_power: float = 0.5
    """Positives weigh (negatives / positives) to this power; 0 leaves them alone, 1 balances fully."""
    balance_limit: float = 100.0
    rare_images: int = 100
    """A finding present on fewer images than this weighs less, in proportion."""

    def __post_init__(self) -> None:
        if min(self.global_, self.pooled, self.patch, self.sparse, self.mil) < 0:
            raise DataError("A loss weight is negative; set each to 0 or more.")
        if self.global_ + self.pooled + self.patch + self.mil == 0:
            raise DataError("Every loss weight is 0, so nothing would be learnt; set at least one above 0.")


@dataclass(frozen=True)
class OptimConfig:
    """Optimiser and schedule."""

    batch_size: int = 16
    lr_heads: float = 1.5e-3
    lr_tower: float = 5e-4
    lr_text: float = 5e-4
    weight_decay: float = 0.02
    warmup_steps: int = 100
    clip: float = 2.0
    ema_decay: float = 0.995
    drop_path: float = 0.0
    """Stochastic depth (Huang et al., ECCV 2016): probability of skipping the tower's last residual block, falling to 0 at the first."""
    epochs: tuple[int, ...] = (8, 8)
    """Epochs in each stage."""
    sizes: tuple[int, ...] = (288, 384)
    """Side of the model input in each stage; the last is the size that the model is shipped with."""

    def __post_init__(self) -> None:
        if len(self.epochs) != len(self.sizes) or not self.epochs or min(self.epochs) < 1:
            raise DataError(f"epochs {self.epochs} and sizes {self.sizes} must be of one length, each epoch count at least 1.")
        if self.batch_size < 1:
            raise DataError(f"batch_size is {self.batch_size}; set it to 1 or more.")


@dataclass(frozen=True)
class FitConfig:
    """Everything that decides a run, beside the data folders themselves."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    pretrained: str = "imagenet-mobilenetv2"
    """Where the tower starts: "imagenet-mobilenetv2", "none", or the path of a Patch-CLIP checkpoint."""
    seed: int = 0
    save_every: int = 100
    """Steps between resumable checkpoints."""

    def __post_init__(self) -> None:
        if self.optim.sizes[-1] != self.model.image_size:
            raise DataError(
                f"The last stage trains at {self.optim.sizes[-1]} px but the model is configured for {self.model.image_size}; make them equal."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only."""
        plain: dict[str, Any] = json.loads(json.dumps({**asdict(self), "model": self.model.to_dict()}))
        return plain

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FitConfig:
        """Inverse of `to_dict`; missing fields take their defaults, unknown ones are an error."""
        parts: dict[str, Any] = {"data": DataConfig, "augment": AugmentConfig, "loss": LossConfig, "optim": OptimConfig}
        known: dict[str, Any] = {}
        for key, value in values.items():
            if key == "model":
                known[key] = ModelConfig.from_dict(value)
            elif key in parts:
                try:
                    known[key] = parts[key](**{name: tuple(item) if isinstance(item, list) else item for name, item in value.items()})
                except TypeError as error:
                    raise DataError(
                        f'The recipe\'s section "{key}" has a field that does not exist ({error}); correct or remove it.'
                    ) from error
            elif key in cls.__dataclass_fields__:
                known[key] = value
            else:
                raise DataError(f'The recipe has an unknown section "{key}"; known are {", ".join(cls.__dataclass_fields__)}.')
        return cls(**known)

    @classmethod
    def from_file(cls, path: Path) -> FitConfig:
        """Reads a recipe."""
        try:
            return cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise DataError(f"There is no recipe {path}; give the path of a JSON file such as trainer/recipes/default.json.") from error
        except json.JSONDecodeError as error:
            raise DataError(f"The recipe {path} is not valid JSON (line {error.lineno}); correct it.") from error
