"""Whether the probability of an image and its map say the same, and the sentence where they do not."""

from __future__ import annotations

WHOLE = "the image as a whole"
LIKELY = 0.5
"""Probability from which a reader takes it for a yes."""


def disagreement(
    finding: str, present: float, threshold: float, *, lit: bool, speaker: str = WHOLE
) -> str | None:
    """A sentence for an answer whose image and map speak against each other, or None.

    Args:
        finding: in words.
        present: probability that it is present, in [0, 1], whatever way round it was asked.
        threshold: probability from which the image speaks for it, its operating point.
        lit: whether the map has a region.
        speaker: what the probability is of, in words: the image, or a place in it.
    """
    if lit and present < threshold:
        return (
            f"A region is lit, but {speaker} speaks against {finding} (P {present:.2f}, and it "
            f"speaks for it from {threshold:.2f}): take the region as a weak hint."
        )
    subject = f"{speaker[0].upper()}{speaker[1:]}"
    if lit and present < LIKELY:
        return (
            f"{subject} speaks for {finding} although P is only {present:.2f}, as it does from "
            f"{threshold:.2f}: the finding is rare."
        )
    if not lit and present >= max(threshold, LIKELY):
        said = f"{subject} speaks for {finding} (P {present:.2f})"
        return f"{said}, but no region is lit: where it is cannot be said."
    return None
