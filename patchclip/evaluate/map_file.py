"""Another model's maps, read from a file, as a predictor: scored by the same code as one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from patchclip.data.tables import clipped
from patchclip.errors import DataError, RadiographError
from patchclip.evaluate.array_file import ArrayFile
from patchclip.evaluate.case import Prediction
from patchclip.evaluate.dataset import EvaluationImage
from patchclip.evaluate.deletion import CurveAreas
from patchclip.evaluate.method import Method
from patchclip.evaluate.predictor import UsableMethods
from patchclip.image import load_radiograph
from patchclip.types import PatchMap


class MapFile:
    """An npz with, for image I and label L:

    - "I/L/map" [R, C] in [0, 1];
    - optionally "I/L/extent" [x0, y0, x1, y1], where the map lies in the image in pixels (all of it without);
    - optionally "I/L/probability" in [0, 1], for all images of a label or none: without, the map's highest
        value ranks the images, and nothing is said about calibration;
    - optionally "L/threshold", from which a patch counts as lit (0.5 without), "L/overlap_threshold" and
        "L/cutoff", tuned on other data (see `Prediction`; without, what depends on them is null).
    """

    def __init__(self, path: Path) -> None:
        """Reads the file.

        Raises:
            DataError: missing, not such a file, or with arrays beyond the limits of `ArrayFile`.
        """
        self._arrays = ArrayFile(path)
        self.name = path.stem
        self.sha256 = self._arrays.sha256
        self.backend: str | None = None
        keys = [
            name.rsplit("/", 2) for name in self._arrays if name.endswith("/map") and name.count("/") >= 2
        ]
        self.labels = tuple(sorted({label for _, label, _ in keys}))
        if not self.labels:
            raise DataError(
                f"The map file {path.name} holds no array named IMAGE/LABEL/map; see Score another "
                "model in patchclip/evaluate/README.md."
            )
        ranked = {label for image, label, _ in keys if f"{image}/{label}/probability" not in self._arrays}
        judged = {label for image, label, _ in keys if f"{image}/{label}/probability" in self._arrays}
        if mixed := sorted(ranked & judged):
            raise DataError(
                f"The map file {path.name} has a probability of {mixed[0]} for some images only; give it "
                "for all or for none."
            )
        self.uncalibrated = frozenset(ranked)
        self._tuned = {
            what: {
                label: self._number(f"{label}/{what}")
                for label in self.labels
                if f"{label}/{what}" in self._arrays
            }
            for what in ("threshold", "overlap_threshold", "cutoff")
        }

    def usable(self, methods: Sequence[str]) -> UsableMethods:
        """See `Predictor`."""
        return UsableMethods((), dict.fromkeys(methods, "a map file has no model to explain"))

    def faithfulness(
        self, image: EvaluationImage, label: str, methods: Sequence[str]
    ) -> dict[Method, CurveAreas]:
        """See `Predictor`; there is no model to ask."""
        return {}

    def predict(self, image: EvaluationImage, saliency: Sequence[tuple[str, str]]) -> Prediction:
        """See `Predictor`; it has no saliency."""
        radiograph = load_radiograph(image.path)
        probability: dict[str, float] = {}
        maps: dict[str, PatchMap] = {}
        for label in self.labels:
            maps[label] = self._map(f"{image.name}/{label}", radiograph.size)
            name = f"{image.name}/{label}/probability"
            probability[label] = (
                self._number(name) if name in self._arrays else float(maps[label].values.max())
            )
        return Prediction(
            size=radiograph.size,
            radiograph_sha256=radiograph.sha256,
            probability=probability,
            maps=maps,
            thresholds=dict.fromkeys(self.labels, 0.5) | self._tuned["threshold"],
            overlap_thresholds=self._tuned["overlap_threshold"],
            min_patches=0.0,
            cutoffs=self._tuned["cutoff"],
            negated={},
            off_topic={},
            saliency={},
        )

    def _map(self, name: str, size: tuple[int, int]) -> PatchMap:
        if f"{name}/map" not in self._arrays:
            raise RadiographError(f"the map file has no map of {name.rsplit('/', 1)[1]} for it")
        values = self._arrays.read(f"{name}/map")
        if (
            values.ndim != 2
            or not values.size
            or not np.isfinite(values).all()
            or values.min() < 0
            or values.max() > 1
        ):
            raise DataError(
                f"The map {clipped(name)} is not a finite [rows, cols] array of values in [0, 1]; correct "
                "the file."
            )
        extent = (
            self._arrays.read(f"{name}/extent").astype(np.float64)
            if f"{name}/extent" in self._arrays
            else np.array([0, 0, size[1], size[0]], np.float64)
        )
        if (
            extent.shape != (4,)
            or not np.isfinite(extent).all()
            or not (extent[0] < extent[2] and extent[1] < extent[3])
        ):
            raise DataError(
                f"The extent {clipped(name)}/extent is not x0, y0, x1, y1 in pixels with x0 < x1 and y0 < "
                "y1; correct the file."
            )
        x0, y0, x1, y1 = (float(edge) for edge in extent)
        return PatchMap(values.astype(np.float32), (x0, y0, x1, y1))

    def _number(self, name: str) -> float:
        value = self._arrays.read(name)
        if value.size != 1 or not np.isfinite(value).all() or not 0 <= float(value.reshape(())) <= 1:
            raise DataError(f"{clipped(name)} in the map file is not one number in [0, 1]; correct the file.")
        return float(value.reshape(()))
