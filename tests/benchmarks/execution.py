"""What each way to compute the model changes: python -m tests.benchmarks.execution FOLDER@SPLIT [--count N].

The folder holds images.csv (`image`, `split`) and images/. Every finding of the vocabulary is asked of every
film, and probabilities and decisions are compared with torch in fp32. Where the bundled checkpoint has its
graph (python -m patchclip onnx), ONNX Runtime is among them.
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from scipy.stats import binomtest

from patchclip import Engine, load_radiograph
from patchclip.execution import Execution
from patchclip.model.checkpoint import ONNX
from patchclip.resources import BUNDLED

FAR = 0.01


@dataclass
class Way:
    """One way, and what was seen of it."""

    engine: Engine
    seconds: float = 0.0
    moved: list[float] = field(default_factory=list)
    turned: int = 0


def main() -> None:
    """Prints a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", metavar="FOLDER@SPLIT")
    parser.add_argument("--count", type=int, default=50, metavar="N", help="films, the first of the split")
    arguments = parser.parse_args()
    folder, _, split = arguments.folder.partition("@")
    with (Path(folder) / "images.csv").open(newline="", encoding="utf-8") as file:
        names = [row["image"] for row in csv.DictReader(file) if row["split"] == split][: arguments.count]
    wanted = [Execution(), Execution(precision="bf16"), Execution(mirror=False)]
    if (BUNDLED / ONNX).exists():
        wanted.append(Execution("onnx"))
    ways = [Way(Engine.from_pretrained(device="cpu", execution=execution)) for execution in wanted]
    texts = [item.name for item in ways[0].engine.vocabulary.findings]
    for name in names:
        image = load_radiograph(Path(folder) / "images" / name)
        expected: list[tuple[float, bool]] = []
        for way in ways:
            started = time.process_time()
            encoded = way.engine.encode(image)
            way.seconds += time.process_time() - started
            answers = [
                (answer.probability or 0.0, answer.probability >= answer.operating_point.threshold)
                for answer in way.engine.query(encoded, texts)
                if answer.probability is not None and answer.operating_point is not None
            ]
            expected = expected or answers
            for (probability, present), (other, decision) in zip(answers, expected, strict=True):
                way.moved.append(abs(probability - other))
                way.turned += present is not decision
    print(f"{len(names)} films of {Path(folder).name} {split}, {len(texts)} findings each", end="; ")
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    for way in ways:
        far = sum(value > FAR for value in way.moved)
        print(
            f"{way.engine.backend}: {way.seconds / ways[0].seconds:.2f} of the processor time of torch in "
            f"fp32; probabilities moved by {max(way.moved):.1e} at most, by more than {FAR} "
            f"{share(far, len(way.moved))}; decisions turned {share(way.turned, len(way.moved))}"
        )


def share(count: int, total: int) -> str:
    """With its exact 95 % interval, as if every answer stood for itself."""
    interval = binomtest(count, total).proportion_ci(0.95, "exact")
    return (
        f"{count} of {total} ({100 * count / total:.2f} %; 95 % CI {100 * interval.low:.2f} to "
        f"{100 * interval.high:.2f})"
    )


if __name__ == "__main__":
    main()
