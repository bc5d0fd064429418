"""Whether a taught model may take its parent's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from patchclip.evaluate.bootstrap import Figure
from trainer.teach.compare import HEADLINES, Comparison

MARGIN = 0.03
"""How much worse a headline figure may be before a model is refused, whatever its interval."""
NAMES = {
    "auroc": "AUROC",
    "pointing": "pointing",
    "patch_auroc": "AUROC of patches",
    "agreement": "agreement with readers",
}
NOTHING = "nothing that was held out tells whether it is better: have more cases read, or give original data"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided.

    Attributes:
        reasons: against the model, in words; empty where there is none.
        override: why it was taken nevertheless, or None.
    """

    reasons: tuple[str, ...]
    override: str | None = None

    @property
    def word(self) -> str:
        """ "accepted", "overridden" or "refused"."""
        if not self.reasons:
            return "accepted"
        return "overridden" if self.override else "refused"

    @property
    def accepted(self) -> bool:
        """Whether the model is written."""
        return self.word != "refused"


def judge(comparisons: Mapping[str, Comparison], margin: float, override: str | None) -> Verdict:
    """Refuses a model that is worse on any set of held-out images.

    It is worse if the 95 % interval of a headline figure's difference lies below 0, or the difference itself
    below minus the margin; or if the interval of a single finding's lies below minus the margin, so that no
    mean hides a finding that was lost. Where no headline figure is defined, nothing tells that it is better,
    and it is refused too.

    Args:
        comparisons: set of images, in words -> both models on it.
        margin: at least 0.
        override: why a model that is worse is taken nevertheless.
    """
    reasons: list[str] = []
    told = False
    for where, comparison in comparisons.items():
        for name in HEADLINES:
            difference = comparison.headlines[name].difference
            if difference.value is None:
                continue
            told = True
            if _below(difference, 0.0) or difference.value < -margin:
                reasons.append(f"{NAMES[name]} on {where} is {_words(difference)}")
        reasons += [
            f"{NAMES[name]} of {label} on {where} is {_words(row.difference)}"
            for label, row_by_name in comparison.findings.items()
            for name, row in row_by_name.items()
            if _below(row.difference, -margin)
        ]
    return Verdict(tuple(reasons) if told else (NOTHING,), override if reasons or not told else None)


def _below(figure: Figure, edge: float) -> bool:
    """Whether the whole interval lies below."""
    return figure.ci[1] is not None and figure.ci[1] < edge


def _words(figure: Figure) -> str:
    assert figure.value is not None
    low, high = figure.ci
    interval = "" if low is None or high is None else f" (95 % CI {low:+.3f} to {high:+.3f})"
    return (
        f"lower by {-figure.value:.3f}{interval}, n = {figure.n}"
        if figure.value < 0
        else (f"higher by {figure.value:.3f}{interval}, n = {figure.n}")
    )
