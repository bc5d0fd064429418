"""Concepts to what is asserted of them: present, absent, uncertain, historical or by comparison.

The algorithm is NegEx's (Chapman et al., J Biomed Inform 2001;34:301) with ConText's classes (Harkema et al.,
J Biomed Inform 2009;42:839): trigger terms reach forward or backward, pseudo-triggers ("no change in") reach
nowhere, terminating terms end a reach. Reports and notes need more about lists than either, see
`patchclip.text.lists`. The terms are data (assets/language/assertion.json).

Own code and not a library: negspacy 1.1 with spaCy 3.8 weighs 330 MB and takes seconds to load, and its lists
miss about half of the cases in tests/text/kinds.csv, so that the terms would have to be written anyway; this
takes no import and less than a millisecond a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from patchclip.text.concepts import Concept
from patchclip.text.language import word_lists
from patchclip.text.lists import SEPARATORS, Lists
from patchclip.text.sizes import size_limits
from patchclip.text.terms import KINDS, Kind, Term, Use, find_ends, find_terms, markers

Assertion = Literal["present", "absent", "uncertain", "historical", "comparison"]
_MASK = "\0"  # stands for the words of a concept: no term holds it
_WEAK = 8  # words that a term of uncertainty, history or comparison reaches over at most


@dataclass(frozen=True, slots=True)
class Asserted:
    """A concept and what is said of it.

    Attributes:
        concept: of the sentence.
        assertion: "absent" where the finding is said to be absent, by negation or by a normal statement.
        terms: positions of the words that say so.
        compared: whether the words compare it with another film, whatever else they say: "no new effusion".
        shared: whether a negation reaches it over a comma, an "and" or nothing alone, so that the words may
            as well say that it is there: "no pneumothorax, effusion", "no effusion cardiomegaly".
        apart: whether it has no negation after entries that have one each, or follows a denied one without a
            comma, so that the words may as well say that it is absent: "no pneumothorax, no effusion,
            cardiomegaly", "no effusion heart enlarged".
    """

    concept: Concept
    assertion: Assertion
    terms: tuple[int, ...]
    compared: bool = False
    shared: bool = False
    apart: bool = False


def assert_concepts(words: Sequence[str], concepts: Sequence[Concept]) -> list[Asserted]:
    """What a sentence says of each of its concepts, in their order."""
    masked = list(words)
    for concept in concepts:
        for position in concept.positions:
            masked[position] = _MASK
    for limit in size_limits(words):
        for position in limit:
            masked[position] = _MASK  # "larger than 5 mm" compares with no other film
    scope = _Scope(words, concepts, masked)
    return [scope.asserted(concept) for concept in concepts]


class _Scope:
    """One sentence with its concepts and terms."""

    def __init__(self, words: Sequence[str], concepts: Sequence[Concept], masked: Sequence[str]) -> None:
        self._words, self._concepts = words, concepts
        self._terms = find_terms(masked)
        self._ends, self._soft_ends = find_ends(masked)
        self._inside = {position for concept in concepts for position in concept.positions}
        self._lists = Lists(words, concepts, self._terms, (self._ends, self._soft_ends))
        self._starts = {concept.start for concept in concepts}

    def asserted(self, concept: Concept) -> Asserted:
        """Negation outweighs history, history doubt, doubt comparison."""
        reached = {kind: self._reaching(concept, kind) for kind in KINDS}
        negated = bool(reached["negation"])
        positions = tuple(sorted({p for terms in reached.values() for term in terms for p in term.positions}))
        if concept.borderline:
            return Asserted(concept, "absent" if negated else "uncertain", positions)
        if not negated if concept.reversed else negated != concept.normal:
            nearest = [t for t in reached["negation"] if t.start < concept.start][-1:]
            shared = not concept.normal and any(self._lists.is_shared(term, concept) for term in nearest)
            return Asserted(concept, "absent", positions, bool(reached["comparison"]), shared)
        weaker: tuple[Literal["historical", "uncertain", "comparison"], ...]
        weaker = ("historical", "uncertain", "comparison")
        for kind in weaker:
            if reached[kind]:
                return Asserted(concept, kind, positions)
        return Asserted(concept, "present", positions, apart=self._lists.is_apart(concept))

    def _reaching(self, concept: Concept, kind: Kind) -> list[Term]:
        """Terms of one class that reach a concept."""
        return [
            term
            for term in self._terms
            if any(use.kind == kind and self._reaches(term, use, concept) for use in term.uses)
        ]

    def _reaches(self, term: Term, use: Use, concept: Concept) -> bool:
        if concept.start < term.start < concept.stop:
            return True  # inside: "the heart is not enlarged"
        if use.before and term.stop <= concept.start:
            return self._forward(term, use, concept)
        if not use.before and term.start >= concept.stop:
            return self._backward(term, use, concept)
        return False

    def _forward(self, term: Term, use: Use, concept: Concept) -> bool:
        """Whether nothing ends the reach between a term and a concept after it."""
        weak = use.kind != "negation"
        if not weak and self._lists.ended(term.stop, concept):
            return False  # "no effusion heart enlarged"
        if weak and not use.enumerates and concept.start - term.stop > _WEAK:
            return False
        for index in range(term.stop, concept.start):
            word = self._words[index]
            if index in self._ends or (index in self._soft_ends and self._lists.named(term.stop, index)):
                return False
            if weak and word in markers().verbs and self._words[index - 1] != "there":
                return False
            separates = word in SEPARATORS and index not in self._inside and not use.enumerates
            if separates and not self._lists.goes_on(term.stop, index, weak):
                return False
        return True

    def _backward(self, term: Term, use: Use, concept: Concept) -> bool:
        """Whether nothing ends the reach between a term and a concept before it."""
        negates = use.kind == "negation"
        if negates and term.words in markers().answers and not self._closes(term.stop):
            return False
        if not negates and term.start - concept.stop > _WEAK:
            return False
        if self._belongs_ahead(term, use):
            return False
        others = [c for c in self._concepts if concept.stop <= c.start < term.start]
        gap = range(concept.stop, term.start)
        commas = [index for index in gap if self._words[index] == "," and index not in self._inside]
        if not all(self._passable(index, negates, term) for index in gap):
            return False
        if others and commas and not any(self._words[index] in ("and", "or", "&", "nor") for index in gap):
            return False  # "effusion, pneumothorax resolved"
        if others and any(
            self._words[index] in markers().finite for index in range(gap.start, others[0].start)
        ):
            return False  # "consolidation is present and effusion is absent"
        if negates and commas and not others:
            passes = word_lists().function | markers().trailing | {"which"}
            words = [self._words[index] for index in gap if self._words[index] not in passes]
            return words[-1:] == [","]  # "pneumothorax, absent"; "effusion, which has resolved"
        return True

    def _belongs_ahead(self, term: Term, use: Use) -> bool:
        """Whether a term that may speak of either neighbour stands before another: "atelectasis, unlikely
        pneumonia"."""
        ahead = any(other.kind == use.kind and other.before for other in term.uses)
        passes = word_lists().function | word_lists().degree
        index = term.stop
        while index < len(self._words) and self._words[index] in passes and index not in self._starts:
            index += 1
        return ahead and index in self._starts and self._words[term.start - 1] == ","

    def _passable(self, index: int, negates: bool, term: Term) -> bool:
        """Whether a term that speaks of what is before it reaches back over a position."""
        word = self._words[index]
        if index in self._inside:
            return True
        if index in self._ends and word not in ("which", "that", "since", "?"):
            return False
        if word == "(":  # "effusion (no)", not "effusion (no pneumothorax)"
            return self._closes(term.stop)
        if word in ("with", "without"):
            return False
        return not (
            negates and any(item.start == index and item is not term and item.negates for item in self._terms)
        )

    def _closes(self, index: int) -> bool:
        """Whether nothing but another item follows: "pneumothorax: no, effusion: yes"."""
        while index < len(self._words) and self._words[index] in markers().trailing:
            index += 1
        return index >= len(self._words) or self._words[index] in (",", ")", "-")
