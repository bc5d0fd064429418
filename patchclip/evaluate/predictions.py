"""What a model says about each image of a dataset, and an engine as the source of it, cached on disk."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from patchclip.encoded import Encoded
from patchclip.engine import Engine
from patchclip.errors import RadiographError, SaliencyError
from patchclip.evaluate.claim import PATCH_MAP
from patchclip.evaluate.dataset import EvaluationImage
from patchclip.evaluate.faithfulness import deletion_insertion
from patchclip.files import atomic
from patchclip.image import Radiograph, load_radiograph
from patchclip.types import PatchMap

CACHE_FORMAT = 4  # to be raised with every change of what a prediction holds or how it comes about
OFF_TOPIC = ("fractured femur", "cat")
"""Asked of every image: they must light nothing and must warn."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One model on one image.

    Attributes:
        size: (H, W) in pixels.
        radiograph_sha256: of the pixels.
        probability: label -> P(present), in [0, 1].
        maps: label -> patch map.
        thresholds: label -> value from which a patch counts as lit.
        overlap_thresholds: label -> map value at which overlap with outlines was best on held-out training images; only where known.
        min_patches: smaller regions are not reported.
        cutoffs: label -> probability from which the finding counts as present; only where known.
        negated: label -> P("no X") as the model answers that query; empty where the source takes no queries.
        off_topic: phrase of `OFF_TOPIC` -> (lights a region or a patch, warns); empty where the source takes no queries.
        saliency: (method, label) -> relative map; only those that were asked for.
    """

    size: tuple[int, int]
    radiograph_sha256: str
    probability: dict[str, float]
    maps: dict[str, PatchMap]
    thresholds: dict[str, float]
    overlap_thresholds: dict[str, float]
    min_patches: float
    cutoffs: dict[str, float]
    negated: dict[str, float]
    off_topic: dict[str, tuple[bool, bool]]
    saliency: dict[tuple[str, str], PatchMap]


class Source(Protocol):
    """Where predictions come from."""

    name: str
    sha256: str
    labels: tuple[str, ...]
    uncalibrated: frozenset[str]
    """Labels whose `probability` is a score that ranks images and no more."""

    def usable(self, methods: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """Saliency methods that this source can give, and for each other one the reason why it cannot."""
        ...

    def predict(self, image: EvaluationImage, saliency: Sequence[tuple[str, str]]) -> Prediction:
        """Predicts one image, with these (method, label) saliency maps.

        Raises:
            RadiographError: the image cannot be read.
        """
        ...

    def faithfulness(
        self, image: EvaluationImage, label: str, methods: Sequence[str]
    ) -> dict[str, tuple[float, float]]:
        """Deletion and insertion areas of the patch map and of these methods; empty where there is no model to ask."""
        ...


class EngineSource:
    """An engine, asked for each finding by its vocabulary name; results are cached by pixels and model."""

    def __init__(self, engine: Engine, cache: Path) -> None:
        self._engine, self._cache = engine, cache
        self.name, self.sha256, self.labels = engine.name, engine.sha256, engine.labels
        self.uncalibrated: frozenset[str] = frozenset()

    def usable(self, methods: Sequence[str]) -> tuple[list[str], dict[str, str]]:
        """See `Source`; each method is tried once on a plain gradient."""
        plain = self._engine.encode(
            Radiograph.from_array(np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64))
        )
        asked = self._engine.vocabulary.finding(self.labels[0]).name
        good: list[str] = []
        reasons: dict[str, str] = {}
        for method in methods:
            try:
                self._engine.saliency(plain, asked, method)
            except SaliencyError as error:
                reasons[method] = str(error)
            else:
                good.append(method)
        return good, reasons

    def predict(self, image: EvaluationImage, saliency: Sequence[tuple[str, str]]) -> Prediction:
        """See `Source`."""
        radiograph = load_radiograph(image.path)
        key = hashlib.sha256(f"{CACHE_FORMAT}/{self.sha256}/{radiograph.sha256}".encode()).hexdigest()
        file = self._cache / key[:2] / f"{key}.npz"
        known = _load(file)
        missing = [item for item in saliency if known is None or item not in known.saliency]
        if known is not None and not missing:
            return known
        encoded = self._engine.encode(radiograph)
        if known is None:
            known = self._ask(encoded)
        labels = list(dict.fromkeys(label for _, label in missing))
        methods = list(dict.fromkeys(method for method, _ in missing))
        names = [self._engine.vocabulary.finding(label).name for label in labels]
        for method, maps in self._engine.saliencies(encoded, names, methods).items():
            known.saliency.update({(method, label): shown for label, shown in zip(labels, maps, strict=True)})
        _save(file, known)
        return known

    def faithfulness(
        self, image: EvaluationImage, label: str, methods: Sequence[str]
    ) -> dict[str, tuple[float, float]]:
        """See `Source`."""
        encoded = self._engine.encode(load_radiograph(image.path))
        name = self._engine.vocabulary.finding(label).name
        rows, cols = encoded.embeddings.grid
        pixels = encoded.pixels[0, 0].cpu().numpy()
        maps = {PATCH_MAP: self._engine.query(encoded, [name])[0].map}
        maps |= {
            method: shown[0] for method, shown in self._engine.saliencies(encoded, [name], methods).items()
        }
        return {
            method: deletion_insertion(
                lambda changed: self._engine.rescore(encoded, changed, name).astype(np.float64),
                pixels,
                encoded.letterbox.uncrop_grid(shown, rows, cols),
            )
            for method, shown in maps.items()
        }

    def _ask(self, encoded: Encoded) -> Prediction:
        names = [self._engine.vocabulary.finding(label).name for label in self.labels]
        findings = dict(zip(self.labels, self._engine.query(encoded, names), strict=True))
        negated = self._engine.query(encoded, [f"no {name}" for name in names])
        strange = self._engine.query(encoded, OFF_TOPIC)
        calibration = self._engine.checkpoint.calibration
        return Prediction(
            size=encoded.size,
            radiograph_sha256=encoded.radiograph_sha256,
            probability={label: item.probability for label, item in findings.items()},
            maps={label: item.map for label, item in findings.items()},
            thresholds={label: item.threshold for label, item in findings.items()},
            overlap_thresholds={label: calibration.of(label).overlap_threshold for label in self.labels},
            min_patches=calibration.min_patches,
            cutoffs={label: calibration.of(label).image_threshold for label in self.labels},
            negated={label: item.probability for label, item in zip(self.labels, negated, strict=True)},
            off_topic={
                item.query: (bool(item.regions) or bool(item.map.values.any()), bool(item.warnings))
                for item in strange
            },
            saliency={},
        )


def predict_all(
    source: Source, images: Sequence[EvaluationImage], wanted: dict[str, list[tuple[str, str]]]
) -> tuple[list[tuple[EvaluationImage, Prediction]], list[str]]:
    """Predicts every image with a progress bar; an unreadable one is named and left out."""
    done: list[tuple[EvaluationImage, Prediction]] = []
    left_out: list[str] = []
    for image in _shown(images):
        try:
            done.append((image, source.predict(image, wanted.get(image.name, []))))
        except RadiographError as error:
            lost = sum(len(found) for found in image.boxes.values())
            left_out.append(f"{image.name}: {error}{f' ({lost} boxes with it)' if lost else ''}")
    return done, left_out


def _shown(images: Sequence[EvaluationImage]) -> Iterator[EvaluationImage]:
    progress: Iterable[EvaluationImage] = tqdm(images, desc="images", unit="image")
    yield from progress


PLAIN = (
    "size",
    "radiograph_sha256",
    "probability",
    "thresholds",
    "overlap_thresholds",
    "min_patches",
    "cutoffs",
    "negated",
    "off_topic",
)
"""Fields of a prediction that are kept as JSON."""


def _save(file: Path, prediction: Prediction) -> None:
    arrays = {f"map/{label}": item.values for label, item in prediction.maps.items()}
    arrays |= {
        f"saliency/{method}/{label}": item.values for (method, label), item in prediction.saliency.items()
    }
    extent = next(iter(prediction.maps.values())).extent
    record = {name: getattr(prediction, name) for name in PLAIN} | {"extent": extent}
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic(file) as path:
        np.savez_compressed(path, record=np.array(json.dumps(record)), **arrays)  # type: ignore[arg-type]


def _load(file: Path) -> Prediction | None:
    """What is stored, or None: nothing is, or it was damaged, and is then made and stored anew."""
    try:
        return _read(file)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def _read(file: Path) -> Prediction:
    with np.load(file, allow_pickle=False) as arrays:
        record = json.loads(str(arrays["record"]))
        x0, y0, x1, y1 = record["extent"]
        maps: dict[str, PatchMap] = {}
        saliency: dict[tuple[str, str], PatchMap] = {}
        for name in arrays.files:
            kind, _, rest = name.partition("/")
            if kind == "map":
                maps[rest] = PatchMap(arrays[name], (x0, y0, x1, y1))
            elif kind == "saliency":
                method, _, label = rest.partition("/")
                saliency[method, label] = PatchMap(arrays[name], (x0, y0, x1, y1))
    return Prediction(
        size=(record["size"][0], record["size"][1]),
        radiograph_sha256=record["radiograph_sha256"],
        probability=record["probability"],
        maps=maps,
        thresholds=record["thresholds"],
        overlap_thresholds=record["overlap_thresholds"],
        min_patches=record["min_patches"],
        cutoffs=record["cutoffs"],
        negated=record["negated"],
        off_topic={phrase: (lit, warned) for phrase, (lit, warned) in record["off_topic"].items()},
        saliency=saliency,
    )
