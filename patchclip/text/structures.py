"""Structures with a side that is no place of a finding: "effusion, left hemidiaphragm obscured"."""

from __future__ import annotations

from collections.abc import Container, Sequence
from functools import lru_cache

from patchclip.text.language import read
from patchclip.text.phrases import PhraseTable
from patchclip.text.tokens import tokens_of

_NO_PLACES = ("heart", "diaphragm", "bones", "spine", "aorta")
"""Names of those that are not where a finding of lung or pleura lies, as a lung or an angle is."""
_PLACING = frozenset({"of", "in", "at", "on", "to", "along", "near", "behind", "over", "involving", "around"})


def sides_of_structures(words: Sequence[str], inside: Container[int]) -> set[int]:
    """Positions of the words behind which such a structure begins, so that a side there is its own.

    Args:
        words: of a sentence.
        inside: positions of the words of its concepts: what is said of these structures was understood.
    """
    return {
        match.start
        for match in _structures().longest(words)
        if not any(position in inside for position in match.positions)
        and not _is_placing(words, match.start - 1)  # "fracture of the left clavicle"
    }


def _is_placing(words: Sequence[str], side: int) -> bool:
    """Whether the side at a position places what is named before it."""
    before = side - 1
    while before >= 0 and words[before] == "the":
        before -= 1
    return before >= 0 and words[before] in _PLACING


@lru_cache(maxsize=1)
def _structures() -> PhraseTable[bool]:
    phrases = (
        tuple(tokens_of(phrase))
        for structure in read("lexicon")["structures"]
        if structure["name"] in _NO_PLACES
        for phrase in structure["phrases"]
    )
    return PhraseTable(((words, True) for words in phrases), frozenset(), gap=0)
