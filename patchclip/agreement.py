"""Where a probability lies beside its operating point, whether it and the map say the same, and the
sentences."""

from __future__ import annotations

from patchclip.accuracy import OperatingPoint, Proportion

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


def standing(present: float, point: OperatingPoint, *, negated: bool = False, place: bool = False) -> str:
    """A sentence on where a probability lies beside the operating point, and how good the decision there is.

    Args:
        present: probability that the finding is present, in [0, 1], whatever way round it was asked.
        point: the finding's.
        negated: whether its absence was asked, so that the answer's number is another.
        place: whether the probability is of a place alone, where nobody measured the decision.
    """
    name = "P of presence" if negated else "P"
    side = "above" if present >= point.threshold else "below"
    digits = 2 if f"{present:.2f}" != f"{point.threshold:.2f}" else 4
    said = f"{name} {present:.{digits}f} is {side} {point.threshold:.{digits}f}"
    if point.accuracy is None:
        return f"{said}, the model's operating point, whose sensitivity and specificity were not measured."
    images = " of whole images" if place else ""
    return (
        f"{said}, where sensitivity is {_share(point.accuracy.sensitivity, '95 % CI ')} and "
        f"specificity {_share(point.accuracy.specificity)} on held-out data{images}."
    )


def _share(share: Proportion, interval: str = "") -> str:
    low, high = share.interval
    return f"{share.value:.2f} ({interval}{low:.2f} to {high:.2f}, n = {share.total})"
