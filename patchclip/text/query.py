"""Free text to a `Query`: which finding, negated or not, on which side."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from patchclip.errors import QueryError
from patchclip.text.vocabulary import Vocabulary
from patchclip.text.words import (
    ALLOWED_FOREIGN,
    BOTH,
    CHEST,
    DESCRIBING,
    FILLERS,
    FOREIGN,
    GENERIC,
    NEGATIONS,
    SIDES,
    TRAILING,
    stem,
    tokens_of,
)
from patchclip.types import Laterality

LONGEST = 500
_FILLERS = frozenset(stem(word) for word in FILLERS) | FILLERS
_TYPO_CUTOFF = (
    0.84  # difflib ratio; one wrong letter in six still passes, another word of the lexicon does not
)
_AMBIGUOUS = {
    "collapsed lung": "Pneumothorax",
    "fluid in the lung": "Effusion",
    "fluid on the lung": "Effusion",
    "water on the lung": "Effusion",
    "liquid in the lung": "Effusion",
    "fluid": "Effusion",
    "granuloma": "Calcification",
    "granulomata": "Calcification",
}
"""Lay phrases that fit two findings; the commoner meaning is taken."""


@dataclass(frozen=True, slots=True)
class Query:
    """What was understood of a text.

    Attributes:
        text: as typed.
        finding: the vocabulary's name of the finding, or the phrase itself when none matches.
        label: of the vocabulary, or None.
        negated: whether absence is asked for.
        laterality: of the patient, or None.
        also: names of further findings in the text, which are not answered.
        doubtful: the phrase as typed, where one generic word ("nodule") stands among words that may put it anywhere; the gate decides.
    """

    text: str
    finding: str
    label: str | None
    negated: bool
    laterality: Laterality | None
    also: tuple[str, ...] = ()
    doubtful: str | None = None


@dataclass(frozen=True, slots=True)
class _Match:
    label: str
    normal: bool  # the words state normality ("clear lungs"), which is the finding's absence
    start: int  # first and one past the last position among all tokens
    stop: int
    words: frozenset[
        int
    ]  # positions of the words that are the phrase itself: a negation among them negates nothing


def split_queries(text: str) -> list[str]:
    """Several queries in one line or many: parted at ";" and line breaks, empty parts dropped."""
    return [part.strip() for part in text.replace("\n", ";").split(";") if part.strip()]


def parse_query(text: str, vocabulary: Vocabulary) -> Query:
    """Reads one query.

    Raises:
        QueryError: there is no word in it, or it has more than 500 characters.
    """
    if len(text) > LONGEST:
        raise QueryError(
            f"The query has {len(text)} characters and the limit is {LONGEST}; ask for one finding in a few words."
        )
    plain = tokens_of(text)
    tokens = [word for token in plain for word in (("not", "normal") if token == "abnormal" else (token,))]
    if not tokens:
        raise QueryError('The query is empty; type a finding, for example "pleural effusion".')
    laterality = _laterality(tokens)
    matches = list(_matches(tokens, vocabulary))
    foreign = [token for token in tokens if token in FOREIGN]
    if matches and not any(
        (word, matches[0].label) not in ALLOWED_FOREIGN and not _inside(word, tokens, matches)
        for word in foreign
    ):
        first = matches[0]
        following = matches[1].start if len(matches) > 1 else None
        negated = _negated(tokens, first, following) != first.normal
        also = tuple(
            dict.fromkeys(
                vocabulary.finding(item.label).name for item in matches[1:] if item.label != first.label
            )
        )
        doubtful = _phrase(plain) if _doubtful(tokens, matches) else None
        return Query(
            text, vocabulary.finding(first.label).name, first.label, negated, laterality, also, doubtful
        )
    negated = sum(_turns(plain, position) for position in range(len(plain))) % 2 == 1
    return Query(text, _phrase(plain), None, negated, laterality)


def _phrase(tokens: list[str]) -> str:
    """What is left of a text without fillers, negations and sides; all of it if nothing is."""
    kept = [
        token
        for token in tokens
        if (token not in _FILLERS or token in ("small", "large"))
        and token not in NEGATIONS
        and token not in SIDES
        and token not in BOTH
    ]
    return " ".join(kept or tokens)


def _doubtful(tokens: list[str], matches: list[_Match]) -> bool:
    """Whether one generic word is all that was understood, beside words that do not just describe it, with none that says the chest."""
    if len({item.label for item in matches}) > 1 or any(
        _corrected(token, CHEST) in CHEST for token in tokens
    ):
        return False
    if not all(
        len(item.words) == 1 and _corrected(tokens[item.start], GENERIC) in GENERIC for item in matches
    ):
        return False
    known = _FILLERS | NEGATIONS | SIDES.keys() | BOTH | DESCRIBING | GENERIC
    return any(_corrected(token, known) not in known and not any(map(str.isdigit, token)) for token in tokens)


def _turns(tokens: list[str], position: int) -> bool:
    """Whether the word at a position is a negation: "free of fluid" is one, "free fluid" is not."""
    token = tokens[position]
    return token in NEGATIONS and (
        token != "free" or tokens[position + 1 : position + 2] in (["of"], ["from"])
    )


def _inside(word: str, tokens: list[str], matches: list[_Match]) -> bool:
    """Whether the word is part of a phrase of the vocabulary ("stomach in the chest")."""
    return any(word in tokens[item.start : item.stop] for item in matches)


def _laterality(tokens: list[str]) -> Laterality | None:
    named = {SIDES[token] for token in tokens if token in SIDES}
    if len(named) != 1 or any(token in BOTH for token in tokens):
        return None
    return "left" if "left" in named else "right"


def _negated(tokens: list[str], match: _Match, following: int | None) -> bool:
    """An odd number of negations before, inside or just after the finding; one that leads to the next finding belongs to that."""
    before = tokens[: match.stop]
    count = sum(_turns(tokens, position) for position in range(match.stop) if position not in match.words)
    if _contains(before, ("rule", "out")) or "exclude" in before:
        count = 0  # "rule out pneumothorax" asks for it, and "cannot exclude pneumothorax" allows for it
    after = tokens[match.stop : following]
    if following is None:
        if after[-2:] == ["or", "not"]:  # "is there an effusion or not?"
            after = after[:-2]
        breaks = [
            position for position, token in enumerate(after) if token in ("but", "however", "and", "with")
        ]
        after = after[: breaks[0]] if breaks else after
        count += sum(token in TRAILING for token in after if token != "out") + _contains(
            after, ("ruled", "out")
        )
    return count % 2 == 1


def _contains(tokens: list[str], pair: tuple[str, str]) -> bool:
    return any(tuple(tokens[i : i + 2]) == pair for i in range(len(tokens) - 1))


def _matches(tokens: list[str], vocabulary: Vocabulary) -> Iterator[_Match]:
    """Longest phrases of the lexicon from left to right, skipping fillers, negations and sides."""
    lexicon, words, longest = _lexicon(vocabulary)
    content = [
        (position, _corrected(token, words))
        for position, token in enumerate(tokens)
        if token in words or not (token in _FILLERS or token in NEGATIONS or token in SIDES)
    ]
    # A filler that is also a word of the lexicon ("large", "small") may or may not take part in a phrase: with it first, then without.
    lean = [
        (position, word)
        for position, word in content
        if word not in _FILLERS and word not in NEGATIONS and word not in BOTH
    ]
    taken: set[int] = set()
    chosen: list[_Match] = []
    # Where the two readings meet, the longer phrase wins: "cardiac shadow is not enlarged" is no "shadow".
    for item in sorted(
        [*_scan(content, lexicon, longest), *_scan(lean, lexicon, longest)], key=lambda item: -len(item.words)
    ):
        if not taken & set(range(item.start, item.stop)):
            taken |= set(range(item.start, item.stop))
            chosen.append(item)
    yield from sorted(chosen, key=lambda item: item.start)


def _scan(
    content: list[tuple[int, str]], lexicon: dict[tuple[str, ...], tuple[str, bool]], longest: int
) -> Iterator[_Match]:
    index = 0
    while index < len(content):
        for length in range(min(longest, len(content) - index), 0, -1):
            window = content[index : index + length]
            entry = lexicon.get(tuple(word for _, word in window))
            if entry:
                yield _Match(
                    entry[0],
                    entry[1],
                    window[0][0],
                    window[-1][0] + 1,
                    frozenset(position for position, _ in window),
                )
                index += length
                break
        else:
            index += 1


def _corrected(token: str, words: frozenset[str]) -> str:
    """The lexicon's word that a misspelt one is nearest to; short words and known words are left alone."""
    if token in words or token in FOREIGN or len(token) < 5:
        return token
    # A word with something before or behind it is another word, often the opposite: "remarkable" is no misspelt "unremarkable".
    candidates = [
        word for word in words if abs(len(word) - len(token)) <= 2 and word not in token and token not in word
    ]
    near = difflib.get_close_matches(token, candidates, n=1, cutoff=_TYPO_CUTOFF)
    return near[0] if near else token


