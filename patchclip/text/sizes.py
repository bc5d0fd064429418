"""Sizes that limit what is asked for: "no nodule larger than 5 mm". No size is measured, so the answer is
about any finding, with a word that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from patchclip.text.concepts import Concept
from patchclip.text.language import read
from patchclip.text.lists import PARTING

_FIGURE = re.compile(r"\d+(?:[.,]\d+)?")
_MEASURED = re.compile(_FIGURE.pattern + r"(?:mm|cm)")
_UNITS = frozenset({"mm", "cm", "millimetre", "millimeter", "centimetre", "centimeter"})
_PARTING = PARTING | {")"}


def size_limits(words: Sequence[str]) -> list[range]:
    """Positions of each comparison with a size, "larger than 5 mm", in a sentence."""
    return list(_limits(words))


def limits_of(limits: Sequence[range], words: Sequence[str], concept: Concept) -> list[range]:
    """Those that speak of a concept: behind it in the same entry, or just before it.

    Args:
        limits: of the sentence, see `size_limits`.
        words: of the sentence.
        concept: in it.
    """
    return [
        limit
        for limit in limits
        if (concept.stop <= limit.start and _PARTING.isdisjoint(words[concept.stop : limit.start]))
        or limit.stop == concept.start
    ]


def _limits(words: Sequence[str]) -> Iterator[range]:
    lists = read("lexicon")["limits"]
    comparing, linking = frozenset(lists["comparing"]), frozenset(lists["linking"])
    for index, word in enumerate(words):
        alone = bool(_MEASURED.fullmatch(word))
        if not alone and not (_FIGURE.fullmatch(word) and _UNITS.intersection(words[index + 1 : index + 2])):
            continue
        start = index
        while start > 0 and words[start - 1] in comparing | linking:
            start -= 1
        while start < index and words[start] not in comparing:
            start += 1
        if start < index:
            yield range(start, index + (1 if alone else 2))
