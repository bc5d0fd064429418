"""What a training run is: one dataclass a concern, checked when it is made; recipes are JSON files of the same shape."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from patchclip.errors import DataError
from patchclip.model.config import ModelConfig
from trainer.fit.precision import PRECISIONS


@dataclass(frozen=True)
class DataConfig:
    """What is learnt from, and how it is sampled."""

    dev_fraction: float = 0.12
    """Share of the training patients held out for choosing the best epoch, calibration and thresholds; never trained on."""
    dev_offset: float = 0.0
    """Where in the fixed random order of patients that share begins: with dev_fraction 0.2, the offsets 0, 0.2, 0.4, 0.6 and 0.8 are the
    folds of a 5-fold cross-validation."""
    samples_per_epoch: int = 2400
    """Images drawn in an epoch, with replacement, balanced by finding and kind of supervision."""
    boxed_weight: float = 2.5
    """How much likelier an image with boxes is drawn than one without."""
    rare_power: float = 0.5
    """Images are drawn in proportion to (1 / frequency of their rarest finding) to this power; 0 draws all alike."""
    source_power: float = 0.0
    """Images are drawn in proportion to (1 / images of their dataset) to this power; 1 draws every dataset equally often."""
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
    implants: float = 0.0
    """Share of the drawn images known free of nodule and mass that get a drawn one, with its exact outline; see `trainer.batches.synthetic_lesions`."""
    sentences: int = 12
    """Sentences of a report that are learnt from, at most; the first ones."""
    workers: int = 1
    """Processes that prepare batches; 0 prepares them in the training process."""

    def __post_init__(self) -> None:
        if not 0 <= self.implants <= 1:
            raise DataError(f"data.implants is {self.implants}; set it to a share between 0 and 1.")
        if not (
            0 <= self.dev_fraction < 1
            and self.dev_offset >= 0
            and self.dev_offset + self.dev_fraction <= 1 + 1e-9
        ):
            raise DataError(
                f"dev_fraction {self.dev_fraction} and dev_offset {self.dev_offset} must be shares whose sum is at most 1; correct them."
            )


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
    patches_alone: bool = False
    """Only the patch and the multiple-instance term teach tower and neck; the global, pooled and sparse terms teach their own heads."""
    report: float = 0.0
    """Contrast of images with their whole reports, where there are any."""
    sentences: float = 0.0
    """Contrast of patches with the sentences of reports."""
    report_kind: str = "clip"
    """The form of the report term: "clip" (softmax over the batch) or "siglip" (a sigmoid for each pair)."""
    balance_power: float = 0.5
    """Positive patches weigh (negatives / positives) to this power; 0 leaves them alone, 1 balances fully."""
    image_balance_power: float = 0.5
    """The same for the image terms."""
    equal: float = 1.0
    """1 gives every finding the same weight however rarely it is read or drawn; 0 gives every known (image, finding) and every known patch
    the same; between them, known elements to the power 1 minus this."""
    balance_limit: float = 100.0
    rare_images: int = 100
    """A finding present on fewer images than this weighs less, in proportion."""

    def __post_init__(self) -> None:
        if min(self.global_, self.pooled, self.patch, self.sparse, self.mil, self.report, self.sentences) < 0:
            raise DataError("A loss weight is negative; set each to 0 or more.")
        if self.global_ + self.pooled + self.patch + self.mil + self.report + self.sentences == 0:
            raise DataError("Every loss weight is 0, so nothing would be learnt; set at least one above 0.")
        if self.report_kind not in ("clip", "siglip"):
            raise DataError(f'report_kind is "{self.report_kind}"; set it to "clip" or "siglip".')


@dataclass(frozen=True)
class OptimConfig:
    """Optimiser and schedule."""

    kind: str = "adamw"
    """"adamw" (Loshchilov & Hutter, ICLR 2019) or "sgd" (with Nesterov momentum)."""
    momentum: float = 0.9
    """Of SGD."""
    batch_size: int = 16
    """Images in one step, over all processes and all parts of an accumulated step."""
    accumulate: int = 1
    """Parts that a process takes its share of a batch in, one after another, to need less memory; the step is the same, but for batch norm,
    which sees one part at a time."""
    precision: str = "auto"
    """Arithmetic of the towers: "bf16", "fp16" (with loss scaling), "fp32", or "auto", whichever of them the machine computes fast."""
    compile: bool = False
    """Compile the tower (torch.compile): minutes at the start, for a faster step on some machines."""
    frozen: tuple[str, ...] = ()
    """Beginnings of the names of parameters that are not trained, e.g. "tower.visual" for the whole pretrained backbone."""
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
            raise DataError(
                f"epochs {self.epochs} and sizes {self.sizes} must be of one length, each epoch count at least 1."
            )
        if self.batch_size < 1:
            raise DataError(f"batch_size is {self.batch_size}; set it to 1 or more.")
        if self.accumulate < 1 or self.batch_size % self.accumulate:
            raise DataError(
                f"accumulate is {self.accumulate}; set it to a divisor of batch_size, which is {self.batch_size}."
            )
        for name, known in (("kind", ("adamw", "sgd")), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise DataError(
                    f'optim.{name} is "{getattr(self, name)}"; set it to one of {", ".join(known)}.'
                )


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
        if self.save_every < 1:
            raise DataError(f"save_every is {self.save_every}; set it to 1 or more steps.")
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
        """Inverse of `to_dict`; missing fields take their defaults.

        Raises:
            DataError: a section or field does not exist, or a value is of the wrong type or out of its range; names the field.
        """
        known: dict[str, Any] = {}
        types = get_type_hints(cls)
        for key, value in values.items():
            if key not in types:
                raise DataError(f'The recipe has an unknown section "{key}"; known are {", ".join(types)}.')
            if not is_dataclass(types[key]):
                known[key] = _typed(key, value, types[key])
                continue
            if not isinstance(value, dict):
                raise DataError(
                    f'The recipe\'s section "{key}" is {json.dumps(value)}; it must be an object with fields.'
                )
            hints = get_type_hints(types[key])
            if unknown := sorted(set(value) - set(hints)):
                raise DataError(
                    f'The recipe\'s section "{key}" has a field that does not exist ({unknown[0]}); correct or remove it. Its fields are '
                    f"{', '.join(hints)}."
                )
            known[key] = types[key](
                **{name: _typed(f"{key}.{name}", item, hints[name]) for name, item in value.items()}
            )
        return cls(**known)

    @classmethod
    def from_file(cls, path: Path) -> FitConfig:
        """Reads a recipe; errors as in `read_recipe` and `from_dict`."""
        return cls.from_dict(read_recipe(path))


def read_recipe(path: Path) -> dict[str, Any]:
    """A recipe as it is written, unchecked but for being a JSON object.

    Raises:
        DataError: it is missing, unreadable, or no JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(
            f"There is no file {path}; give the path of a recipe such as trainer/recipes/default.json."
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"The recipe {path} is not a text file; give the path of a JSON file.") from error
    except json.JSONDecodeError as error:
        raise DataError(f"The recipe {path} is not valid JSON (line {error.lineno}); correct it.") from error
    if not isinstance(values, dict):
        raise DataError(
            f"The recipe {path} is no JSON object; see trainer/recipes/default.json for its shape."
        )
    return values


