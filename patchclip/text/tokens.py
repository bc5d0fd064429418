"""Text to tokens: words in one spelling and marks, each with its place in the text as typed; nothing of the
text is lost.

"Ø", "∅", "(-)" and "-ve" are words here, and so are the parts of "r/o", "w/o" and "RLL": an abbreviation
gives one token for each word that it stands for, all with the abbreviation's place.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from patchclip.text.language import read, word_lists

ELISIONS = frozenset(
    "l d n s c j m t qu dell nell all sull dall un quest lorsqu jusqu aujourd".split()
)  # "l'épanchement"
_UNFOLDED = str.maketrans({"ø": "o", "Ø": "O", "ß": "ss", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i"})
_WORD = re.compile(r"\d+(?:[.,]\d+)+|[^\W_]+(?:['’`´][^\W_]+)*")
_BRACKETS = {"[": "(", "{": "(", "]": ")", "}": ")"}
_LETTERS = {"n": "no", "y": "yes"}
_APOSTROPHES = re.compile("['’`´]")


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark.

    Attributes:
        text: as typed.
        word: in lower case and one spelling, without accents or plural s; a mark is itself, and so is a line
            break.
        start: of `text` in the whole text.
        stop: one past its end.
        corrected: whether `word` is a corrected spelling.
        unknown: whether no list of the language data holds the word.
    """

    text: str
    word: str
    start: int
    stop: int
    corrected: bool = False
    unknown: bool = False

    @property
    def is_word(self) -> bool:
        """Not a mark."""
        return self.word[0].isalnum()


def read_tokens(text: str) -> tuple[Token, ...]:
    """All words and marks of a text, in order."""
    tokens: list[Token] = []
    position = 0
    shorthand, letters = _shorthand(), read("place")["letters"]
    while position < len(text):
        if text[position].isspace() and text[position] != "\n":
            position += 1
            continue
        match = shorthand.match(text, position) or _WORD.match(text, position)
        if match is None:
            tokens.append(Token(text[position], _mark(text, position), position, position + 1))
            position += 1
            continue
        tokens.extend(_tokens_of_match(match, letters))
        position = match.end()
    return tuple(_with_answers(_with_zeros(tokens)))


def tokens_of(text: str) -> list[str]:
    """The words of a text, without marks: how phrases of the language data are read too."""
    return [token.word for token in read_tokens(text) if token.is_word]


def stem(word: str) -> str:
    """One spelling, singular: "effusions" and "effusion" are one word, "mass", "fibrosis" and "hiatus" are
    left alone."""
    word = word_lists().spelling.get(word, word)
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def fold(word: str) -> str:
    """Lower case without accents: "Ergüsse" is "erguesse" to nobody, so it becomes "ergusse"."""
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", word.translate(_UNFOLDED).lower())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _tokens_of_match(match: re.Match[str], letters: dict[str, str]) -> list[Token]:
    typed, start, stop = match.group(), match.start(), match.end()
    words = _expanded(re.sub(r"\s*([/\\])\s*", "/", typed.lower()))
    if words is not None:
        return [Token(typed, word, start, stop) for word in words]
    split = _APOSTROPHES.search(typed)
    if split and fold(typed[: split.start()]) in ELISIONS and split.end() < len(typed):
        head = Token(
            typed[: split.end()], fold(typed[: split.start()]) + "'", start, start + split.end()
        )  # no "l" for left
        tail = _tokens_of_match_text(typed[split.end() :], start + split.end())
        return [head, *tail]
    if typed.lower() in letters and _is_side(match):
        return [Token(typed, letters[typed.lower()], start, stop)]
    return _tokens_of_match_text(typed, start)


def _tokens_of_match_text(typed: str, start: int) -> list[Token]:
    plain = fold(_APOSTROPHES.sub("", typed)) or typed
    words = _expanded(plain) or [stem(plain)]
    return [Token(typed, word, start, start + len(typed)) for word in words]


def _expanded(word: str) -> list[str] | None:
    """The words of an abbreviation, or None."""
    short = word_lists().shorthand.get(word) or read("place")["shorthand"].get(word)
    return [stem(part) for part in short.split()] if short else None


def _is_side(match: re.Match[str]) -> bool:
    """Whether a lone L or R is a side: not in "2 L", "L-spine" or "L = 3"."""
    before, after = match.string[: match.start()].rstrip(), match.string[match.end() :]
    return not (before[-1:].isdigit() or re.match(r"-\s?spine|['’]", after, re.IGNORECASE))


def _mark(text: str, position: int) -> str:
    """A mark, or the word that it stands for: "#" is a fracture to British notes, "PTX -" and "effusion +"
    are answers."""
    mark = text[position]
    if mark == "#" and not text[position + 1 : position + 2].isdigit():
        return "fracture"
    ends = re.match(r"\s*(?:$|[,;.\n])", text[position + 1 :])
    if mark in "-–−" and ends and text[:position].strip() and text[position - 1 : position] not in "-–−":
        return "negative"
    if mark == "+" and (ends or not text[:position].rstrip(" ")[-1:].isalnum()):
        return "positive"
    return _BRACKETS.get(mark, mark)


def _with_zeros(tokens: list[Token]) -> list[Token]:
    """ "0 PTX" and "PTX: 0" say no; "0 cm" does not."""
    result = list(tokens)
    for index, token in enumerate(tokens):
        if token.word != "0":
            continue
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        before = tokens[index - 1] if index else None
        counts = following is not None and following.is_word and following.word not in word_lists().units
        answers = before is not None and (following is None or following.word in ",;.\n")
        if (counts and not (before and before.word in ("<", ">", "="))) or answers:
            result[index] = Token(token.text, "no", token.start, token.stop)
    return result


def _with_answers(tokens: list[Token]) -> list[Token]:
    """ "PTX: n" and "effusion = y" answer; an n or a y elsewhere does not."""
    for index in range(1, len(tokens)):
        token, answer = tokens[index], _LETTERS.get(tokens[index].word)
        ends = index + 1 == len(tokens) or not tokens[index + 1].is_word
        if answer and ends and tokens[index - 1].word in (":", "="):
            tokens[index] = Token(token.text, answer, token.start, token.stop)
    return tokens


@lru_cache(maxsize=1)
def _shorthand() -> re.Pattern[str]:
    """Abbreviations that hold a mark, longest first; those of letters alone are looked up as words."""
    parts = []
    for short in sorted(word_lists().shorthand, key=len, reverse=True):
        if short.replace("'", "").isalnum() and short not in ("ø",):
            continue
        pattern = re.escape(short).replace("/", r" ?[/\\] ?")
        before = r"(?<![\w/])" if short[0].isalnum() else r"(?<![\w(])" if short[0] in "-–−+" else ""
        after = r"(?!\w)" if short[-1].isalnum() else ""
        parts.append(before + pattern + after)
    return re.compile("|".join(parts), re.IGNORECASE)
