"""An engine without a network, for tests of the server: real queries and maps, invented probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patchclip import Answer, HeaderFacts, PatchMap, QueryError, Radiograph
from patchclip.localize import find_regions
from patchclip.text import Vocabulary, parse_query

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
        """One finding a text."""
        return [self._answer(encoded, text) for text in texts]

    def saliency(self, encoded: FakeEncoded, text: str, method: str) -> PatchMap:
        """A ramp from left to right."""
        if method != "grad_cam":
            raise QueryError(f"unexpected method {method}")
        return PatchMap(np.tile(np.linspace(0, 1, 4, dtype=np.float32), (4, 1)), self._extent(encoded))

    def _answer(self, encoded: FakeEncoded, text: str) -> Answer:
        query = parse_query(text, self.vocabulary)
        known = query.label is not None
        values = np.full((4, 4), 0.1 if known else 0.0, np.float32)
        if known:
            values[1, 2] = PEAK
        shown = PatchMap(values, self._extent(encoded))
        return Answer(
            query=query.text,
            finding=query.finding,
            label=query.label,
            negated=query.negated,
            laterality=query.laterality,
            in_vocabulary=known,
            probability=(1 - 0.83 if query.negated else 0.83) if known else None,
            map=shown,
            regions=find_regions(shown, 0.5, encoded.size) if known else (),
            threshold=0.5,
            warnings=()
            if known
            else (f'"{query.finding}" is far from what this model has learnt: no map is shown.',),
        )

    @staticmethod
    def _extent(encoded: FakeEncoded) -> tuple[float, float, float, float]:
        return (0.0, 0.0, float(encoded.size[1]), float(encoded.size[0]))