_NAMES: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def _typed(where: str, value: Any, hint: Any) -> Any:
    """The value with lists as tuples, if it is of the annotated type; else a DataError that names the field."""
    if not _fits(value, hint):
        raise DataError(f"The recipe's {where} is {json.dumps(value)}; it must be {_named(hint)}.")
    return _frozen(value)


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            return False
        hints = [inner[0]] * len(value) if inner[-1] is ... else list(inner)
        return len(hints) == len(value) and all(
            _fits(item, kind) for item, kind in zip(value, hints, strict=True)
        )
    if origin is dict:
        return isinstance(value, dict) and all(
            isinstance(key, str) and _fits(item, inner[1]) for key, item in value.items()
        )
    if inner:  # X | None
        return any(_fits(value, kind) for kind in inner)
    if hint in (int, float) and isinstance(value, bool):
        return False  # to Python true is a 1
    return isinstance(value, (int, float) if hint is float else hint)


def _named(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is tuple:
        kinds = _NAMES[inner[0]].removeprefix("a ") + "s"
        return f"a list of {kinds}" if inner[-1] is ... else f"a list of {len(inner)} {kinds}"
    if origin is dict:
        return f"an object whose every value is {_named(inner[1])}"
    return " or ".join(_NAMES.get(kind, "null") for kind in inner or (hint,))


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(item) for key, item in value.items()}
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value
