"""Tokens to tokens: misspelt words to the words of the lexicon, unless a word with another meaning is as
near.

Distance: optimal string alignment (Damerau 1964; a letter left out, added, changed, or two neighbours
exchanged), at most 1 for words
of five to seven letters and 2 for longer ones. difflib's ratio, which stood here, took "hypoinflation" for
"hyperinflation".
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from patchclip.text.encoder_package import english_words
from patchclip.text.language import word_lists
from patchclip.text.phrases import HYPHENS
from patchclip.text.tokens import Token, stem

SHORTEST = 5
_ENDINGS = frozenset(
    "s es d ed e ing y ies ied ly al ally ion ions ive ively ation ations ment ments ence ency ent".split()
) | {""}


class Speller:
    """Corrects words towards a set of words; what is in either set it was given is left as it is."""

    def __init__(self, targets: Iterable[str], other: Iterable[str]) -> None:
        """targets: words that a misspelt one may become, preferred in this order; other: further words that
        are spelt well."""
        self._targets: dict[int, list[tuple[str, int]]] = {}
        for word in dict.fromkeys(targets):
            if len(word) >= SHORTEST and word.isalpha() and word.isascii():
                self._targets.setdefault(len(word), []).append((word, _letters(word)))
        words = {word for same in self._targets.values() for word, _ in same}
        self.words = frozenset(words | set(other))
        self._nearest = functools.lru_cache(maxsize=20_000)(self._search)

    def correct(self, word: str) -> str:
        """The word that was meant, or the word itself."""
        if len(word) < SHORTEST or not word.isascii() or not word.isalpha() or word in self.words:
            return word
        return self._nearest(word)

    def _search(self, word: str) -> str:
        if word.startswith("non") and word[3:] in self.words:
            return word  # "noncalcified" is spelt well
        limit = 1 if len(word) < 8 else 2
        own, near = _letters(word), list[tuple[int, int, str]]()
        for length in range(len(word) - limit, len(word) + limit + 1):
            for target, letters in self._targets.get(length, ()):
                if (letters ^ own).bit_count() > 2 * limit:
                    continue  # each step of the distance changes two letters at most
                distance = _distance(word, target, limit)
                if distance <= limit:
                    near.append((distance, -_shared_start(word, target), target))
        near.sort(key=lambda item: item[:2])  # the sort is stable: targets keep their order
        if near and word in english_words():
            near = [item for item in near if _inflects(word, item[2])]  # "isolated" is no "inflated"
        best = next((item for item in near if _plausible(word, item[2], item[0])), None)
        if best is None or any(_opposite(best[2], other) for _, _, other in near):
            return word
        return best[2]


def _letters(word: str) -> int:
    """The letters that a word has, one bit each."""
    return functools.reduce(lambda bits, letter: bits | 1 << (ord(letter) & 31), word, 0)


def _plausible(word: str, target: str, distance: int) -> bool:
    """Not where the words differ by a beginning ("remarkable", "unremarkable") or by opposite affixes."""
    if word.endswith(target) or target.endswith(word):
        return distance == 1 and len(word) >= 8
    if word[0] != target[0] and not (distance == 1 and (len(word) >= 8 or word[:2] == target[1::-1])):
        return False
    return not _opposite(word, target)


def _opposite(word: str, other: str) -> bool:
    """Whether two words begin or end with opposite affixes, and are not two spellings of one word."""
    spelling = word_lists().spelling
    if spelling.get(word, word) == spelling.get(other, other):
        return False
    return any(
        (word.startswith(a) and other.startswith(b) and not word.startswith(b))
        or (word.endswith(a) and other.endswith(b))
        for first, second in word_lists().guarded
        for a, b in ((first, second), (second, first))
    )


def _inflects(word: str, target: str) -> bool:
    """Whether two words have one stem, of four letters or more: "evaluated" and "evaluate"; not "internal"
    and "interval"."""
    shared = _shared_start(word, target)
    return shared >= 4 and word[shared:] in _ENDINGS and target[shared:] in _ENDINGS


def _shared_start(word: str, target: str) -> int:
    return next(
        (index for index, (a, b) in enumerate(zip(word, target, strict=False)) if a != b),
        min(len(word), len(target)),
    )


def _distance(word: str, target: str, limit: int) -> int:
    """Optimal string alignment distance, or more than `limit` as soon as that is sure."""
    before: list[int] = []
    previous = list(range(len(target) + 1))
    for i, letter in enumerate(word, 1):
        current = [i]
        for j, other in enumerate(target, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == target[j - 2] and word[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, previous = previous, current
    return previous[-1]


def spell(tokens: Sequence[Token], speller: Speller) -> tuple[Token, ...]:
    """The same tokens with misspelt words corrected and unknown ones marked."""
    result: list[Token] = []
    for token in _with_prefixes(tokens, speller):
        word = stem(speller.correct(token.word)) if token.is_word else token.word
        corrected = word != token.word
        unknown = token.is_word and word.isalpha() and word not in speller.words
        result.append(
            replace(token, word=word, corrected=corrected, unknown=unknown) if corrected or unknown else token
        )
    return tuple(result)


def _with_prefixes(tokens: Sequence[Token], speller: Speller) -> Iterator[Token]:
    """ "hypo-inflation" as one word, and "non-calcified" or "non calcified", which is not calcified and
    negates nothing else."""
    index = 0
    while index < len(tokens):
        first, stop = tokens[index], index + 1
        hyphen = stop < len(tokens) and tokens[stop].word in HYPHENS
        stop += hyphen
        if stop < len(tokens) and tokens[stop].is_word and first.word in word_lists().prefixes:
            last = tokens[stop]
            word = f"{first.word}{last.word}"
            if first.word == "non" or (hyphen and speller.correct(word) in speller.words):
                yield Token(f"{first.text}-{last.text}", word, first.start, last.stop)
                index = stop + 1
                continue
        yield first
        index += 1
