"""McNemar's test of paired decisions, and proportions that are paired."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Discordance:
    """Pairs of decisions, and P that neither of the two is right more often.

    Attributes:
        both, first, second, neither: pairs of which both, one alone, or neither is right.
        p: McNemar's exact two-sided test (Psychometrika 1947; the binomial test of the discordant pairs);
            1 where there is no discordant pair.
    """

    both: int
    first: int
    second: int
    neither: int

    @property
    def n(self) -> int:
        """Pairs."""
        return self.both + self.first + self.second + self.neither

    @property
    def p(self) -> float:
        """See the class."""
        from scipy.stats import binomtest  # half a second of a start that may never test anything

        discordant = self.first + self.second
        return float(binomtest(self.first, discordant, 0.5).pvalue) if discordant else 1.0


def discordance(first: list[bool], second: list[bool]) -> Discordance:
    """From two lists of the same length, whether each decision is right."""
    pairs = list(zip(first, second, strict=True))
    return Discordance(
        sum(a and b for a, b in pairs),
        sum(a and not b for a, b in pairs),
        sum(b and not a for a, b in pairs),
        sum(not a and not b for a, b in pairs),
    )
