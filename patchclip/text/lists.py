"""Lists of findings in a sentence: where what is said of the first goes on to the next, and where a statement
of its own begins.

"No A, B or C" is one list, "no fever, pneumonia" is none.
"""

from __future__ import annotations

from collections.abc import Sequence

from patchclip.text.concepts import Concept
from patchclip.text.language import word_lists
from patchclip.text.terms import Term, markers

SEPARATORS = frozenset({",", "and", "&", "plus", ":", "("})
ALTERNATIVES = frozenset({"or", "nor", "/", "vs", "versus"})
PARTING = frozenset({",", ";", ":", "(", "/", "and", "or", "but", "with", "without"})
"""What ends an entry."""
GENERAL = "disease in general"  # the name of what "no acute disease" denies


class Lists:
    """Those of one sentence."""

    def __init__(
        self,
        words: Sequence[str],
        concepts: Sequence[Concept],
        terms: Sequence[Term],
        ends: tuple[frozenset[int], frozenset[int]],
    ) -> None:
        """
        Args:
            words, concepts, terms: of the sentence.
            ends: positions of words that end what a term reaches, and of those that do so behind a concept.
        """
        self._words, self._concepts, self._terms = words, concepts, terms
        self._ends, self._soft_ends = ends
        self._inside = {position for concept in concepts for position in concept.positions}

    def goes_on(self, start: int, separator: int, weak: bool) -> bool:
        """Whether the reach that began at `start` goes on over a comma or an "and"."""
        word, named = self._words[separator], self.named(start, separator)
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

    def ended(self, start: int, concept: Concept) -> bool:
        """Whether a concept since `start`, the one given or one before it, is a statement of its own without
        a comma."""
        since = [item for item in self._concepts if start <= item.start <= concept.start]
        return any(self.stands_alone(start, item) for item in since)

    def stands_alone(self, start: int, concept: Concept) -> bool:
        """Whether a concept that follows another without a comma is a statement of its own: "heart enlarged",
        "cardiomegaly unchanged", "small effusion"."""
        if not self.is_beside(start, concept):
            return False
        said = self._words[self._last_stop(concept.start) : concept.stop]
        # Not of a large one: reports leave the "or" out of "no pneumothorax large effusion".
        small = not markers().asserting.isdisjoint(said)
        return concept.predicate or self._said_behind(concept) or small

    def is_beside(self, start: int, concept: Concept) -> bool:
        """Whether a concept follows another that was named since `start`, with nothing that lists them."""
        gap = self._words[self._last_stop(concept.start) : concept.start]
        listed = any(word in SEPARATORS | ALTERNATIVES for word in gap)
        behind = self._words[concept.stop : concept.stop + 1]
        listed = listed or list(behind) == ["/"] or self._alternative_follows(concept.stop - 1)
        return self.named(start, concept.start) and not listed

    def named(self, start: int, stop: int) -> bool:
        """Whether a concept ends between two positions."""
        return any(start < concept.stop <= stop for concept in self._concepts)

    def _last_stop(self, position: int) -> int:
        """Where the last concept before a position ends; the position where there is none."""
        stops = [concept.stop for concept in self._concepts if concept.stop <= position]
        return max(stops, default=position)

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
        while stop < len(self._words) and self._words[stop] not in SEPARATORS | ALTERNATIVES:
            stop += 1
        between = [concept for concept in self._concepts if separator < concept.start < stop]
        later = [concept for concept in self._concepts if concept.start > separator]
        return between[-1] if between else later[0] if later else None

    def is_shared(self, term: Term, concept: Concept) -> bool:
        """Whether one comma, an "and" or nothing alone carries a negation from one finding, or a list that
        "or" closed, to a last one."""
        if self.is_beside(term.stop, concept):
            return True
        gap = range(term.stop, concept.start)
        cuts = [i for i in gap if self._words[i] in (",", "and", "&", "plus") and i not in self._inside]
        cuts = [index for index in cuts if self.named(term.stop, index)]
        if not cuts or self._alternative_follows(cuts[-1]):
            return False
        if any(self._words[index] in ALTERNATIVES for index in range(cuts[-1], concept.start)):
            return False
        return self._is_second(term.stop, cuts[-1]) and self._words[concept.stop : concept.stop + 1] != [","]

    def is_apart(self, concept: Concept) -> bool:
        """Whether nothing but its want of a "no", in a list whose other entries have one, or behind a denied
        finding without a comma, says that a finding is there."""
        if any(self.ended(term.stop, concept) for term in self._denying(concept.start)):
            return not concept.normal
        start = max((term.stop for term in self._denying(concept.start)), default=concept.start)
        cuts = [index for index in range(start, concept.start) if self._is_comma(index)]
        if not cuts or concept.predicate or concept.normal or not self._each_denied(cuts[0]):
            return False
        said = markers().asserting | markers().asserting_alone | markers().asserting_behind
        entry = set(self._words[cuts[-1] + 1 : concept.stop + 1])
        return not said & entry and not self._ends.intersection(range(start, concept.start))

    def _said_behind(self, concept: Concept) -> bool:
        """Whether the word behind a concept says that it is there."""
        return not markers().asserting_behind.isdisjoint(self._words[concept.stop : concept.stop + 1])

    def _each_denied(self, comma: int) -> bool:
        """Whether a comma ends a list of two entries or more that have a negation each."""
        terms = self._denying(comma)
        if len(terms) < 2 or any(map(self._is_comma, range(terms[-1].stop, comma))):
            return False
        last = terms[-1].start
        return any(
            self._is_comma(cut) and self.named(earlier.stop, cut)
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
        if self._said_behind(concept):
            return True  # "no pneumothorax, effusion massive", as French says it
        behind = self._words[concept.stop : concept.stop + 1]
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
        return len(before) == 1 or any(word in ALTERNATIVES for word in self._words[start:separator])

    def _sided(self, concept: Concept) -> bool:
        """Whether a side follows in the same item."""
        for word in self._words[concept.stop : concept.stop + 4]:
            if word in ("left", "right"):
                return True
            if word in SEPARATORS or word in ALTERNATIVES:
                return False
        return False

    def _verb_after(self, concept: Concept) -> int | None:
        """Position of a verb just after a concept, in the same item."""
        for index in range(concept.stop, min(concept.stop + 3, len(self._words))):
            word = self._words[index]
            if word in SEPARATORS or word in ALTERNATIVES:
                return None
            if word in markers().verbs or word == "consistent":
                return index
        return None
