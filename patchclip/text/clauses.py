"""Clauses that name a place and no finding: where they are, what they say, and of which finding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from patchclip.text.assertion import Asserted, assert_concepts
from patchclip.text.concepts import find_concepts
from patchclip.text.language import read, word_lists
from patchclip.text.lexicon import Lexicon
from patchclip.text.mentions import find_places
from patchclip.text.phrases import HYPHENS
from patchclip.text.place import Mention
from patchclip.text.sentences import Sentence
from patchclip.text.terms import Term, find_terms, markers
from patchclip.text.tokens import Token

Says = Literal["absent", "present", "clear", "otherwise", "without"]
"""What a clause says: "otherwise" than the clause before it ("but"), "without" it ("except")."""

JOINS = frozenset({",", "but", "and", "while", "whereas", "yet", "though", "although", "(", ":", *HYPHENS})
CLOSES = frozenset({",", "but", "and", "while", "whereas", "yet", "though", "although", ")"})
_TURNS = frozenset({"but", "yet", "though", "although"})
_YES = frozenset({"yes", "positive", "present", "one", "some", "little", "sliver", "rim", "amount"})
_EVEN = frozenset({"even", "either", "doe"})  # "does", without its s
_HILA = frozenset({"hilum", "hilar"})
CLEAR = frozenset({"clear", "normal", "unremarkable"})
_EXCEPTIONS = (
    ("except",),
    ("except", "for"),
    ("excepting",),
    ("excluding",),
    ("besides",),
    ("sparing",),
    ("sparing", "of"),
    ("with", "sparing", "of"),
    ("spare",),
    ("but", "spare"),
    ("save", "for"),
    ("other", "than"),
    ("apart", "from"),
    ("aside", "from"),
)
_STRANGE = 2  # words of any kind that may stand after "except": "except minor blunting on the left"


@dataclass(frozen=True, slots=True)
class Named:
    """A finding as the clauses after it leave it out.

    Attributes:
        tokens: its words.
        normal: whether these say that the finding is absent: "lungs are clear".
        absent: whether it was said to be absent.
    """

    tokens: tuple[Token, ...]
    normal: bool
    absent: bool


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause that names a place and no finding: positions from `start` to `stop` of its sentence.

    Attributes:
        opening: position of the first word or mark that joins it to what is before.
        mention: the place.
        says: whether the finding is there.
        terms: that negate, doubt or compare in it.
        joined: the word or mark before it; "" where nothing joins it or where it opens the sentence.
    """

    opening: int
    start: int
    stop: int
    mention: Mention
    says: Says
    terms: tuple[Term, ...]
    joined: str


