"""Tokens in another language to English tokens, or the sentence that they are not understood.

German, French, Spanish, Italian, Portuguese and Dutch are read through lexicons that translate phrases with
their negations ("kein", "pas de", "sin", "nessun", "sem", "geen"): from there on a query is read as if it had
been typed in English, each word with its place in the text as typed. Text in another script, or with words of
a language without a lexicon, is refused: a negation may be among what is not understood.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import lru_cache

from patchclip.errors import QueryError
from patchclip.text.language import TRANSLATED, read, word_lists
from patchclip.text.phrases import PhraseTable
from patchclip.text.tokens import Token, fold, tokens_of

ASK = "ask in English, German, French, Spanish, Italian, Portuguese or Dutch."
_LETTERS = frozenset("éèêëàâäáãçñíìîïóòôöõúùûüÿœæßªºµ")  # of the languages that are read, beyond a to z
_ENOUGH = 2  # points: two function words, or one word of the lexicon


@dataclass(frozen=True, slots=True)
class _Foreign:
    """One language's lexicon."""

    name: str
    phrases: PhraseTable[tuple[str, ...]]
    exact: frozenset[str]
    beginnings: frozenset[str]  # of words that may have any ending; the longest that fits counts
    compounds: tuple[tuple[str, tuple[str, ...]], ...]
    fillers: frozenset[str]
    umlauts: bool  # whether "ae", "oe" and "ue" may stand for ä, ö and ü

    def canonical(self, word: str) -> str:
        """A word as the phrases hold it: itself, its beginning with a star, or itself again where nothing
        fits."""
        found = self._known(word)
        for vowels in ("u", "o", "a", "aou") if found is None and self.umlauts else ():
            found = found or self._known(re.sub(f"([{vowels}])e", r"\1", word))
        return found or word

    def _known(self, word: str) -> str | None:
        if word in self.exact or any(
            word.startswith(start) and self.canonical(word[len(start) :]) in self.phrases.words
            for start, _ in self.compounds
        ):
            return word
        stops = range(len(word), 1, -1)
        return next((f"{word[:stop]}*" for stop in stops if word[:stop] in self.beginnings), None)


@dataclass(frozen=True, slots=True)
class Translation:
    """A text in English.

    Attributes:
        tokens: English words and marks.
        language: the name of the language that they were translated from; None for English.
        unread: a word, as typed, of a language that is not read, or None.
    """

    tokens: tuple[Token, ...]
    language: str | None
    unread: str | None = None


def translate(tokens: Sequence[Token], english: Container[str]) -> Translation:
    """Recognises the language of a text and gives its tokens in English.

    Args:
        tokens: of the whole text.
        english: words that are English.

    Raises:
        QueryError: it holds letters of a script, or of a language, that is not read.
    """
    _check_script(tokens)
    scores = {name: _score(tokens, _foreign(name), english) for name in TRANSLATED}
    best = max(scores, key=lambda name: scores[name])
    foreign = _foreign(best) if scores[best][0] >= _ENOUGH else None
    unread = _unread_word(tokens, foreign, english)
    if foreign is None:
        return Translation(tuple(tokens), None, unread)
    return Translation(tuple(_translated(tokens, foreign, english)), foreign.name, unread)


def _check_script(tokens: Sequence[Token]) -> None:
    for token in tokens:
        for letter in token.text:
            if not letter.isalpha() or letter.isascii() or letter.lower() in _LETTERS or token.text in "Øø":
                continue
            latin = unicodedata.name(letter, "").startswith(("LATIN", "FULLWIDTH LATIN", "MODIFIER LETTER"))
            what = "in a language" if latin else "in a script"
            raise QueryError(f'"{token.text}" is {what} that is not read, and a negation may be in it; {ASK}')


def _unread_word(tokens: Sequence[Token], foreign: _Foreign | None, english: Container[str]) -> str | None:
    """The first word of a language without a lexicon."""
    unread = _unread()
    for token in tokens:
        word = fold(token.text)
        if word not in unread or word in english or token.word in english:
            continue
        if foreign is None or (
            foreign.canonical(word) not in foreign.phrases.words and word not in foreign.fillers
        ):
            return token.text
    return None


