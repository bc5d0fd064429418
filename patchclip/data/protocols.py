"""What a box tells of the image beside the box: sources whose readers looked for a list of findings on every
image that they boxed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from patchclip.data.normal import MED_ANNOTATION, VINDR


@dataclass(frozen=True, slots=True)
class Exhaustive:
    """The protocol of readers who boxed every finding of a list.

    Attributes:
        findings: that they looked for. Without a box of theirs, such a finding is absent.
        one_class: findings that they did not tell apart with certainty: where one is boxed, whether the
            others are there too is not known, though nowhere but in these boxes.
        readers: how many looked at each image.
        labels: whether images.csv's `labels` are their own, rather than mined from a report.
    """

    findings: tuple[str, ...]
    one_class: tuple[str, ...]
    readers: int
    labels: bool

    def mates(self, label: str) -> tuple[str, ...]:
        """The other findings of its class."""
        return tuple(item for item in self.one_class if item != label) if label in self.one_class else ()


NODULE_OR_MASS = ("Nodule", "Mass")
EXHAUSTIVE: Mapping[str, Exhaustive] = {
    # Nguyen et al., Scientific Data 2022, table 2; the local labels, of which "Nodule/Mass" is one class.
    VINDR: Exhaustive(
        (
            "Aortic_Enlargement", "Atelectasis", "Calcification", "Cardiomegaly", "Consolidation", "Effusion",
            "Fibrosis", "ILD", "Infiltration", "Lung Opacity", "Mass", "Nodule", "Other_Lesion",
            "Pleural_Thickening", "Pneumothorax",
        ),
        NODULE_OR_MASS,
        readers=3,
        labels=True,
    ),
    MED_ANNOTATION: Exhaustive(NODULE_OR_MASS, NODULE_OR_MASS, readers=1, labels=False),
}  # fmt: skip
"""Source of boxes, as boxes.csv names it -> its protocol."""
