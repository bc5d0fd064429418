"""A table of phrases, and where they occur in a row of words: the one matcher of lexicon, terms, places and
translations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from patchclip.text.positions import Positioned

T = TypeVar("T")
HYPHENS = frozenset("-‐‑–—")


@dataclass(frozen=True, slots=True)
class Match(Positioned, Generic[T]):
    """One phrase in a row of words.

    Attributes:
        value: what the table holds for the phrase.
        positions: of the phrase's own words, ascending; words that stand between them are not among these.
    """

    value: T
    positions: tuple[int, ...]


class _Node(Generic[T]):
    __slots__ = ("children", "values")

    def __init__(self) -> None:
        self.children: dict[str, _Node[T]] = {}
        self.values: list[T] = []


class PhraseTable(Generic[T]):
    """Phrases in a trie. Words of `skippable`, and hyphens, may stand between the words of a phrase, `gap` of
    them at most in one place."""

    def __init__(
        self, entries: Iterable[tuple[Sequence[str], T]], skippable: frozenset[str], gap: int = 3
    ) -> None:
        """entries: (words of the phrase, value); empty phrases are passed over, the first of two equal ones
        wins."""
        self._root: _Node[T] = _Node()
        self._skippable = skippable
        self._gap = gap
        self.words: set[str] = set()
        for phrase, value in entries:
            if not phrase:
                continue
            node = self._root
            for word in phrase:
                node = node.children.setdefault(word, _Node())
            node.values.append(value)
            self.words.update(phrase)

    def at(self, words: Sequence[str], start: int) -> Match[T] | None:
        """The phrase with the most words that begins at a position; of equal ones that with the fewest words
        between."""
        best: tuple[int, int, tuple[int, ...], T] | None = None
        first = self._root.children.get(words[start])
        if first is None:
            return None
        stack: list[tuple[_Node[T], tuple[int, ...]]] = [(first, (start,))]
        while stack:
            node, positions = stack.pop()
            if node.values:
                key = (len(positions), positions[0] - positions[-1])
                if best is None or key > best[:2]:
                    best = (*key, positions, node.values[0])
            if not node.children:
                continue
            skipped = 0
            for position in range(positions[-1] + 1, len(words)):
                word = words[position]
                child = node.children.get(word)
                if child is not None:
                    stack.append((child, (*positions, position)))
                if word in HYPHENS:
                    continue
                skipped += 1
                if word not in self._skippable or skipped > self._gap:
                    break
        return Match(best[3], best[2]) if best else None

    def all(self, words: Sequence[str]) -> list[Match[T]]:
        """The longest phrase at every position where one begins; they may overlap."""
        found = (self.at(words, start) for start in range(len(words)))
        return [match for match in found if match is not None]

    def longest(self, words: Sequence[str]) -> list[Match[T]]:
        """Phrases that share no word, in order; where two meet, the one with more words wins, then the
        earlier one."""
        return longest(self.all(words))


def longest(matches: Iterable[Match[T]]) -> list[Match[T]]:
    """Those that share no position of their spans, in order; where two meet, the one with more words wins,
    then the earlier one."""
    taken: set[int] = set()
    chosen: list[Match[T]] = []
    for match in sorted(matches, key=lambda item: (-len(item.positions), item.start)):
        if not taken.intersection(match.positions):
            taken.update(match.positions)
            chosen.append(match)
    return sorted(chosen, key=lambda item: item.start)
