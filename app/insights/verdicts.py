"""Which of two saliency methods' maps readers call correct more often, on the same cases."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from app.insights.opinions import Readings
from app.insights.paired import Discordance, discordance
from app.insights.shares import share
from app.insights.shift import ALL
from patchclip.evaluate.bootstrap import Figure


@dataclass(frozen=True, slots=True)
class MapComparison:
    """Two methods whose maps were judged blinded, side by side.

    Attributes:
        finding: its label, or `EVERY`.
        reader: one, or `shift.ALL`.
        methods: the two.
        correct: share of maps called correct, of each; "partly" is not correct.
        difference: of the first less the second, paired, with its interval over cases like these.
        discordance: pairs of which both maps, one alone or neither was called correct. Its P takes judgements
            as independent: where several are of the same case the interval is to be preferred.
    """

    finding: str
    reader: str
    methods: tuple[str, str]
    correct: tuple[Figure, Figure]
    difference: Figure
    discordance: Discordance


EVERY = "all findings"


def map_comparisons(readings: Readings) -> tuple[MapComparison, ...]:
    """Of each two methods: over all findings, then of each; of all readers, then of each."""
    told = [mark for mark in readings.data.marks if mark.verdicts]
    methods = sorted({name for mark in told for name in mark.verdicts}, key=_patch_map_first)
    result = []
    for pair in combinations(methods, 2):
        for finding in (EVERY, *readings.findings):
            for reader in (ALL, *readings.data.readers):
                chosen = [
                    (mark.case, mark.verdicts[pair[0]] == "correct", mark.verdicts[pair[1]] == "correct")
                    for mark in told
                    if finding in (EVERY, mark.finding)
                    and reader in (ALL, mark.reader)
                    and set(pair) <= set(mark.verdicts)
                ]
                if chosen:
                    result.append(_comparison(finding, reader, pair, chosen))
    return tuple(result)


def _comparison(
    finding: str, reader: str, methods: tuple[str, str], chosen: list[tuple[int, bool, bool]]
) -> MapComparison:
    cases = [case for case, _, _ in chosen]
    first, second = [one for _, one, _ in chosen], [two for _, _, two in chosen]
    return MapComparison(
        finding,
        reader,
        methods,
        (share(cases, [float(one) for one in first]), share(cases, [float(two) for two in second])),
        share(cases, [float(one) - float(two) for one, two in zip(first, second, strict=True)]),
        discordance(first, second),
    )


def _patch_map_first(method: str) -> tuple[bool, str]:
    return method != "patch", method
