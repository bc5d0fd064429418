"""The terms that say whether a finding is there, from assets/language/assertion.json, in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from patchclip.text.language import read, word_lists
from patchclip.text.phrases import PhraseTable
from patchclip.text.positions import Positioned
from patchclip.text.tokens import read_tokens

Kind = Literal["negation", "pseudo", "uncertain", "historical", "comparison"]
KINDS: tuple[Kind, ...] = ("negation", "uncertain", "historical", "comparison")


@dataclass(frozen=True, slots=True)
class Use:
    """One way in which a term is used.

    Attributes:
        kind: what it says.
        before: whether it stands before what it speaks of, and not after.
        enumerates: whether no comma ends its reach: "differential diagnosis includes".
    """

    kind: Kind
    before: bool
    enumerates: bool = False


@dataclass(frozen=True, slots=True)
class Term(Positioned):
    """A term in a sentence.

    Attributes:
        uses: all that it may say.
        positions: of its words, ascending.
        words: these.
    """

    uses: frozenset[Use]
    positions: tuple[int, ...]
    words: tuple[str, ...]

    @property
    def negates(self) -> bool:
        """Whether it may negate what follows."""
        return any(use.kind == "negation" and use.before for use in self.uses)


@dataclass(frozen=True, slots=True)
class Markers:
    """Single words, as assertion.json lists them.

    Attributes:
        finite: verbs of a whole statement.
        verbs: these, and participles that may close one: "noted".
        closing: words that close a list which began with "no": "no effusion, pneumothorax is seen".
        asserting: words by which an item after a comma is a new statement: "no pneumothorax, small effusion".
        asserting_alone: the same where no alternative follows: "no pneumothorax, large effusion", not "no
            consolidation, large effusion/pneumothorax".
        asserting_behind: such words just behind what they describe, as other languages place them.
        trailing: words that may follow an answer: "none today".
        answers: terms that speak of what stands before them only where nothing follows: "pneumothorax: no".
    """

    finite: frozenset[str]
    verbs: frozenset[str]
    closing: frozenset[str]
    asserting: frozenset[str]
    asserting_alone: frozenset[str]
    asserting_behind: frozenset[str]
    trailing: frozenset[str]
    answers: frozenset[tuple[str, ...]]


CHANGE = frozenset({Use("pseudo", True), Use("comparison", True), Use("comparison", False)})
"""The uses of a negated change: it says nothing of absence."""


def find_terms(words: Sequence[str]) -> list[Term]:
    """The terms of a sentence in order; of two that share a word the longer one."""
    found = [
        Term(match.value, match.positions, tuple(words[position] for position in match.positions))
        for match in _terms().longest(words)
    ]
    return [_of_change(words, term) for term in found]


def find_ends(words: Sequence[str]) -> tuple[frozenset[int], frozenset[int]]:
    """(positions at which the reach of a term ends, positions at which it does if a finding stands
    between)."""
    passed = {position for match in _passes().all(words) for position in match.positions}
    passed |= {i for i, word in enumerate(words) if word == "than" and "likely" in words[max(0, i - 5) : i]}
    hard, soft = (
        frozenset(match.start for match in table.all(words) if match.start not in passed)
        for table in (_ends("ends"), _ends("soft ends"))
    )
    return hard, soft


@lru_cache(maxsize=1)
def markers() -> Markers:
    """The single words."""
    data = read("assertion")
    finite = frozenset(data["finite verbs"])
    return Markers(
        finite=finite,
        verbs=finite | frozenset(data["participles"]),
        closing=frozenset(data["closing"]),
        asserting=frozenset(data["asserting"]),
        asserting_alone=frozenset(data["asserting_alone"]),
        asserting_behind=frozenset(data["asserting_behind"]),
        trailing=frozenset(data["trailing"]),
        answers=frozenset(_words_of(text) for text in data["answers"]),
    )


def _of_change(words: Sequence[str], term: Term) -> Term:
    """The same, or a term of change: "no convincing interval increase", "without evidence of progression"."""
    if not term.negates:
        return term
    lists, data = word_lists(), read("assertion")
    between = lists.function | lists.degree | lists.describing | frozenset(data["between change"])
    change = frozenset(data["change words"])
    for index in range(term.stop, len(words)):
        following = words[index + 1] if index + 1 < len(words) else ""
        ends = not following.isalpha() or following in ("in", "of", "since", "from")
        if words[index] in change and ends:
            return Term(CHANGE, (*term.positions, index), (*term.words, words[index]))
        if words[index] not in between:
            break
    return term


@lru_cache(maxsize=1)
def _terms() -> PhraseTable[frozenset[Use]]:
    data = read("assertion")
    uses: dict[tuple[str, ...], set[Use]] = {}
    for kind in KINDS:
        for direction, texts in data[kind].items():
            for text in texts:
                use = Use(kind, direction == "before", text in data["enumerating"])
                uses.setdefault(_words_of(text), set()).add(use)
    for text in data["pseudo"]["others"]:
        kept = {use for use in uses.get(_words_of(text), ()) if use.kind != "negation"}
        uses[_words_of(text)] = kept | {Use("pseudo", True)}
    for text in data["pseudo"]["of change"]:
        uses[_words_of(text)] = set(CHANGE)
    between = word_lists().function | frozenset(data["adverbs"])
    return PhraseTable(((words, frozenset(found)) for words, found in uses.items()), between, gap=2)


@lru_cache(maxsize=2)
def _ends(name: str) -> PhraseTable[bool]:
    return _plain(read("assertion")[name])


@lru_cache(maxsize=1)
def _passes() -> PhraseTable[bool]:
    return _plain(read("assertion")["passes"])


def _plain(texts: Iterable[str]) -> PhraseTable[bool]:
    return PhraseTable(((_words_of(text), True) for text in texts), frozenset(), gap=0)


def _words_of(text: str) -> tuple[str, ...]:
    return tuple(token.word for token in read_tokens(text))
