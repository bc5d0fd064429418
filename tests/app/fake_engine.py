"""An engine without a network, for tests of the server: real queries and maps, invented probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from patchclip import Answer, HeaderFacts, PatchMap, QueryError, Radiograph
from patchclip.execution import Computation
from patchclip.localize import find_regions
from patchclip.text import Query, Reading, Vocabulary, parse_queries
from patchclip.types import Exploration

VOCABULARY = Path(__file__).resolve().parents[2] / "assets" / "vocabulary.json"
PEAK = 0.9


@dataclass(frozen=True)
class FakeEncoded:
    """What the page reads of an encoded radiograph."""

    radiograph_sha256: str
    size: tuple[int, int]
    warnings: tuple[str, ...]
    facts: HeaderFacts
    timing_ms: dict[str, float]


class FakeEngine:
    """Lights the patch in row 1, column 2 of a 4 x 4 grid for every finding of the vocabulary."""

    name = "fake-model"
    sha256 = "f" * 64
    min_patches = 0.5
    computation = Computation("torch", "fp32", mirror=True, input_size=512, device="cpu")

    def __init__(self) -> None:
        self.vocabulary = Vocabulary.from_json(VOCABULARY)
        self.labels = self.vocabulary.labels

    def prepare(self, stopped: Callable[[], bool]) -> None:
        """Nothing to load."""

    def encode(self, radiograph: Radiograph) -> FakeEncoded:
        """No pass through any tower."""
        return FakeEncoded(
            radiograph.sha256, radiograph.size, radiograph.warnings, radiograph.facts, {"encode": 1.5}
        )

    def query(self, encoded: FakeEncoded, texts: Sequence[str]) -> list[Answer]:
        """One answer for each query of each text."""
        answers: list[Answer] = []
        for text in texts:
            reading = parse_queries(text, self.vocabulary)
            first, *others = (self._answer(encoded, query) for query in reading.queries)
            answers += [replace(first, warnings=(*reading.warnings, *first.warnings)), *others]
        return answers

    def read(self, text: str) -> Reading:
        """There is no gate."""
        return parse_queries(text, self.vocabulary)

    def explore(self, encoded: FakeEncoded, text: str) -> Exploration:
        """A ramp from -.2 to .4, from top to bottom."""
        ramp = np.tile(np.linspace(-0.2, 0.4, 4, dtype=np.float32)[:, None], (1, 4))
        return Exploration(text, text, PatchMap(ramp, self._extent(encoded)))

    def saliency_methods(self) -> tuple[str, ...]:
        """One of them."""
        return ("grad_cam",)

    def saliency(self, encoded: FakeEncoded, text: str, method: str) -> PatchMap:
        """A ramp from left to right."""
        if method != "grad_cam":
            raise QueryError(f"unexpected method {method}")
        return PatchMap(np.tile(np.linspace(0, 1, 4, dtype=np.float32), (4, 1)), self._extent(encoded))

    def _answer(self, encoded: FakeEncoded, query: Query) -> Answer:
        known = query.label is not None
        values = np.full((4, 4), 0.1 if known else 0.0, np.float32)
        if known:
            values[1, 2] = PEAK
        shown = PatchMap(values, self._extent(encoded))
        return Answer(
            query=query.text,
            span=query.span,
            assertion=query.assertion,
            place=query.place,
            finding=query.finding,
            label=query.label,
            negated=query.negated,
            laterality=query.laterality,
            in_vocabulary=known,
            probability=(1 - 0.83 if query.negated else 0.83) if known else None,
            map=shown,
            regions=find_regions(shown, 0.5, encoded.size) if known else (),
            threshold=0.5,
            warnings=query.notes
            if known
            else (f'"{query.finding}" is far from what this model has learnt: no map is shown.',),
        )

    @staticmethod
    def _extent(encoded: FakeEncoded) -> tuple[float, float, float, float]:
        return (0.0, 0.0, float(encoded.size[1]), float(encoded.size[0]))


MODEL = {
    "name": "fake-model",
    "sha256": "f" * 64,
    "execution": {
        "backend": "torch",
        "precision": "fp32",
        "mirror": True,
        "input_size": 512,
        "device": "cpu",
    },
}
"""What programs are told of it."""