def _score(tokens: Sequence[Token], foreign: _Foreign, english: Container[str]) -> tuple[int, int]:
    """Points, and how many letters the lexicon accounts for, which decides between equal points.

    Two points for each word of the lexicon that is not English, one for each function word that is not. Two
    capitals are one point alone: "PE" is an abbreviation to many, and a foot in Portuguese. The letters tell
    "neumonía" from a German word that begins with "neu".
    """
    score = letters = 0
    for token in tokens:
        word = fold(token.text)
        if (
            not token.is_word
            or token.word in english
            or word in english
            or (not word.isalpha() and "'" not in word)
        ):
            continue
        canonical = foreign.canonical(word)
        if canonical in foreign.phrases.words or _parts(word, foreign):
            short = len(word) == 1 or (len(word) == 2 and token.text.isupper())
            score += len(word) - 1 if short else 2
            letters += len(canonical.rstrip("*"))
        elif word in foreign.fillers:
            score += 1
            letters += len(word)
    return score, letters


def _translated(tokens: Sequence[Token], foreign: _Foreign, english: Container[str]) -> list[Token]:
    words = [
        foreign.canonical(fold(token.text)) if fold(token.text) != token.word or token.is_word else token.word
        for token in tokens
    ]
    words = [
        token.word if token.text in ("Ø", "ø") or (not token.is_word and token.word not in ".'") else word
        for token, word in zip(tokens, words, strict=True)
    ]
    matches = {match.start: match for match in foreign.phrases.longest(words)}
    taken = {position for match in matches.values() for position in match.positions}
    result: list[Token] = []
    for index, token in enumerate(tokens):
        match = matches.get(index)
        if token.word == "no" and _is_english_no(
            words[index + 1 : index + 2], tokens[index + 1 :], foreign, english
        ):
            result.append(token)
        elif match:
            last = tokens[match.positions[-1]]
            typed = token.text if len(match.positions) == 1 else f"{token.text} … {last.text}"
            result += [Token(typed, word, token.start, last.stop) for word in match.value]
        elif index in taken:
            continue
        elif words[index] in foreign.fillers:
            result.append(Token(token.text, "the", token.start, token.stop))
        else:
            parts = _parts(fold(token.text), foreign)
            result += [Token(token.text, word, token.start, token.stop) for word in parts] or [token]
    return result


def _is_english_no(
    following: Sequence[str], tokens: Sequence[Token], foreign: _Foreign, english: Container[str]
) -> bool:
    """Whether "no" negates, whatever it means in the language (in Portuguese "in the"): before a word that is
    English alone.
    """
    if not following or following[0] in foreign.phrases.words or following[0] in foreign.fillers:
        return False
    return tokens[0].word in english and not _parts(fold(tokens[0].text), foreign)


def _parts(word: str, foreign: _Foreign) -> list[str]:
    """The English words of a compound: "Unterlappeninfiltrat" is an infiltrate of the lower lobe."""
    for start, first in foreign.compounds:
        rest = foreign.canonical(word[len(start) :])
        if word.startswith(start) and rest in foreign.phrases.words:
            match = foreign.phrases.at([rest], 0)
            if match:
                return [*first, *match.value]
    return []


@lru_cache(maxsize=len(TRANSLATED))
def _foreign(name: str) -> _Foreign:
    data = read(name)
    keys: list[tuple[list[str], tuple[str, ...]]] = [
        (_split(phrase), tuple(tokens_of(meaning))) for phrase, meaning in data["phrases"].items()
    ]
    alone = {phrase[0] for phrase, _ in keys if len(phrase) == 1}
    stars = sorted((word[:-1] for word in alone if word.endswith("*")), key=len, reverse=True)
    # "keine Zeichen" is read as "kein* Zeichen", or "keine" by itself would find no phrase that begins with
    # it.
    keys = [([_starred(word, alone, stars) for word in phrase], meaning) for phrase, meaning in keys]
    words = {word for phrase, _ in keys for word in phrase}
    fillers = frozenset(" ".join(data["fillers"]).split())
    return _Foreign(
        name=data["name"],
        phrases=PhraseTable(keys, fillers, gap=2),
        exact=frozenset(word for word in words if not word.endswith("*")) | fillers,
        beginnings=frozenset(word[:-1] for word in words if word.endswith("*")),
        compounds=tuple((start, tuple(tokens_of(meaning))) for start, meaning in data["compounds"].items()),
        fillers=fillers,
        umlauts=data.get("umlauts", False),
    )


def _starred(word: str, alone: Container[str], stars: Sequence[str]) -> str:
    """A word of a phrase as `canonical` will give it."""
    return word if word in alone else next((f"{start}*" for start in stars if word.startswith(start)), word)


def _split(phrase: str) -> list[str]:
    """The words of a phrase as texts give them: "l'", "d'" and the like stand alone."""
    return phrase.replace("'", "' ").replace("-", " - ").split()


@lru_cache(maxsize=1)
def _unread() -> frozenset[str]:
    return frozenset(" ".join(read("unread")["words"]).split()) - word_lists().common
