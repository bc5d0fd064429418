"""What an adjective leaves open where a finding is denied: "no tension pneumothorax", "no large effusion".

A kind that is absent says nothing of the finding, which is often there where somebody denies the kind. A
degree that is absent is, in reports, said of a finding that is not seen: it is answered as that, with a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from patchclip.text.concepts import Concept
from patchclip.text.language import read, word_lists
from patchclip.text.phrases import HYPHENS

_OWN = frozenset({"displaced"})  # a degree though a wording of the vocabulary holds it


def kind_of(words: Sequence[str], concept: Concept) -> tuple[int, ...]:
    """Positions of the words that make a finding one kind of it: "loculated effusion".

    Args:
        words: of a sentence.
        concept: in it.
    """
    kinds = frozenset(read("lexicon")["kinds"].get(concept.label, ()))
    return tuple(index for index in _around(words, concept) if words[index] in kinds)


def degrees_of(words: Sequence[str], concept: Concept) -> tuple[int, ...]:
    """Positions of the words that leave a lesser or older finding open: "large", "acute"."""
    degrees, own = frozenset(read("lexicon")["degrees"]), set(concept.positions)
    return tuple(
        index
        for index in _around(words, concept)
        if words[index] in degrees and (index not in own or words[index] in _OWN)
    )


def _around(words: Sequence[str], concept: Concept) -> list[int]:
    """Positions of the adjectives before a concept, of what stands in it, and of one word behind it that ends
    the clause, as other languages place them."""
    stop = concept.stop
    ends = not any(word[0].isalpha() for word in words[stop + 1 : stop + 2])
    behind = [stop] if stop < len(words) and ends else []
    return sorted({*_before(words, concept), *range(concept.start, stop), *behind})


def _before(words: Sequence[str], concept: Concept) -> Iterator[int]:
    """Positions of the adjectives before a concept, back to the next word that is none."""
    index = concept.start - 1
    while index >= 0 and words[index] in _adjectives():
        yield index
        index -= 1


@lru_cache(maxsize=1)
def _adjectives() -> frozenset[str]:
    lists, data = word_lists(), read("lexicon")
    kinds = {word for group in data["kinds"].values() for word in group}
    sides = {word for group in read("place")["sides"].values() for word in group}
    plain = (lists.degree | lists.describing | lists.chest | HYPHENS) - lists.breaks
    return plain | kinds | sides | frozenset(data["degrees"])
