"""What a training run is: one dataclass per concern, typed and checked when it is made.

The defaults are the recipe "nih", which the others change. Each field's docstring is what `python -m
trainer fit --help` says of it.
"""

from __future__ import annotations

import json
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from patchclip.errors import DataError
from patchclip.model.config import ModelConfig
from trainer import recipe

STRICT = ConfigDict(
    strict=True,  # a recipe's true is no 1, and its "8" no 8
    extra="forbid",
    allow_inf_nan=False,
    validate_by_name=True,
    use_attribute_docstrings=True,
)


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """What is learnt from, and how it is sampled."""

    dev_fraction: float = 0.12
    """Share of the training patients held out for choosing the best epoch, calibration and thresholds; never
    trained on."""
    dev_offset: float = 0.0
    """Where in the fixed random order of patients that share begins: with dev_fraction 0.2, the offsets 0,
    0.2, 0.4, 0.6 and 0.8 are the folds of a 5-fold cross-validation."""
    samples_per_epoch: int = 2160
    """Images drawn in an epoch, with replacement, balanced by finding and kind of supervision."""
    boxed_weight: float = 1.0
    """How much likelier an image with boxes is drawn than one without."""
    rare_power: float = 0.0
    """Images are drawn in proportion to (1 / frequency of their rarest finding) to this power; 0 draws all
    alike."""
    source_power: float = 0.0
    """Images are drawn in proportion to (1 / images of their dataset) to this power; 1 draws every dataset
    equally often."""
    not_mentioned_weight: float = 1.0
    """Weight of "the report does not mention it" as absence, at image level; 0 takes only explicit
    absence."""
    not_mentioned_patch_weight: float = 0.0
    """The same for the patches of such an image."""
    tau: float = 0.5
    """A patch covered by boxes at least this much is positive; one touched less is ignored."""
    cache_margin: float = 1.17
    """Images are kept in memory at this multiple of the model's input size, so that zooming in loses
    nothing."""
    labelled: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Dataset folder's name -> the findings that its `labels` speak of, where these are not NIH's fourteen;
    of others nothing is known."""
    cohorts: dict[str, str] = field(default_factory=lambda: {"nih_hires": "nih", "nih_nodules": "nih"})
    """Dataset -> whose patients it shows: no patient of a cohort is on both sides of the held-out line, and
    an image that stands in two of its folders is one image."""
    reader_power: float = 1.0
    """What a share of the readers saw weighs that share to this power; 0 takes one reader's word for all."""
    source_balance: float = 0.0
    """1 weighs the images of each finding so that it is as often present in every group of `balanced_by`, and
    none stands for it; 0 does not, and between them the weights are to this power."""
    balanced_by: tuple[Literal["source", "view", "resolution"], ...] = ("source",)
    """What makes the groups of `source_balance`: cohort, view, and whether an image has fewer pixels than the
    model's input."""
    implants: float = 0.0
    """Share of the drawn images known free of nodule and mass that get a synthetic one, with its exact
    outline."""
    sentences: int = 12
    """Sentences of a report that are learnt from, at most; the first ones."""
    shards_at_once: int = 8
    """Of data in shards, an epoch's images are read from so many of them at a time, in random order; of all
    else it changes nothing."""
    workers: int = 1
    """Processes that prepare batches; 0 prepares them in the training process."""

    def __post_init__(self) -> None:
        if not 0 <= self.implants <= 1:
            raise DataError(f"data.implants is {self.implants}; set it to a share between 0 and 1.")
        if not (0 <= self.source_balance <= 1 and self.balanced_by):
            raise DataError(
                f"data.source_balance is {self.source_balance} by {list(self.balanced_by)}; set it between 0 "
                "and 1, by at least one property."
            )
        if self.shards_at_once < 1:
            raise DataError(f"data.shards_at_once is {self.shards_at_once}; set it to 1 or more.")
        if self.reader_power < 0:
            raise DataError(f"data.reader_power is {self.reader_power}; set it to 0 or more.")
        last = self.dev_offset + self.dev_fraction
        if not (0 <= self.dev_fraction < 1 and self.dev_offset >= 0 and last <= 1 + 1e-9):
            raise DataError(
                f"data.dev_fraction {self.dev_fraction} and data.dev_offset {self.dev_offset} must be shares "
                "whose "
                "sum is at most 1; correct them."
            )


@dataclass(frozen=True, config=STRICT)
class AugmentConfig:
    """Mild augmentation that a radiograph could have had from another exposure; no large rotation."""

    rotation: float = 9.0
    """Degrees, uniform on both sides."""
    zoom: tuple[float, float] = (0.87, 1.15)
    """Scale, log-uniform."""
    shift: float = 0.05
    """Translation as a fraction of the image's size, uniform on both sides and axes."""
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
    mirror: float = 0.5
    """Probability of a left-right mirror image, outlines with it. Right only while no prompt that is trained
    on names a laterality: that is then a matter of geometry (see `patchclip.text.query`), which a mirror
    image leaves true."""


