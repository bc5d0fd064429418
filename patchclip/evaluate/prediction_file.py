"""One prediction as an .npz file, so that an interrupted evaluation goes on where it stopped."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import astuple
from pathlib import Path

import numpy as np

from patchclip.evaluate.case import Prediction, Reaction
from patchclip.files import atomic
from patchclip.types import PatchMap

PLAIN = (
    "size",
    "radiograph_sha256",
    "probability",
    "thresholds",
    "overlap_thresholds",
    "min_patches",
    "cutoffs",
    "negated",
)
"""Fields of a prediction that JSON holds as they are."""


def save_prediction(file: Path, prediction: Prediction) -> None:
    """Writes or replaces the file at once: nobody ever reads half of one."""
    arrays = {f"map/{label}": item.values for label, item in prediction.maps.items()}
    arrays |= {
        f"saliency/{method}/{label}": item.values for (method, label), item in prediction.saliency.items()
    }
    record = {name: getattr(prediction, name) for name in PLAIN}
    record["off_topic"] = {phrase: astuple(reaction) for phrase, reaction in prediction.off_topic.items()}
    record["extent"] = next(iter(prediction.maps.values())).extent
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic(file) as path:
        np.savez_compressed(path, record=np.array(json.dumps(record)), **arrays)  # type: ignore[arg-type]


def load_prediction(file: Path) -> Prediction | None:
    """What is stored, or None: nothing is, or it was damaged, and is then to be made and stored anew."""
    try:
        return _read(file)
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
        return None


def _read(file: Path) -> Prediction:
    # Opened here: NumPy leaves a file open that turns out to be no archive.
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
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
    plain = {name: record[name] for name in PLAIN} | {"size": tuple(record["size"])}
    off_topic = {phrase: Reaction(*answer) for phrase, answer in record["off_topic"].items()}
    return Prediction(**plain, maps=maps, saliency=saliency, off_topic=off_topic)
