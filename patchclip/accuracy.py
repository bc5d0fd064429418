"""Diagnostic accuracy: sensitivity and specificity of the decision that an operating point makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scipy.special import betaincinv

from patchclip.errors import CheckpointError
from patchclip.records import read_by_label

ACCURACY = "accuracy.json"
"""File of a checkpoint folder, which it may lack; no answer stands on it."""


@dataclass(frozen=True, slots=True)
class Proportion:
    """So many of so many.

    Attributes:
        count: of them.
        total: of all, at least one.
    """

    count: int
    total: int

    @property
    def value(self) -> float:
        """In [0, 1]."""
        return self.count / self.total

    @property
    def interval(self) -> tuple[float, float]:
        """The exact 95 % confidence interval (Clopper & Pearson, Biometrika 1934), each end in [0, 1]."""
        wrong = self.total - self.count
        low = float(betaincinv(self.count, wrong + 1, 0.025)) if self.count else 0.0
        high = float(betaincinv(self.count + 1, wrong, 0.975)) if wrong else 1.0
        return low, high

    def to_dict(self) -> dict[str, Any]:
        """Value, interval and n, as JSON types."""
        return {
            "value": round(self.value, 5),
            "ci": [round(end, 5) for end in self.interval],
            "n": self.total,
        }


@dataclass(frozen=True, slots=True)
class DiagnosticAccuracy:
    """Of one finding, on held-out images.

    Attributes:
        true_positives: images with the finding whose probability is at the operating threshold or above.
        present: images with the finding, at least one.
        true_negatives: images without it whose probability is below.
        absent: images without it, at least one; "not mentioned" counts as absent, as it does in calibration.
    """

    true_positives: int
    present: int
    true_negatives: int
    absent: int

    def __post_init__(self) -> None:
        if not (
            0 <= self.true_positives <= self.present
            and 0 <= self.true_negatives <= self.absent
            and self.present
            and self.absent
        ):
            raise CheckpointError(
                f"A sensitivity of {self.true_positives} in {self.present} and a specificity of "
                f"{self.true_negatives} in {self.absent} images make no sense; calibrate the "
                "checkpoint again."
            )

    @property
    def sensitivity(self) -> Proportion:
        """Of the images with the finding, those that are called so."""
        return Proportion(self.true_positives, self.present)

    @property
    def specificity(self) -> Proportion:
        """Of the images without the finding, those that are called so."""
        return Proportion(self.true_negatives, self.absent)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Where the decision on an image lies.

    Attributes:
        threshold: probability of presence from which an image speaks for the finding, in [0, 1].
        accuracy: of that decision, on held-out images; None where nobody measured it.
    """

    threshold: float
    accuracy: DiagnosticAccuracy | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; sensitivity and specificity where they are known."""
        measured = self.accuracy
        return {
            "threshold": self.threshold,
            "sensitivity": measured.sensitivity.to_dict() if measured else None,
            "specificity": measured.specificity.to_dict() if measured else None,
        }


def accuracy_records(accuracy: Mapping[str, DiagnosticAccuracy]) -> dict[str, dict[str, Any]]:
    """What `load_accuracy` reads, with sensitivity and specificity beside the counts for people."""
    return {
        label: {
            **asdict(item),
            "sensitivity": item.sensitivity.to_dict(),
            "specificity": item.specificity.to_dict(),
        }
        for label, item in accuracy.items()
    }


def load_accuracy(folder: Path) -> dict[str, DiagnosticAccuracy]:
    """By label; empty where the checkpoint folder does not say.

    Raises:
        CheckpointError: the file is damaged.
    """
    return read_by_label(folder / ACCURACY, DiagnosticAccuracy)
