"""Prevalence: how often a finding was present where a probability was fitted, and what the probability is
where it is present more or less often."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from scipy.special import expit, logit

from patchclip.errors import CheckpointError, DataError
from patchclip.model.calibration import Calibration, FindingCalibration
from patchclip.records import parse_json, read_by_label
from patchclip.text.vocabulary import Vocabulary

PREVALENCE = "prevalence.json"
"""File of a checkpoint folder, which it may lack; no answer stands on it unless a prevalence is given."""


@dataclass(frozen=True, slots=True)
class Prevalence:
    """Of one finding in a set of images.

    Attributes:
        present: images with the finding.
        images: images of which it is known whether they have it; "not mentioned" counts as absent, as it does
            in calibration.
    """

    present: int
    images: int

    def __post_init__(self) -> None:
        if not 0 <= self.present <= self.images or not self.images:
            raise CheckpointError(
                f"A prevalence of {self.present} in {self.images} images makes no sense; "
                "calibrate the checkpoint again."
            )

    @property
    def share(self) -> float:
        """In (0, 1), with half an image added on either side: none seen is not never."""
        return (self.present + 0.5) / (self.images + 1)


def load_prevalence(folder: Path) -> dict[str, Prevalence]:
    """By label; empty where the checkpoint folder does not say.

    Raises:
        CheckpointError: the file is damaged.
    """
    return read_by_label(folder / PREVALENCE, Prevalence)


def read_prevalence(texts: Sequence[str], vocabulary: Vocabulary) -> dict[str, float]:
    """What a site says of itself: "Effusion=0.3", by label or name, or a JSON file of the same pairs.

    Returns:
        Label -> share of its images with the finding, in (0, 1).

    Raises:
        DataError: a text is neither, a finding is unknown or given twice, or a share is not between 0 and 1.
    """
    shares: dict[str, float] = {}
    for name, value in (pair for text in texts for pair in _pairs(text)):
        label = _label(name, vocabulary)
        if label in shares:
            raise DataError(f"The prevalence of {label} is given twice; give it once.")
        if not 0 < value < 1:
            raise DataError(
                f"The prevalence of {label} is {value:g}; give the share of images with it, "
                "above 0 and below 1."
            )
        shares[label] = value
    return shares


def at_prevalence(
    calibration: Calibration, fitted: Mapping[str, Prevalence], wanted: Mapping[str, float]
) -> Calibration:
    """The calibration for images of which other shares have the findings.

    Bayes' theorem in odds: the likelihood ratio of an image stays, so that the logit of its probability moves
    by logit(wanted) - logit(fitted) (Saerens, Latinne & Decaestecker, Neural Computation 2002). The image
    threshold moves along, which keeps sensitivity and specificity; maps stay as they are, for their operating
    point is a share of finding-free images.

    Raises:
        CheckpointError: the checkpoint does not say how often the finding was present where it was fitted.
    """
    findings = dict(calibration.findings)
    for label, share in wanted.items():
        if label not in fitted:
            raise CheckpointError(
                f"The checkpoint does not say how often {label} was present where it was calibrated, so that "
                "no other prevalence can be taken into account; calibrate it with trainer calibrate."
            )
        findings[label] = shifted(findings[label], float(logit(share) - logit(fitted[label].share)))
    return replace(calibration, findings=findings)


def shifted(item: FindingCalibration, by: float) -> FindingCalibration:
    """Image probabilities with `by` added to their logits, and the same decisions."""
    threshold = float(expit(logit(item.image_threshold) + by))
    return replace(item, image_bias=item.image_bias + by, image_threshold=threshold)


def prevalence_note(wanted: Mapping[str, float]) -> str | None:
    """What goes with every image where a prevalence was given: the sentence, or None where none was."""
    if not wanted:
        return None
    shares = ", ".join(f"{label} {share:g}" for label, share in sorted(wanted.items()))
    return f"Probabilities are those for the prevalence that was given ({shares})."


def _pairs(text: str) -> list[tuple[str, float]]:
    if "=" in text and not Path(text).is_file():
        name, _, number = text.rpartition("=")
        try:
            return [(name.strip(), float(number))]
        except ValueError:
            raise DataError(
                f'"{number.strip()[:40]}" is no number; give a prevalence as FINDING=SHARE, such as '
                "Effusion=0.3."
            ) from None
    try:
        values = parse_json(Path(text).read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            f'"{text[:200]}" is neither FINDING=SHARE, such as Effusion=0.3, nor a JSON file of such pairs; '
            "give one of them."
        ) from error
    if not isinstance(values, dict) or not all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values.values()
    ):
        raise DataError(f'{text[:200]} must hold one JSON object such as {{"Effusion": 0.3}}; write it so.')
    return [(name, float(value)) for name, value in values.items()]


def _label(name: str, vocabulary: Vocabulary) -> str:
    names = {text.lower(): item.label for item in vocabulary.findings for text in (item.label, item.name)}
    plain = name.lower().strip()
    if plain in names:
        return names[plain]
    near = difflib.get_close_matches(plain, list(names), 1)
    hint = f'did you mean "{near[0]}"?' if near else f"it knows {', '.join(vocabulary.labels)}."
    raise DataError(f'The model knows no finding "{name[:60]}" to have a prevalence; {hint}')