def _content(phrase: str) -> tuple[str, ...]:
    """A phrase as the scanner sees it: without words that carry no meaning of their own, unless nothing else is left."""
    tokens = tokens_of(phrase)
    kept = tuple(
        token for token in tokens if token not in _FILLERS and token not in NEGATIONS and token not in BOTH
    )
    return kept or tuple(tokens)


@lru_cache(maxsize=8)
def _lexicon(vocabulary: Vocabulary) -> tuple[dict[tuple[str, ...], tuple[str, bool]], frozenset[str], int]:
    """Phrase -> (label, states normality); all its words; the longest phrase's length. Earlier entries win."""
    entries: dict[tuple[str, ...], tuple[str, bool]] = {}
    labels = set(vocabulary.labels)
    for phrase, label in _AMBIGUOUS.items():
        if label in labels:
            entries.setdefault(_content(phrase), (label, False))
    for item in vocabulary.findings:
        for phrase in (item.name, *item.synonyms, *item.aliases, item.label.replace("_", " ")):
            entries.setdefault(tuple(tokens_of(phrase)), (item.label, False))
        for phrase in item.normal:
            entries.setdefault(tuple(tokens_of(phrase)), (item.label, True))
    for item in vocabulary.findings:  # fillers dropped, where that does not make two findings one phrase
        for phrase, normal in [(p, False) for p in (item.name, *item.synonyms, *item.aliases)] + [
            (p, True) for p in item.normal
        ]:
            content = _content(phrase)
            if (
                len(content) > 1 or len(tokens_of(phrase)) == 1
            ):  # "large heart" without its filler would be any heart
                entries.setdefault(content, (item.label, normal))
    words = frozenset(word for phrase in entries for word in phrase)
    return entries, words, max(len(phrase) for phrase in entries)