class Clauses:
    """Those of one sentence.

    Attributes:
        words: of the sentence.
        concepts: what it names.
        asserted: these, and what is said of them.
        placed: positions of the words that name a place.
        mentions: the places.
    """

    def __init__(self, sentence: Sentence, lexicon: Lexicon, named: Named | None) -> None:
        self._sentence, self._before = sentence, named
        self.words = sentence.words
        self.concepts = find_concepts(self.words, lexicon)
        self.asserted = assert_concepts(self.words, self.concepts)
        self._absent: dict[int, bool] = {}
        self._inside = {position for concept in self.concepts for position in concept.positions}
        self._terms = find_terms(["\0" if i in self._inside else w for i, w in enumerate(self.words)])
        places = find_places(self.words, self.concepts)
        self._spots = {p for mention in places for p in range(mention.start, mention.stop)}
        self.mentions = [
            part
            for mention in places
            if not self._inside.intersection(range(mention.start, mention.stop))
            and not any(c.start < mention.start and mention.stop < c.stop for c in self.concepts)
            for part in self._parted(mention)
        ]
        self.placed = {p for mention in self.mentions for p in range(mention.start, mention.stop)}
        lists = word_lists()
        nouns = frozenset(" ".join(read("place")["nouns"]).split())
        self._passes = (lists.function | lists.degree | nouns | _YES | CLEAR | _EVEN | markers().verbs) | {
            word for term in self._terms for word in term.words
        }

    @property
    def last(self) -> Named | None:
        """The finding that a clause of the next sentence may leave out."""
        if self.asserted:
            return self._named(self.asserted[-1])
        return self._before if self.all else None

    @cached_property
    def all(self) -> list[Clause]:
        """In order; empty where every place belongs to a finding beside it."""
        clauses: list[Clause] = []
        for mention in self.mentions:
            clause = self._clause(mention)
            if clause is None or (clauses and clause.opening < clauses[-1].stop):
                continue
            named = self.antecedent(clause)
            if clause.says != "clear" and named is None:
                continue
            if clause.says == "clear" and _HILA.intersection(self.words[mention.start : mention.stop]):
                continue  # "hila are normal" says nothing of the lungs
            follows = any(concept.stop <= clause.start for concept in self.concepts)
            plain = clause.says == "present" and named is not None and not named.absent
            if plain and follows and not clauses and not any(weakens(term) for term in clause.terms):
                continue  # "large effusion on the right, small on the left": one answer on both
            clauses.append(clause)
        return clauses

    def antecedent(self, clause: Clause) -> Named | None:
        """The finding that a clause speaks of: the last one before it, or the next where none is before."""
        before = [item for item in self.asserted if item.concept.stop <= clause.start]
        if before:
            absent = self._absent.get(before[-1].concept.start)
            if absent is None:  # the first clause that leaves it out; what it says is none of the finding's
                words, concepts = self.words[: clause.opening], [item.concept for item in before]
                absent = assert_concepts(words, concepts)[-1].assertion == "absent"
                self._absent[before[-1].concept.start] = absent
            return self._named(before[-1], absent)
        after = [item for item in self.asserted if item.concept.start >= clause.stop]
        if after:
            first = after[0]
            between = range(clause.stop, first.concept.start)
            near = any(p in self._spots for p in between) and all(
                p in self._spots or self.words[p] in self._passes | JOINS for p in between
            )
            turned = any(negates(t) and clause.stop <= t.start < first.concept.start for t in self._terms)
            return self._named(first, absent=False) if near and (clause.says == "absent" or turned) else None
        return self._before

    def _parted(self, mention: Mention) -> list[Mention]:
        """The same, or two places where an answer to the last one follows: "effusion left, right none"."""
        commas = [p for p in range(mention.start, mention.stop) if self.words[p] == ","]
        following = self.words[mention.stop : mention.stop + 1]
        answered = any(negates(term) and term.start == mention.stop for term in self._terms)
        if not commas or not (answered or following[:1] in (["yes"], ["clear"], ["normal"])):
            return [mention]
        if any(concept.start >= mention.stop for concept in self.concepts):
            return [mention]  # "left, right and no lower lobe opacity"
        cut = commas[-1] + 1
        return [
            Mention(part.parts, part.start + start, part.stop + start)
            for start, stop in ((mention.start, commas[-1]), (cut, mention.stop))
            for part in find_places(self.words[start:stop], [])
        ]

    def _clause(self, mention: Mention) -> Clause | None:
        """The clause around a place, or None where the place belongs to a finding beside it."""
        start, stop = mention.start, mention.stop
        while start > 0 and self._passable(start - 1):
            start -= 1
        while stop < len(self.words) and (self._passable(stop) or self._answers(mention, stop)):
            stop += 1
        if stop < len(self.words) and self.words[stop] not in CLOSES and stop not in self.placed:
            return None  # the words go on to something else
        exception = self._exception(start)
        if exception is not None:
            return self._made(exception, start, stop, mention, "without", "except")
        joined = self.words[start - 1] if start else ""
        if start and joined not in JOINS:
            begins = self._direct(mention)
            if begins is None:
                return None
            start, joined = begins, ""
        opening = start
        while opening and self.words[opening - 1] in JOINS - {"("}:
            opening -= 1
        turns = any(word in _TURNS for word in self.words[opening:start])
        says = self._says(start, stop, turns) or self._opens(start, stop)
        return self._made(opening, start, stop, mention, says, joined) if says else None

    def _made(
        self, opening: int, start: int, stop: int, mention: Mention, says: Says, joined: str
    ) -> Clause | None:
        terms = self._terms_in(start, stop)
        if any(use.kind == "pseudo" for term in terms for use in term.uses):
            return None  # "effusion, not larger on the right"
        return Clause(opening, start, stop, mention, says, terms, joined)

    def _says(self, start: int, stop: int, turns: bool) -> Says | None:
        words, terms = self.words[start:stop], self._terms_in(start, stop)
        if any(map(negates, terms)):
            return "absent"
        if any(word in CLEAR for word in words):
            return "clear"
        if any(word in _YES or word in word_lists().degree for word in words) or any(map(weakens, terms)):
            return "present"
        return "otherwise" if turns else None

    def _terms_in(self, start: int, stop: int) -> tuple[Term, ...]:
        return tuple(term for term in self._terms if start <= term.start and term.stop <= stop)

    def _opens(self, start: int, stop: int) -> Says | None:
        """Whether a place alone opens a sentence whose finding is named after another place, with a negation
        between: "left but no right effusion"."""
        if start or any(concept.start < stop for concept in self.concepts):
            return None
        after = stop
        while after < len(self.words) and self.words[after] in CLOSES - {")"}:
            after += 1
        negated = any(negates(term) and term.start == after for term in self._terms)
        return "present" if negated and self.concepts else None

    def _passable(self, position: int) -> bool:
        """Whether a word may stand in such a clause."""
        if position in self._inside or position in self.placed:
            return False
        return self.words[position] in self._passes and self.words[position] not in JOINS

    def _answers(self, mention: Mention, position: int) -> bool:
        """Whether a mark after a place introduces its answer: "L: no", "left - none"."""
        return position == mention.stop and self.words[position] in (":", "=", *HYPHENS)

    def _direct(self, mention: Mention) -> int | None:
        """Where a clause begins that nothing joins: at a negation just before its place ("not on the right"),
        or at a place before a colon ("L: no")."""
        function = word_lists().function
        for term in self._terms:
            gap = self.words[term.stop : mention.start]
            if negates(term) and term.stop <= mention.start and all(word in function for word in gap):
                return term.start
        colon = self.words[mention.stop : mention.stop + 1] in ([":"], ["="])
        return mention.start if colon else None

    def _exception(self, start: int) -> int | None:
        """Where the words of an exception begin that end before a position, or None."""
        for back in range(_STRANGE + 1):
            stop = start - back
            if back and (stop in self._inside or stop < 1 or self.words[stop] in JOINS):
                return None
            for words in _EXCEPTIONS:
                if stop >= len(words) and tuple(self.words[stop - len(words) : stop]) == words:
                    return stop - len(words)
        return None

    def _named(self, asserted: Asserted, absent: bool | None = None) -> Named | None:
        concept = asserted.concept
        if concept.label is None:
            return None
        tokens = tuple(self._sentence.tokens[position] for position in concept.positions)
        said = asserted.assertion == "absent" if absent is None else absent
        return Named(tokens, concept.normal, said)


def negates(term: Term) -> bool:
    """Whether a term may negate."""
    return any(use.kind == "negation" for use in term.uses)


def weakens(term: Term) -> bool:
    """Whether a term may doubt, compare or speak of the past."""
    return any(use.kind in ("uncertain", "historical", "comparison") for use in term.uses)
