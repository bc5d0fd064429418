"""Where predictions come from: what a model must offer, and how it is asked about a whole dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tqdm import tqdm

from patchclip.errors import RadiographError
from patchclip.evaluate.case import Case, Prediction
from patchclip.evaluate.dataset import EvaluationImage
from patchclip.evaluate.deletion import CurveAreas
from patchclip.evaluate.method import Method


@dataclass(frozen=True, slots=True)
class UsableMethods:
    """Saliency methods that a model can give, and for each other one the reason why it cannot."""

    names: tuple[str, ...]
    reasons: dict[str, str]


class ModelFacts(Protocol):
    """What figures need to know of a model.

    Attributes:
        name, sha256: which it is.
        backend: what computes it, as `Engine.backend` says; None where nothing is computed.
        labels: findings that it knows.
        uncalibrated: those whose `probability` is a score that ranks images and no more.
    """

    name: str
    sha256: str
    backend: str | None
    labels: tuple[str, ...]
    uncalibrated: frozenset[str]


class Predictor(ModelFacts, Protocol):
    """A model as evaluation asks it."""

    def usable(self, methods: Sequence[str]) -> UsableMethods:
        """Which of these saliency methods the model can give."""
        ...

    def predict(self, image: EvaluationImage, saliency: Sequence[tuple[str, str]]) -> Prediction:
        """Predicts one image, with these (method, label) saliency maps.

        Raises:
            RadiographError: the image cannot be read.
        """
        ...

    def faithfulness(
        self, image: EvaluationImage, label: str, methods: Sequence[str]
    ) -> dict[Method, CurveAreas]:
        """Deletion and insertion areas of the patch map and these methods; empty without a model to ask."""
        ...


@dataclass(frozen=True, slots=True)
class Predicted:
    """The cases of a dataset, and a sentence for each image that could not be read."""

    cases: list[Case]
    left_out: list[str]


def predict_all(
    predictor: Predictor, images: Sequence[EvaluationImage], saliency: dict[str, list[tuple[str, str]]]
) -> Predicted:
    """Predicts every image; saliency: name of an image -> (method, label) maps to be made of it."""
    cases: list[Case] = []
    left_out: list[str] = []
    for image in tqdm(images, desc="images", unit="image"):
        try:
            cases.append(Case(image, predictor.predict(image, saliency.get(image.name, []))))
        except RadiographError as error:
            lost = sum(len(boxes) for boxes in image.boxes.values())
            left_out.append(f"{image.name}: {error}{f' ({lost} boxes with it)' if lost else ''}")
    return Predicted(cases, left_out)
