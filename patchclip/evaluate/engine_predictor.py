"""An engine as a predictor: asked for each finding by its vocabulary name, its answers kept on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from patchclip.encoded import Encoded
from patchclip.engine import Engine
from patchclip.errors import SaliencyError
from patchclip.evaluate.case import Prediction, Reaction
from patchclip.evaluate.dataset import EvaluationImage
from patchclip.evaluate.deletion import CurveAreas, deletion_insertion
from patchclip.evaluate.method import PATCH_MAP, Method
from patchclip.evaluate.prediction_file import load_prediction, save_prediction
from patchclip.evaluate.predictor import UsableMethods
from patchclip.image import Radiograph, load_radiograph

CACHE_FORMAT = 5
"""To be raised with every change of what a prediction holds or how it comes about."""
OFF_TOPIC = ("fractured femur", "cat")
"""Asked of every image: they must light nothing and must warn."""


class EnginePredictor:
    """See `Predictor`; predictions are cached by pixels, model, and what computes it."""

    def __init__(self, engine: Engine, cache: Path) -> None:
        """cache: folder, made when needed."""
        self._engine = engine
        self._cache = cache
        self.name = engine.name
        self.sha256 = engine.sha256
        self.backend: str | None = engine.backend
        self.labels = engine.labels
        self.uncalibrated: frozenset[str] = frozenset()

    def usable(self, methods: Sequence[str]) -> UsableMethods:
        """See `Predictor`; each method is tried once on a plain gradient."""
        gradient = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
        encoded = self._engine.encode(Radiograph.from_array(gradient))
        query = self._query(self.labels[0])
        names: list[str] = []
        reasons: dict[str, str] = {}
        for method in methods:
            try:
                self._engine.saliency(encoded, query, method)
            except SaliencyError as error:
                reasons[method] = str(error)
            else:
                names.append(method)
        return UsableMethods(tuple(names), reasons)

    def predict(self, image: EvaluationImage, saliency: Sequence[tuple[str, str]]) -> Prediction:
        """See `Predictor`."""
        radiograph = load_radiograph(image.path)
        computed = f"{self.sha256}/{self.backend}/{radiograph.sha256}"
        key = hashlib.sha256(f"{CACHE_FORMAT}/{computed}".encode()).hexdigest()
        file = self._cache / key[:2] / f"{key}.npz"
        prediction = load_prediction(file)
        missing = [item for item in saliency if prediction is None or item not in prediction.saliency]
        if prediction is not None and not missing:
            return prediction
        encoded = self._engine.encode(radiograph)
        if prediction is None:
            prediction = self._predict(encoded)
        labels = list(dict.fromkeys(label for _, label in missing))
        methods = list(dict.fromkeys(method for method, _ in missing))
        queries = [self._query(label) for label in labels]
        for method, maps in self._engine.saliencies(encoded, queries, methods).items():
            for label, item in zip(labels, maps, strict=True):
                prediction.saliency[method, label] = item
        save_prediction(file, prediction)
        return prediction

    def faithfulness(
        self, image: EvaluationImage, label: str, methods: Sequence[str]
    ) -> dict[Method, CurveAreas]:
        """See `Predictor`."""
        encoded = self._engine.encode(load_radiograph(image.path))
        query = self._query(label)
        maps = {PATCH_MAP: self._engine.query(encoded, [query])[0].map}
        for method, items in self._engine.saliencies(encoded, [query], methods).items():
            maps[Method(method)] = items[0]
        pixels = encoded.pixels[0, 0].cpu().numpy()
        return {
            method: deletion_insertion(
                lambda changed: self._engine.rescore(encoded, changed, query).astype(np.float64),
                pixels,
                encoded.letterbox.uncrop_grid(item, *encoded.embeddings.grid),
            )
            for method, item in maps.items()
        }

    def _query(self, label: str) -> str:
        return self._engine.vocabulary.finding(label).name

    def _predict(self, encoded: Encoded) -> Prediction:
        """Everything but saliency."""
        queries = [self._query(label) for label in self.labels]
        answers = dict(zip(self.labels, self._engine.query(encoded, queries), strict=True))
        negated = self._engine.query(encoded, [f"no {query}" for query in queries])
        off_topic = self._engine.query(encoded, OFF_TOPIC)
        calibration = self._engine.checkpoint.calibration
        return Prediction(
            size=encoded.size,
            radiograph_sha256=encoded.radiograph_sha256,
            probability={label: answer.require_probability() for label, answer in answers.items()},
            maps={label: answer.map for label, answer in answers.items()},
            thresholds={label: answer.threshold for label, answer in answers.items()},
            overlap_thresholds={label: calibration.of(label).overlap_threshold for label in self.labels},
            min_patches=calibration.min_patches,
            cutoffs={label: calibration.of(label).image_threshold for label in self.labels},
            negated={
                label: answer.require_probability()
                for label, answer in zip(self.labels, negated, strict=True)
            },
            off_topic={
                answer.query: Reaction(
                    lit=bool(answer.regions) or bool(answer.map.values.any()), warned=bool(answer.warnings)
                )
                for answer in off_topic
            },
            saliency={},
        )
