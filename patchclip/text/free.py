"""Text without a finding of the vocabulary, or with a doubtful one: the phrase that the gate judges."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from patchclip.text.concepts import Concept
from patchclip.text.language import read, word_lists
from patchclip.text.lexicon import Lexicon

_PLACING = frozenset(
    {"in", "inside", "into", "within", "on", "at", "around", "near", "beside", "behind", "above", "below"}
    | {"over", "under", "along", "throughout", "across", "between", "adjacent", "to"}
)
_OFTEN_SPOKEN_OF = ("heart", "lungs")
_NOUN_PHRASE = 4  # words before a noun that may part it from what places it: "around my left lower lobe"


def free_phrase(words: Sequence[str]) -> str:
    """What is left of a text without fillers, negations and sides; all of its words if nothing is."""
    lists, sides = word_lists(), read("place")["sides"]
    drops = (lists.function | lists.degree | lists.fillers | lists.negating) - {"small", "large"}
    drops |= {word for group in sides.values() for word in group}
    plain = [word for word in words if word[0].isalnum()]
    return " ".join([word for word in plain if word not in drops] or plain)


def says_nothing_known(words: Sequence[str], lexicon: Lexicon) -> bool:
    """Whether a text names a structure that is no mere place ("in both lungs"), and says nothing of it that
    could be told by likeness.

    The nearest phrase of "obscured diaphragm" is one on the same structure, whatever that says ("flattened
    diaphragm"). Of heart and lungs so much is said in so many words ("the heart has grown") that likeness may
    answer, but not where they alone are named ("lung bases excluded").
    """
    lists, sides = word_lists(), read("place")["sides"]
    plain = lists.function | lists.degree | lists.fillers | lists.negating | lists.said
    plain |= {word for group in sides.values() for word in group}
    matches = [match for match in lexicon.phrases.longest(words) if match.value.kind == "structure"]
    named = {position for match in matches for position in match.positions}
    alone = all(word in plain or not word[0].isalpha() for i, word in enumerate(words) if i not in named)
    return any(
        (alone or match.value.name not in _OFTEN_SPOKEN_OF)
        and not _PLACING.intersection(words[max(0, match.start - _NOUN_PHRASE) : match.start])
        for match in matches
    )


def is_negated(words: Sequence[str]) -> bool:
    """Whether an odd number of words negate; "free" does in "free of" alone."""
    count = sum(word in word_lists().negating for word in words)
    count += sum(
        word == "free" and tuple(words[index + 1 : index + 2]) in (("of",), ("from",))
        for index, word in enumerate(words)
    )
    return count % 2 == 1


def is_doubtful(
    words: Sequence[str], concept: Concept, others: Sequence[Concept], said: Collection[int]
) -> bool:
    """Whether one generic word is all that was understood, beside words that do not just describe it, with
    none that says the chest, as any other finding of the chest does.

    Args:
        words: of a sentence.
        concept: in it.
        others: further findings of the vocabulary in it.
        said: positions of the words that say whether a finding is there.
    """
    lists = word_lists()
    plain = [word for index, word in enumerate(words) if word[0].isalnum() and index not in said]
    if not _is_generic(words, concept) or not all(_is_generic(words, other) for other in others):
        return False
    if any(word in lists.chest for word in plain):
        return False
    sides = {word for group in read("place")["sides"].values() for word in group}
    known = (
        lists.function
        | lists.degree
        | lists.fillers
        | lists.describing
        | lists.generic
        | lists.negating
        | sides
    )
    return any(word not in known and not any(map(str.isdigit, word)) for word in plain)


def _is_generic(words: Sequence[str], concept: Concept) -> bool:
    return len(concept.positions) == 1 and words[concept.start] in word_lists().generic


def names_something(words: Sequence[str]) -> bool:
    """Whether a text holds more than words that carry no finding: "no prior available" asks for nothing."""
    lists = word_lists()
    plain = lists.function | lists.degree | lists.fillers | lists.common | lists.describing | lists.negating
    return any(word not in plain and word[0].isalpha() for word in words)