@dataclass(frozen=True, config=STRICT)
class LossConfig:
    """Weights of the terms; those of the paper are 1 for global, pooled and patch, 0.5 for sparse, and no
    other."""

    global_: float = Field(default=0.25, validation_alias="global", serialization_alias="global")
    """Image-level term on the tower's global embedding."""
    pooled: float = 0.25
    """Image-level term on the attention-pooled patches."""
    patch: float = 1.0
    """Term on every patch under or outside an outline."""
    sparse: float = 0.25
    """Term of the sparse branch on sets of patches. The branch is a training objective alone: no answer
    stands on it, and with `patches_alone` the term reaches neither tower nor neck."""
    mil: float = 1.0
    """Multiple-instance term: smooth maximum over patches against the image label."""
    patches_alone: bool = True
    """Only the patch and the multiple-instance term teach tower and neck; the global, pooled and sparse terms
    teach their own heads."""
    report: float = 0.0
    """Contrast of images with their whole reports, where there are any."""
    sentences: float = 0.0
    """Contrast of patches with the sentences of reports."""
    report_kind: Literal["clip", "siglip"] = "clip"
    """The form of the report term: "clip" (softmax over the batch) or "siglip" (a sigmoid for each pair)."""
    balance_power: float = 0.35
    """Positive patches weigh (negatives / positives) to this power; 0 leaves them alone, 1 balances fully."""
    image_balance_power: float = 0.0
    """The same for the image terms."""
    equal: float = 0.0
    """1 gives every finding the same weight however rarely it is read or drawn; 0 gives every known (image,
    finding) and every known patch the same; between them, known elements to the power 1 minus this."""
    balance_limit: float = 20.0
    """A positive weighs at most so much more than a negative."""
    patch_unit: Literal["patch", "outline"] = "patch"
    """What counts once in the patch term: "patch" is every known patch, weighed by `balance_power`, `equal`
    and `balance_limit`; "outline" is every (image, finding) with known patches, so that a nodule of two
    patches says as much as an effusion of two hundred."""
    positive_mean: float = 0.5
    """With patch_unit "outline": weight of the mean over a finding's positive patches on an image."""
    negative_mean: float = 2.0
    """With patch_unit "outline": weight of the mean over its negative ones."""
    taught_image: float = 0.0
    """Term of what the recipe's `teachers` say of the image, beside the multiple-instance term."""
    taught_patch: float = 0.0
    """Term of what they say of every patch."""
    taught_lit: float = 0.5
    """How much more the patches that the teachers light weigh in it than all patches together weigh."""
    label_noise: float = 0.0
    """1 learns what was mined from reports through how often such labels are wrong, as counted where readers
    looked too (see `trainer.objective.label_noise`); 0 takes them at their word; between them they are
    wrong so much more rarely. Readings and outlines are always taken at their word."""
    rare_images: int = 1
    """A finding present on fewer images than this weighs less, in proportion; 0 lets even one that is
    present on none weigh as the others do."""

    def __post_init__(self) -> None:
        if min(self.weights.values()) < 0:
            raise DataError("A loss weight is negative; set each to 0 or more.")
        if min(self.positive_mean, self.negative_mean) < 0:
            raise DataError("loss.positive_mean or loss.negative_mean is negative; set each to 0 or more.")
        if not 0 <= self.label_noise <= 1:
            raise DataError(f"loss.label_noise is {self.label_noise}; set it between 0 and 1.")
        if self.taught_lit < 0:
            raise DataError("loss.taught_lit is negative; set it to 0 or more.")
        if not any(weight for name, weight in self.weights.items() if name != "sparse"):
            raise DataError("Every loss weight is 0, so nothing would be learnt; set at least one above 0.")

    @property
    def weights(self) -> dict[str, float]:
        """Term -> its weight in the total."""
        return {
            "global": self.global_,
            "pooled": self.pooled,
            "patch": self.patch,
            "mil": self.mil,
            "sparse": self.sparse,
            "report": self.report,
            "sentences": self.sentences,
            "taught_image": self.taught_image,
            "taught_patch": self.taught_patch,
        }


