"""Concepts to what is asserted of them: present, absent, uncertain, historical or by comparison.

The algorithm is NegEx's (Chapman et al., J Biomed Inform 2001;34:301) with ConText's classes (Harkema et al.,
J Biomed Inform 2009;42:839): trigger terms reach forward or backward, pseudo-triggers ("no change in") reach
nowhere, terminating terms end a reach. Reports and notes need more about lists than either: "no A, B or C" is
one list, "no fever, pneumonia" is none. The terms are data (assets/language/assertion.json).

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
from patchclip.text.terms import KINDS, Kind, Term, Use, find_ends, find_terms, markers

Assertion = Literal["present", "absent", "uncertain", "historical", "comparison"]
_MASK = "\0"  # stands for the words of a concept: no term holds it
_SEPARATORS = frozenset({",", "and", "&", "plus", ":", "("})
_ALTERNATIVES = frozenset({"or", "nor", "/", "vs", "versus"})
GENERAL = "disease in general"  # the name of what "no acute disease" denies
_WEAK = 8  # words that a term of uncertainty, history or comparison reaches over at most


@dataclass(frozen=True, slots=True)
class Asserted:
    """A concept and what is said of it.

    Attributes:
        concept: of the sentence.
        assertion: "absent" where the finding is said to be absent, by negation or by a normal statement.
        terms: positions of the words that say so.
        compared: whether the words compare it with another film, whatever else they say: "no new effusion".
        shared: whether a negation reaches it over a comma or an "and" alone, so that the words may as well
            say that it is there: "no pneumothorax, effusion".
        apart: whether it has no negation after entries that have one each, so that the words may as well say
            that it is absent: "no pneumothorax, no effusion, cardiomegaly".
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
    scope = _Scope(words, concepts, masked)
    return [scope.asserted(concept) for concept in concepts]


