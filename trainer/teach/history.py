"""What a model was kept from: how readings and original data were divided whenever it was taught."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from patchclip.errors import DataError
from trainer.config import FitConfig
from trainer.data.sample import Sample
from trainer.data.split import hold_out

RECORD = "teach.json"


@dataclass(frozen=True, slots=True)
class Division:
    """How one teaching divided its data.

    Attributes:
        seed: of both divisions.
        share: of the cases with readings that was held out.
        dev_fraction, dev_offset: of original data, see `hold_out`.
    """

    seed: int
    share: float
    dev_fraction: float
    dev_offset: float

    @classmethod
    def of(cls, config: FitConfig, share: float) -> Division:
        """As a recipe divides; share: of the cases with readings."""
        return cls(config.seed, share, config.data.dev_fraction, config.data.dev_offset)

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return asdict(self)


def divisions_of(folder: Path, sha256: str) -> tuple[Division, ...]:
    """Of all teachings that led to a model, the first one first; none for a model that was not taught.

    Args:
        folder: of the model.
        sha256: of it.

    Raises:
        DataError: its record is damaged, another model's, or does not say it.
    """
    try:
        text = (folder / RECORD).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / RECORD} cannot be read; mend it, or teach the model again.") from error
    try:
        record = json.loads(text)
        rows, of = record["divisions"], record["model"]["sha256"]
        divisions = tuple(
            Division(
                int(row["seed"]), float(row["share"]), float(row["dev_fraction"]), float(row["dev_offset"])
            )
            for row in rows
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder / RECORD} does not say which cases the model was kept from; teach the model again."
        ) from error
    if of != sha256:
        raise DataError(f"{folder / RECORD} is another model's; put the right one beside the model.")
    return divisions


def held_out_originals(samples: Sequence[Sample], divisions: Iterable[Division]) -> list[Sample]:
    """Original images that every one of these divisions holds out."""
    chosen = list(samples)
    for item in divisions:
        dev = {id(sample) for sample in hold_out(samples, item.dev_fraction, item.seed, item.dev_offset)[1]}
        chosen = [sample for sample in chosen if id(sample) in dev]
    return chosen