@dataclass(frozen=True, config=STRICT)
class OptimConfig:
    """Optimiser and schedule."""

    kind: Literal["adamw", "sgd"] = "adamw"
    """"adamw" (Loshchilov & Hutter, ICLR 2019) or "sgd" (with Nesterov momentum)."""
    momentum: float = 0.9
    """Of SGD."""
    batch_size: int = 16
    """Images in one step, over all processes and all parts of an accumulated step."""
    accumulate: int = 1
    """Parts that a process takes its share of a batch in, one after another, to need less memory; the step is
    the same, but for batch norm, which sees one part at a time."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Arithmetic of the towers: "bf16", "fp16" (with loss scaling), "fp32", or "auto", whichever of them the
    machine computes fast."""
    compile: bool = False
    """Compile the tower (torch.compile): minutes at the start, for a faster step on some machines."""
    frozen: tuple[str, ...] = ()
    """Beginnings of the names of parameters that are not trained, e.g. "tower.visual" for the whole
    pretrained backbone."""
    lr_heads: float = 5e-4
    """Learning rate of everything that is new: neck, projections, branches."""
    lr_tower: float = 5e-4
    """Learning rate of the pretrained tower."""
    lr_text: float = 2e-5
    """Learning rate of the text projection, or of the text tower where the recipe has one."""
    weight_decay: float = 0.01
    """Decoupled decay of matrices and kernels; norms, biases and scales are not decayed."""
    warmup_steps: int = 100
    """Steps of linear warm-up, at most a tenth of the run."""
    clip: float = 2.0
    """Largest norm of the gradient."""
    ema_decay: float = 0.995
    """Decay of the moving average of the weights, which is what is validated and kept."""
    drop_path: float = 0.0
    """Stochastic depth (Huang et al., ECCV 2016): probability of skipping the tower's last residual block,
    falling to 0 at the first."""
    shard_tower: bool = False
    """With many processes, each keeps a part of every block of the tower, of its gradients and of the
    optimiser's state (FSDP), for towers that one GPU does not hold with all of that; steps and results are
    the same. Not with "fp16"."""
    epochs: tuple[int, ...] = (7, 3)
    """Epochs in each stage."""
    sizes: tuple[int, ...] = (320, 384)
    """Size of the model input in each stage, in pixels; the last is the size that the model is shipped
    with."""

    def __post_init__(self) -> None:
        if len(self.epochs) != len(self.sizes) or not self.epochs or min(self.epochs) < 1:
            raise DataError(
                f"optim.epochs {self.epochs} and optim.sizes {self.sizes} must be of one length, each epoch "
                "count at "
                "least 1; correct them."
            )
        if self.shard_tower and self.precision == "fp16":
            raise DataError(
                'optim.shard_tower does not go with precision "fp16", whose scaled gradients would be '
                "checked in "
                'parts; use "bf16" or "fp32".'
            )
        if self.batch_size < 1:
            raise DataError(f"optim.batch_size is {self.batch_size}; set it to 1 or more.")
        if self.accumulate < 1 or self.batch_size % self.accumulate:
            raise DataError(
                f"optim.accumulate is {self.accumulate}; set it to a divisor of batch_size, which is "
                f"{self.batch_size}."
            )


@dataclass(frozen=True, config=STRICT)
class FitConfig:
    """Everything that decides a run, beside the data folders themselves."""

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    pretrained: str = "imagenet-mobilenetv2"
    """Where the tower starts: "none"; "imagenet-mobilenetv2", "imagenet-efficientnet-lite0" or
    "imagenet-efficientnet-lite2", from an installed package; "open_clip:" and a pretraining tag or weight
    file of the recipe's open_clip tower; "trunk:" and a file of `trainer pretrain`; or the folder of a
    Patch-CLIP checkpoint."""
    teachers: tuple[str, ...] = ()
    """Folders of Patch-CLIP checkpoints whose answers are learnt from, beside the labels: see
    `loss.taught_image` and `loss.taught_patch`."""
    seed: int = 0
    """Of everything that is drawn: weights, held-out patients, batches, augmentation."""
    save_every: int = 100
    """Steps between resumable checkpoints."""

    def __post_init__(self) -> None:
        if self.save_every < 1:
            raise DataError(f"save_every is {self.save_every}; set it to 1 or more steps.")
        if bool(self.teachers) != bool(self.loss.taught_image or self.loss.taught_patch):
            raise DataError(
                "Teachers are learnt from where they are named and weigh something; set both teachers and "
                "loss.taught_image or loss.taught_patch, or neither."
            )
        if self.optim.sizes[-1] != self.model.image_size:
            raise DataError(
                f"The last stage trains at {self.optim.sizes[-1]} px but the model is configured for "
                f"{self.model.image_size}; make optim.sizes and model.image_size equal."
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types only, as a recipe writes them."""
        plain: dict[str, Any] = _ADAPTER.dump_python(self, mode="json", by_alias=True)
        return plain

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FitConfig:
        """Inverse of `to_dict`; missing fields take their defaults.

        Raises:
            DataError: a section or field does not exist, or a value is of the wrong type or out of its range;
                names the field.
        """
        try:
            # As JSON: there, and only there, strict typing takes a list for a tuple.
            return _ADAPTER.validate_json(json.dumps(values))
        except ValidationError as error:
            first = error.errors()[0]
            raise DataError(recipe.sentence(first["loc"], values, recipe_fields())) from error

    @classmethod
    def from_file(cls, path: Path) -> FitConfig:
        """Reads a recipe; errors as in `trainer.recipe.read_recipe` and `from_dict`."""
        return cls.from_dict(recipe.read_recipe(path))


_ADAPTER = TypeAdapter(FitConfig)


def recipe_fields() -> list[recipe.RecipeField]:
    """Every field of a recipe in its order, with what its docstring says."""
    return recipe.fields_of(_ADAPTER.json_schema(), FitConfig().to_dict())
