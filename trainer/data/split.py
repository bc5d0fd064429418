"""Holding out a share of the training patients."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from trainer.data.sample import Sample


def hold_out(
    samples: Sequence[Sample], fraction: float, seed: int, offset: float = 0.0
) -> tuple[list[Sample], list[Sample]]:
    """Divides samples by patient into (train, held out); a function of cohort, patient and seed alone,
    whatever else is in the data.

    Every patient has a fixed random place in [0, 1); those in [offset, offset + fraction) are held out.

    An image whose patient is unknown is not held out, for it may be of a patient that is trained on; only
    where nobody's patient is known does each image stand for one.
    """
    nobody_known = all(sample.patient is None for sample in samples)

    def is_held_out(sample: Sample) -> bool:
        if sample.patient is None and not nobody_known:
            return False
        digest = hashlib.sha256(
            f"{seed}/{sample.patients}/{sample.patient or sample.path.name}".encode()
        ).digest()
        return offset <= int.from_bytes(digest[:8], "big") / 2**64 < offset + fraction

    return [sample for sample in samples if not is_held_out(sample)], [
        sample for sample in samples if is_held_out(sample)
    ]