class _Scope:
    """One sentence with its concepts and terms."""

    def __init__(self, words: Sequence[str], concepts: Sequence[Concept], masked: Sequence[str]) -> None:
        self._words, self._concepts = words, concepts
        self._terms = find_terms(masked)
        self._ends, self._soft_ends = find_ends(masked)
        self._inside = {position for concept in concepts for position in concept.positions}
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
            shared = not concept.normal and any(self._is_shared(term, concept) for term in nearest)
            return Asserted(concept, "absent", positions, bool(reached["comparison"]), shared)
        weaker: tuple[Literal["historical", "uncertain", "comparison"], ...]
        weaker = ("historical", "uncertain", "comparison")
        for kind in weaker:
            if reached[kind]:
                return Asserted(concept, kind, positions)
        return Asserted(concept, "present", positions, apart=self._is_apart(concept))

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
        if weak and not use.enumerates and concept.start - term.stop > _WEAK:
            return False
        for index in range(term.stop, concept.start):
            word = self._words[index]
            if index in self._ends or (index in self._soft_ends and self._named(term.stop, index)):
                return False
            if weak and word in markers().verbs and self._words[index - 1] != "there":
                return False
            separates = word in _SEPARATORS and index not in self._inside and not use.enumerates
            if separates and not self._list_goes_on(term.stop, index, weak):
                return False
        return True

    def _named(self, start: int, stop: int) -> bool:
        """Whether a concept ends between two positions."""
        return any(start < concept.stop <= stop for concept in self._concepts)

    def _list_goes_on(self, start: int, separator: int, weak: bool) -> bool:
        """Whether the reach that began at `start` goes on over a comma or an "and"."""
        word, named = self._words[separator], self._named(start, separator)
        if word in (":", "("):
            return not named
        if word != "," and not named:
            return True  # "no right and left effusion"
        if self._alternative_follows(separator) or (word == "," and self._adjectives(start, separator)):
            return True
        if not named or (weak and word == ","):
            return False  # "no fever, pneumonia"
        concept = self._next_item(separator)
        return concept is not None and not self._begins_anew(concept, start, separator)

    def _alternative_follows(self, separator: int) -> bool:
        """Whether an "or" follows in the same list."""
        negations = {index for term in self._terms if term.negates for index in range(term.start, term.stop)}
        for index in range(separator + 1, len(self._words)):
            if index in self._ends or index in self._soft_ends or index in negations:
                return False
            if self._words[index] in ("or", "nor"):
                return True
            if self._words[index] in markers().verbs and index not in self._inside:
                return False
        return False

    def _adjectives(self, start: int, stop: int) -> bool:
        """Whether only adjectives stand between: "no acute, displaced fractures"."""
        lists = word_lists()
        between = lists.degree | lists.describing | lists.function
        return start < stop and all(word in between for word in self._words[start:stop])

    def _next_item(self, separator: int) -> Concept | None:
        """The last concept before the next separator: what stands before it describes it."""
        stop = separator + 1
        while stop < len(self._words) and self._words[stop] not in _SEPARATORS | _ALTERNATIVES:
            stop += 1
        between = [concept for concept in self._concepts if separator < concept.start < stop]
        later = [concept for concept in self._concepts if concept.start > separator]
        return between[-1] if between else later[0] if later else None

    def _is_shared(self, term: Term, concept: Concept) -> bool:
        """Whether one comma or "and" alone carries a negation from one finding, or a list that "or" closed,
        to a last one."""
        gap = range(term.stop, concept.start)
        cuts = [i for i in gap if self._words[i] in (",", "and", "&", "plus") and i not in self._inside]
        cuts = [index for index in cuts if self._named(term.stop, index)]
        if not cuts or self._alternative_follows(cuts[-1]):
            return False
        if any(self._words[index] in _ALTERNATIVES for index in range(cuts[-1], concept.start)):
            return False
        return self._is_second(term.stop, cuts[-1]) and self._words[concept.stop : concept.stop + 1] != [","]

    def _is_apart(self, concept: Concept) -> bool:
        """Whether nothing but its want of a "no", in a list whose other entries have one, says that a finding
        is there."""
        start = max((term.stop for term in self._denying(concept.start)), default=concept.start)
        cuts = [index for index in range(start, concept.start) if self._is_comma(index)]
        if not cuts or concept.predicate or concept.normal or not self._each_denied(cuts[0]):
            return False
        said = markers().asserting | markers().asserting_alone | markers().asserting_behind
        entry = set(self._words[cuts[-1] + 1 : concept.stop + 1])
        return not said & entry and not self._ends.intersection(range(start, concept.start))

    def _each_denied(self, comma: int) -> bool:
        """Whether a comma ends a list of two entries or more that have a negation each."""
        terms = self._denying(comma)
        if len(terms) < 2 or any(map(self._is_comma, range(terms[-1].stop, comma))):
            return False
        last = terms[-1].start
        return any(
            self._is_comma(cut) and self._named(earlier.stop, cut)
            for earlier in terms[:-1]
            for cut in range(earlier.stop, last)
        )

    def _denying(self, stop: int) -> list[Term]:
        """Terms before a position that negate what follows them."""
        return [term for term in self._terms if term.negates and term.stop <= stop]

    def _is_comma(self, index: int) -> bool:
        return self._words[index] == "," and index not in self._inside

    def _begins_anew(self, concept: Concept, start: int, separator: int) -> bool:
        """Whether an item after a comma or an "and" is a statement of its own."""
        if concept.predicate:
            return True  # "no infiltrate, heart enlarged"
        if self._words[separator] == "," and self._each_denied(separator):
            return True  # "no pneumothorax, no effusion, cardiomegaly"
        words = self._words[separator + 1 : concept.stop]
        if any(word in markers().asserting for word in words) or self._sided(concept):
            return True  # "no pneumothorax, small effusion"; "no pneumothorax, effusion on the right"
        behind = self._words[concept.stop : concept.stop + 1]
        if any(word in markers().asserting_behind for word in behind):
            return True  # "no pneumothorax, effusion massive", as French says it
        if any(word in markers().asserting_alone for word in words) and list(behind) != ["/"]:
            return True
        if self._about_all(start, separator):
            return True  # "no acute disease, emphysema"
        verb = self._verb_after(concept)
        if verb is None:
            return False
        if "present" in self._words[verb : verb + 2] and self._is_second(start, separator):
            return True  # "no consolidation, cardiomegaly present"
        stated = any(word in markers().verbs for word in self._words[start:separator])
        closes = any(word in markers().closing for word in self._words[verb : verb + 3])
        return stated or not closes

    def _about_all(self, start: int, separator: int) -> bool:
        """Whether what is denied up to a separator is no finding but disease as such."""
        before = [concept for concept in self._concepts if start <= concept.start < separator]
        return bool(before) and all(concept.name == GENERAL for concept in before)

    def _is_second(self, start: int, separator: int) -> bool:
        """Whether one finding, or a list that "or" closed, stands before a separator."""
        before = {concept.start for concept in self._concepts if start <= concept.start < separator}
        return len(before) == 1 or any(word in _ALTERNATIVES for word in self._words[start:separator])

    def _sided(self, concept: Concept) -> bool:
        """Whether a side follows in the same item."""
        for word in self._words[concept.stop : concept.stop + 4]:
            if word in ("left", "right"):
                return True
            if word in _SEPARATORS or word in _ALTERNATIVES:
                return False
        return False

    def _verb_after(self, concept: Concept) -> int | None:
        """Position of a verb just after a concept, in the same item."""
        for index in range(concept.stop, min(concept.stop + 3, len(self._words))):
            word = self._words[index]
            if word in _SEPARATORS or word in _ALTERNATIVES:
                return None
            if word in markers().verbs or word == "consistent":
                return index
        return None

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
