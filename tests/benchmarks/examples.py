"""Which findings light which radiographs: what an example and its question are chosen by.

python -m tests.benchmarks.examples [FOLDER]. Without a folder the bundled examples are asked; with one, each
radiograph in it. One line for each finding whose map is lit at the model's own threshold, the brightest
first; a radiograph that lights nothing is said to.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.examples import examples
from patchclip import Answer, Engine, PatchClipError, load_radiograph


@dataclass(frozen=True, slots=True)
class Lit:
    """A finding whose map is lit.

    Attributes:
        finding: its name.
        probability: of the image.
        highest: value of the map.
        threshold: from which it is lit.
        regions: how many.
    """

    finding: str
    probability: float
    highest: float
    threshold: float
    regions: int

    @property
    def margin(self) -> float:
        """How far the map rises above its threshold, as a share of what lies above it."""
        return (self.highest - self.threshold) / max(1 - self.threshold, 1e-6)


def lit(engine: Engine, path: Path) -> list[Lit]:
    """The findings of the vocabulary that light a radiograph, the brightest first.

    Raises:
        PatchClipError: it cannot be read.
    """
    encoded = engine.encode(load_radiograph(path))
    answers = engine.query(encoded, [finding.name for finding in engine.vocabulary.findings])
    return sorted((_lit(answer) for answer in answers if answer.regions), key=lambda item: -item.margin)


def _lit(answer: Answer) -> Lit:
    return Lit(
        answer.finding,
        answer.require_probability(),
        float(answer.map.values.max()),
        answer.threshold,
        len(answer.regions),
    )


def report(engine: Engine, paths: Iterable[Path]) -> list[str]:
    """One line for each lit finding of each radiograph."""
    lines = []
    for path in paths:
        try:
            items = lit(engine, path)
        except PatchClipError as error:
            lines.append(f"{path.name}: not read: {error}")
            continue
        if not items:
            lines.append(f"{path.name}: lights nothing")
        lines += [
            f"{path.name}: {item.finding}: P {item.probability:.2f}, map up to {item.highest:.2f} "
            f"(threshold {item.threshold:.2f}), {item.regions} region{'s' if item.regions > 1 else ''}"
            for item in items
        ]
    return lines


if __name__ == "__main__":
    given = sorted(path for path in Path(sys.argv[1]).iterdir() if path.is_file()) if sys.argv[1:] else None
    print("\n".join(report(Engine.from_pretrained(), given or [item.path for item in examples()])))
