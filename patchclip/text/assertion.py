"""Concepts of a sentence to what is asserted of them: present, absent, uncertain, historical or by comparison.

The algorithm is NegEx's (Chapman et al., J Biomed Inform 2001;34:301) with ConText's classes (Harkema et al., J Biomed Inform 2009;42:839):
trigger terms reach forward or backward, pseudo-triggers ("no change in") reach nowhere, terminating terms end a reach. Reports and notes
need more about lists than either: "no A, B or C" is one list, "no fever, pneumonia" is none. The terms are data
(assets/language/assertion.json). Own code and not a library, because negspacy with spaCy weighs 330 MB and takes seconds to load, and its
lists miss half of the cases in tests/text; this reads a sentence in well under a millisecond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from patchclip.text.concepts import Concept
from patchclip.text.language import read, word_lists
from patchclip.text.phrases import Match, PhraseTable
from patchclip.text.tokens import read_tokens

Assertion = Literal["present", "absent", "uncertain", "historical", "comparison"]
Class = Literal["negation", "pseudo", "uncertain", "historical", "comparison"]
_MASK = "\0"  # stands for the words of a concept: no term holds it
_SEPARATORS = frozenset({",", "and", "&", "plus", ":", "("})
_ALTERNATIVES = frozenset({"or", "nor", "/", "vs", "versus"})
_WEAK = 8  # words that a term of uncertainty, history or comparison reaches over at most


@dataclass(frozen=True, slots=True)
class Asserted:
    """A concept and what is said of it.

    Attributes:
        concept: of the sentence.
        assertion: "absent" where the finding is said to be absent, by negation or by a normal statement.
        terms: positions of the words that say so.
        compared: whether the words compare it with another film, whatever else they say: "no new effusion".
    """

    concept: Concept
    assertion: Assertion
    terms: tuple[int, ...]
    compared: bool = False


@dataclass(frozen=True, slots=True)
class _Use:
    kind: Class
    before: bool  # the term stands before what it speaks of
    enumerates: bool = False  # commas do not end its reach: "differential diagnosis includes"


_Term = Match[frozenset[_Use]]


def assert_concepts(words: Sequence[str], concepts: Sequence[Concept]) -> list[Asserted]:
    """What a sentence says of each of its concepts, in their order."""
    masked = list(words)
    for concept in concepts:
        for position in concept.positions:
            masked[position] = _MASK
    terms = _terms().longest(masked)
    scope = _Scope(list(words), concepts, terms, _ends().all(masked), _passes().all(masked))
    return [scope.asserted(concept) for concept in concepts]


class _Scope:
    """One sentence with its concepts and terms."""

    def __init__(
        self,
        words: list[str],
        concepts: Sequence[Concept],
        terms: Sequence[_Term],
        ends: Sequence[Match[bool]],
        passes: Sequence[Match[bool]],
    ) -> None:
        self._words, self._concepts, self._terms = words, concepts, terms
        self._inside = {position for concept in concepts for position in concept.positions}
        passed = {position for match in passes for position in match.positions}
        self._ends = {match.start for match in ends if match.start not in passed}
        data = read("assertion")
        self._finite = frozenset(data["finite verbs"])
        self._verbs = self._finite | frozenset(data["participles"])
        self._answers = frozenset(_words_of(text) for text in data["answers"])
        self._closing = frozenset(data["closing"])
        self._asserting = frozenset(data["asserting"])

    def asserted(self, concept: Concept) -> Asserted:
        """Negation outweighs history, history doubt, doubt comparison."""
        reached = {
            kind: self._reaching(concept, kind)
            for kind in ("negation", "historical", "uncertain", "comparison")
        }
        negated = bool(reached["negation"])
        positions = tuple(sorted({p for terms in reached.values() for term in terms for p in term.positions}))
        if concept.borderline:
            return Asserted(concept, "absent" if negated else "uncertain", positions)
        absent = negated != concept.normal if not concept.reversed else not negated
        if absent:
            return Asserted(concept, "absent", positions, bool(reached["comparison"]))
        for kind in ("historical", "uncertain", "comparison"):
            if reached[kind]:
                return Asserted(concept, kind, positions)
        return Asserted(concept, "present", positions)

    def _reaching(self, concept: Concept, kind: str) -> list[_Term]:
        """Terms of one class that reach a concept."""
        found = []
        for term in self._terms:
            for use in term.value:
                if use.kind == kind and self._reaches(term, use, concept):
                    found.append(term)
                    break
        return found

    def _reaches(self, term: _Term, use: _Use, concept: Concept) -> bool:
        if concept.start < term.start < concept.stop:
            return True  # inside: "the heart is not enlarged"
        if use.before and term.stop <= concept.start:
            return self._forward(term, use, concept)
        if not use.before and term.start >= concept.stop:
            return self._backward(term, use, concept)
        return False

    def _forward(self, term: _Term, use: _Use, concept: Concept) -> bool:
        """Whether nothing ends the reach between a term and a concept after it."""
        weak = use.kind != "negation"
        if weak and not use.enumerates and concept.start - term.stop > _WEAK:
            return False
        for index in range(term.stop, concept.start):
            word = self._words[index]
            if index in self._ends and not self._is_own(term, index):
                return False
            if (
                word in _SEPARATORS
                and index not in self._inside
                and not use.enumerates
                and not self._list_goes_on(term.stop, index, weak)
            ):
                return False
            if weak and word in self._verbs:
                return False
        return True

    def _is_own(self, term: _Term, index: int) -> bool:
        return term.start <= index < term.stop

    def _list_goes_on(self, start: int, separator: int, weak: bool) -> bool:
        """Whether the reach that began at `start` goes on over a comma or an "and"."""
        word = self._words[separator]
        named = any(start < concept.stop <= separator for concept in self._concepts)
        if word in (":", "("):
            return not named
        if word != "," and not named:
            return True  # "no right and left effusion"
        if self._alternative_follows(separator) or (word == "," and self._adjectives(start, separator)):
            return True
        if not named or (weak and word == ","):
            return False
        following = self._item(separator + 1)
        concept = next((c for c in self._concepts if c.start >= following.stop), None)
        if any(self._words[index] in self._asserting and index not in self._inside for index in following):
            return False
        if concept is None or concept.predicate or self._sided(concept):
            return False
        if any(word in self._verbs for word in self._words[start:separator]) and self._has_verb(concept):
            return False
        return not self._stated(concept)

    def _adjectives(self, start: int, stop: int) -> bool:
        """Whether only adjectives stand between: "no acute, displaced fractures"."""
        lists = word_lists()
        return (
            all(
                word in lists.degree or word in lists.describing or word in lists.function
                for word in self._words[start:stop]
            )
            and start < stop
        )

    def _item(self, start: int) -> range:
        """From a position to the next separator, alternative or end."""
        stop = start
        while stop < len(self._words) and not (
            self._words[stop] in _SEPARATORS | _ALTERNATIVES and stop > start
        ):
            stop += 1
        last = max(
            (c.start for c in self._concepts if start <= c.start < stop), default=start
        )  # what stands before the concept qualifies it
        return range(start, last)

    def _sided(self, concept: Concept) -> bool:
        """Whether a side follows: "no effusion, consolidation on the right"."""
        for word in self._words[concept.stop : concept.stop + 4]:
            if word in ("left", "right"):
                return True
            if word in _SEPARATORS or word in _ALTERNATIVES:
                return False
        return False

    def _has_verb(self, concept: Concept) -> bool:
        return any(word in self._verbs for word in self._words[concept.stop : concept.stop + 3])

    def _stated(self, concept: Concept) -> bool:
        """Whether a verb follows a concept: then it is a statement of its own and no item of a list."""
        following = self._words[concept.stop : concept.stop + 3]
        for offset, word in enumerate(following):
            if word in _SEPARATORS or word in _ALTERNATIVES:
                return False
            if word in self._verbs or (word == "consistent" and offset < 2):
                return not self._is_list_end(concept.stop + offset)
        return False

    def _is_list_end(self, index: int) -> bool:
        """Whether a verb closes a whole list that began with "no": "no effusion, pneumothorax is seen"."""
        rest = self._words[index:]
        return any(
            word in ("seen", "identified", "noted", "present", "evident", "visualized") for word in rest[:3]
        )

    def _alternative_follows(self, separator: int) -> bool:
        """Whether an "or" follows in the same list."""
        for index in range(separator + 1, len(self._words)):
            if index in self._ends or any(
                term.start <= index < term.stop and any(use.kind == "negation" for use in term.value)
                for term in self._terms
            ):
                return False
            if self._words[index] in ("or", "nor"):
                return True
            if self._words[index] in self._verbs and index not in self._inside:
                return False
        return False

    def _backward(self, term: _Term, use: _Use, concept: Concept) -> bool:
        """Whether nothing ends the reach between a term and a concept before it."""
        words = tuple(self._words[position] for position in term.positions)
        if use.kind == "negation" and words in self._answers and not self._closes(term.stop):
            return False
        if use.kind != "negation" and term.start - concept.stop > _WEAK:
            return False
        comma, stated = False, False
        for index in range(concept.stop, term.start):
            word = self._words[index]
            other = next((c for c in self._concepts if c.start == index), None)
            if other and comma and not self._joined(concept.stop, term.start):
                return False
            if index in self._ends and word not in ("which", "that", "since", "?"):
                return False
            if word in self._finite:
                stated = True
            if word in _SEPARATORS | _ALTERNATIVES | {"with", "without"} and index not in self._inside:
                if stated or word in ("with", "without", "("):
                    return False
                comma = comma or word == ","
            if (
                any(
                    item.start == index
                    and item is not term
                    and any(u.kind == "negation" and u.before for u in item.value)
                    for item in self._terms
                )
                and use.kind == "negation"
                and other is None
            ):
                return False
        if (
            comma
            and use.kind == "negation"
            and not any(concept.stop <= c.start < term.start for c in self._concepts)
        ):
            gap = [w for w in self._words[concept.stop : term.start] if w not in word_lists().function]
            return gap[-1:] == [","] or not gap
        return True

    def _joined(self, start: int, stop: int) -> bool:
        """Whether the items between two positions are one list: an "and" or "or" stands before the last."""
        return any(word in ("and", "or", "&", "nor") for word in self._words[start:stop])

    def _closes(self, index: int) -> bool:
        """Whether nothing follows but another item: "pneumothorax: no, effusion: yes"."""
        return index >= len(self._words) or self._words[index] in ",;)"


@lru_cache(maxsize=1)
def _terms() -> PhraseTable[frozenset[_Use]]:
    data = read("assertion")
    uses: dict[tuple[str, ...], set[_Use]] = {}
    for text in (*data["pseudo"]["of change"], *data["pseudo"]["others"]):
        uses.setdefault(_words_of(text), set()).add(_Use("pseudo", True))
    for text in data["pseudo"]["of change"]:
        uses[_words_of(text)] |= {_Use("comparison", True), _Use("comparison", False)}
    for kind in ("negation", "uncertain", "historical", "comparison"):
        for direction, terms in data[kind].items():
            for text in terms:
                use = _Use(kind, direction == "before", text in data["enumerating"])
                uses.setdefault(_words_of(text), set()).add(use)
    for found in uses.values():
        if any(use.kind == "pseudo" for use in found):
            found.difference_update({use for use in found if use.kind == "negation"})
    between = word_lists().function | frozenset(data["adverbs"])
    return PhraseTable(((words, frozenset(found)) for words, found in uses.items()), between, gap=2)


@lru_cache(maxsize=1)
def _ends() -> PhraseTable[bool]:
    return PhraseTable(((_words_of(text), True) for text in read("assertion")["ends"]), frozenset(), gap=0)


@lru_cache(maxsize=1)
def _passes() -> PhraseTable[bool]:
    return PhraseTable(((_words_of(text), True) for text in read("assertion")["passes"]), frozenset(), gap=0)


def _words_of(text: str) -> tuple[str, ...]:
    return tuple(token.word for token in read_tokens(text))
