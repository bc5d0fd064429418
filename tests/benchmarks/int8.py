"""Whether the tower in 8-bit whole numbers agrees with fp32.

python -m tests.benchmarks.int8 FOLDER [--count N]: ONNX Runtime quantises the bundled model's graph (static,
QDQ, weights per channel), calibrated on films of FOLDER's split "train", and both graphs answer every finding
on films of its split "val". The folder holds images.csv (`image`, `split`) and images/. A back end would need
probabilities within .01 and the same brightest patch on 99 % of the maps.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from patchclip import Engine, Radiograph, load_radiograph
from patchclip.execution import Execution
from patchclip.model.checkpoint import ONNX
from patchclip.model.onnx import write_onnx
from patchclip.model.preprocess import model_input
from patchclip.resources import BUNDLED
from tests.benchmarks.execution import share

FAR = 0.01


class Films(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime has no types
    """The graph's inputs of some films."""

    def __init__(self, engine: Engine, films: list[Path]) -> None:
        self._inputs = self._of(engine, films)

    def get_next(self) -> dict[str, Any] | None:
        """The inputs of the next film."""
        return next(self._inputs, None)

    @staticmethod
    def _of(engine: Engine, films: list[Path]) -> Iterator[dict[str, Any]]:
        for film in films:
            square, box = model_input(load_radiograph(film).pixels, engine.model.config.image_size)
            yield {"pixels": square[None, None], "valid": box.valid_patches(*engine.model.grid)[None]}


def quantised(exact: Path, out: Path, engine: Engine, films: list[Path]) -> None:
    """Writes the quantised graph of a checkpoint folder into another, with the checkpoint's hash."""
    prepared = out / "prepared.onnx"
    quant_pre_process(str(exact / ONNX), str(prepared), skip_symbolic_shape=True)
    quantize_static(
        str(prepared),
        str(out / ONNX),
        Films(engine, films),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    named, graph = onnx.load(str(exact / ONNX)), onnx.load(str(out / ONNX))
    del graph.metadata_props[:]
    for item in named.metadata_props:
        graph.metadata_props.add(key=item.key, value=item.value)
    onnx.save(graph, str(out / ONNX))


def answers(engine: Engine, film: Radiograph, texts: list[str]) -> tuple[list[tuple[float, int]], float]:
    """Probability and brightest patch of each text, and the processor time of the pass."""
    started = time.process_time()
    encoded = engine.encode(film)
    spent = time.process_time() - started
    said = engine.query(encoded, texts)
    return [(answer.require_probability(), int(answer.map.values.argmax())) for answer in said], spent


def main() -> None:
    """Prints one line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=50, metavar="N", help="films that are compared (50)")
    parser.add_argument("--calibrate", type=int, default=24, metavar="N", help="calibration films (24)")
    arguments = parser.parse_args()
    with (arguments.folder / "images.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    place = arguments.folder / "images"
    train, val = (
        [place / row["image"] for row in rows if row["split"] == split][:count]
        for split, count in (("train", arguments.calibrate), ("val", arguments.count))
    )
    with tempfile.TemporaryDirectory() as room:
        exact, rounded = Path(room) / "exact", Path(room) / "rounded"
        for folder in (exact, rounded):
            shutil.copytree(BUNDLED, folder)
        write_onnx(exact)
        quantised(exact, rounded, Engine.from_pretrained(exact, device="cpu"), train)
        engines = [
            Engine.from_pretrained(folder, device="cpu", execution=Execution("onnx"))
            for folder in (exact, rounded)
        ]
        texts = [item.name for item in engines[0].vocabulary.findings if item.label in engines[0].labels]
        moved, elsewhere, seconds = [], 0, np.zeros(2)
        for film in map(load_radiograph, val):
            (one, first), (other, second) = (answers(engine, film, texts) for engine in engines)
            seconds += (first, second)
            moved += [abs(a[0] - b[0]) for a, b in zip(one, other, strict=True)]
            elsewhere += sum(a[1] != b[1] for a, b in zip(one, other, strict=True))
    far = sum(value > FAR for value in moved)
    print(
        f"{len(val)} films of {arguments.folder.name} val, {len(texts)} findings each, calibrated on "
        f"{len(train)} of train: probabilities moved by {max(moved):.3f} at most (mean "
        f"{np.mean(moved):.4f}), by more than {FAR} {share(far, len(moved))}; the brightest patch another "
        f"one {share(elsewhere, len(moved))}; {seconds[1] / seconds[0]:.2f} of the processor time of fp32 "
        "in ONNX Runtime"
    )


if __name__ == "__main__":
    main()
