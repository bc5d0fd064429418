"""What a fold's model says of the patients that it never saw: scores of images, and whether maps are
right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from patchclip.data.tables import read_json
from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint
from patchclip.text.vocabulary import Vocabulary
from trainer.batches.targets import NEGATIVE, POSITIVE, patch_targets
from trainer.calibrate.calibration import trained_branches
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.data.sample import Shape
from trainer.data.states import state_table
from trainer.fit.validation import DevLogits, dev_logits
from trainer.objective.prompts import PromptBank

FILE = "held_out.json"
WHOLE_RECIPE_BUT = ("dev_offset",)
"""Fields of `data` in which the folds of one cross-validation differ."""


@dataclass(frozen=True, slots=True)
class Localisation:
    """How well a map finds the boxes that one source drew of one finding on one image.

    Attributes:
        image: its number in the fold.
        label: of the finding.
        source: who drew the boxes.
        hit: whether the centre of the brightest patch lies in one of them.
        patch_auroc: P(a patch under the boxes is brighter than one outside), patches that they cut in part
            left out; None without patches of both kinds.
    """

    image: int
    label: str
    source: str
    hit: bool
    patch_auroc: float | None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One fold. N images, K findings.

    Attributes:
        labels: the findings.
        patients: [N], a number per patient of the fold; it says nothing outside of it.
        cohorts, views: [N], in words; a view is "" where it is not known.
        states: int8 [N, K], see `trainer.data.states.state_table`.
        scores: float32 [N, K], mean logit of the branches that the recipe trains; uncalibrated, so comparable
            within the fold alone.
        localisations: of every finding that is boxed on an image.
        recipe: of the run, but for the fields in which folds differ.
    """

    labels: tuple[str, ...]
    patients: tuple[int, ...]
    cohorts: tuple[str, ...]
    views: tuple[str, ...]
    states: NDArray[np.int8]
    scores: NDArray[np.float32]
    localisations: tuple[Localisation, ...]
    recipe: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Writes it into a run's folder."""
        record = asdict(self) | {"states": self.states.tolist(), "scores": self.scores.astype(float).tolist()}
        (folder / FILE).write_text(json.dumps(record) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> HeldOut:
        """Inverse of `save`.

        Raises:
            DataError: the file is missing or malformed.
        """
        record = read_json(folder / FILE, dict)
        try:
            return cls(
                tuple(record["labels"]),
                tuple(record["patients"]),
                tuple(record["cohorts"]),
                tuple(record["views"]),
                np.array(record["states"], np.int8),
                np.array(record["scores"], np.float32),
                tuple(Localisation(**item) for item in record["localisations"]),
                record["recipe"],
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"{folder / FILE} is damaged; remove it, and the fold is predicted again."
            ) from error


def predict_held_out(
    folder: Path,
    config: FitConfig,
    items: Sequence[Loaded],
    device: torch.device,
    vocabulary: Vocabulary | None = None,
) -> HeldOut:
    """Predictions of a run's last checkpoint, which no held-out figure has chosen, unlike its best one.

    Args:
        folder: of the run.
        config: its recipe.
        items: decoded images that it held out, at the model's input size.
        device: to compute on.
        vocabulary: what the model is asked; the one that it learnt unless given.
    """
    checkpoint = load_checkpoint(folder / "last")
    vocabulary = vocabulary or checkpoint.vocabulary
    model, labels = checkpoint.model.to(device), vocabulary.labels
    bank = PromptBank(model, vocabulary, labels).to(device)
    mirror = config.augment.mirror > 0
    logits = dev_logits(model, bank, items, config.model.image_size, device, mirror=mirror)
    return held_out_of(logits, config, items, labels)


def held_out_of(
    logits: DevLogits, config: FitConfig, items: Sequence[Loaded], labels: Sequence[str]
) -> HeldOut:
    """The same from logits that a model of that recipe gave these images for these findings."""
    people = [(item.sample.patients, item.sample.patient or item.sample.path.name) for item in items]
    numbers = {person: number for number, person in enumerate(dict.fromkeys(people))}
    recipe = config.to_dict()
    recipe["data"] = {key: value for key, value in recipe["data"].items() if key not in WHOLE_RECIPE_BUT}
    return HeldOut(
        tuple(labels),
        tuple(numbers[person] for person in people),
        tuple(item.sample.patients for item in items),
        tuple(item.sample.view or "" for item in items),
        state_table(items, labels),
        np.mean([logits.image[branch] for branch in trained_branches(config.loss)], axis=0),
        tuple(
            place
            for number, item in enumerate(items)
            for place in _localisations(number, item, labels, logits.patches[number])
        ),
        recipe,
    )


def _localisations(
    number: int, item: Loaded, labels: Sequence[str], maps: NDArray[np.float32]
) -> list[Localisation]:
    """maps: [K, R, C], -inf in the padding."""
    groups: dict[tuple[str, str], list[Shape]] = {}
    for shape in item.sample.shapes:
        groups.setdefault((shape.label, shape.source), []).append(shape)
    rows, cols = maps.shape[1:]
    result: list[Localisation] = []
    for (label, source), shapes in groups.items():
        values = maps[list(labels).index(label)]
        corners = [item.placed(shape.points) for shape in shapes]
        row, col = np.unravel_index(int(values.argmax()), values.shape)
        point = np.array([(col + 0.5) / cols, (row + 0.5) / rows])
        hit = any(
            bool((box.min(axis=0) <= point).all() and (point <= box.max(axis=0)).all()) for box in corners
        )
        targets = patch_targets([box * (cols, rows) for box in corners], rows, cols)
        counted = np.isfinite(values) & ((targets == POSITIVE) | (targets == NEGATIVE))
        truth = targets[counted] == POSITIVE
        both = truth.any() and not truth.all()
        area = float(roc_auc_score(truth, values[counted])) if both else None
        result.append(Localisation(number, label, source, hit, area))
    return result
