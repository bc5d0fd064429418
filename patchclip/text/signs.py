"""Notes in signs and figures, as the words that they stand for: "+effusion, -pneumothorax", "CTR < 0.5"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from patchclip.text.tokens import Token

_PLUS = frozenset({"+", "(+)"})
_MINUS = frozenset({"-", "–", "−", "(-)", "(–)", "(−)"})
_RATIO = re.compile(r"(?:^| )(?:ctr|cardiothoracic ratio)$")
_FIGURE = re.compile(r"\d+(?:[.,]\d+)?")
_UPPER_LIMIT = 0.5  # of the cardiothoracic ratio in adults (Danzer, Am J Med Sci 1919;157:513)
_POSSIBLE = (0.2, 0.95)  # what is beyond is no such ratio: "CTR 2/4"
_GREATER = frozenset({">", "greater", "over", "above", "exceeding", "more", "exceed", "least"})
_LESS = frozenset({"<", "less", "under", "below"})
_EQUAL = frozenset({"=", ":", "~", "of", "is", "at", "than", "approximately", "about", "the", "to", "by"})


def spelled_out(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """The tokens of a text; those that are signs before an entry or say a ratio become words.

    A minus before an entry negates it only in a text that opens with a sign and has a plus too: elsewhere it
    is the dash of a list.
    """
    return tuple(_with_ratios(_with_signs(tokens)))


def _with_signs(tokens: Sequence[Token]) -> list[Token]:
    if not tokens or tokens[0].text not in _PLUS | _MINUS or not any(token.text in _PLUS for token in tokens):
        return list(tokens)
    return [
        Token(token.text, "with" if token.text in _PLUS else "no", token.start, token.stop)
        if token.text in _PLUS | _MINUS and _opens_entry(tokens, index)
        else token
        for index, token in enumerate(tokens)
    ]


def _opens_entry(tokens: Sequence[Token], index: int) -> bool:
    """Whether a word follows a sign, and the sign is no hyphen between two."""
    followed = index + 1 < len(tokens) and tokens[index + 1].is_word
    return followed and (index == 0 or tokens[index - 1].stop < tokens[index].start)


def _with_ratios(tokens: Sequence[Token]) -> Iterator[Token]:
    index = 0
    while index < len(tokens):
        yield tokens[index]
        index += 1
        named = " ".join(token.word for token in tokens[max(0, index - 2) : index])
        if not _RATIO.search(named):
            continue
        stop, word = _said(tokens, index)
        if word is not None:
            text = " ".join(token.text for token in tokens[index:stop])
            yield Token(text, word, tokens[index].start, tokens[stop - 1].stop)
            index = stop


def _said(tokens: Sequence[Token], start: int) -> tuple[int, str | None]:
    """(where the figure after a ratio's name ends, the word for the heart that it says; None where it leaves
    that open or there is no figure)."""
    stop = start
    while stop < len(tokens) and tokens[stop].word in _GREATER | _LESS | _EQUAL:
        stop += 1
    if stop == len(tokens) or not _FIGURE.fullmatch(tokens[stop].word):
        return start, None
    between = {token.word for token in tokens[start:stop]}
    value = float(tokens[stop].word.replace(",", "."))
    ratio = value / 100 if value > 1 else value
    if not _POSSIBLE[0] <= ratio <= _POSSIBLE[1]:
        return start, None
    stop += 1
    if stop < len(tokens) and tokens[stop].word in ("%", "percent"):
        stop += 1
    if between & _LESS:
        return stop, "normal" if ratio <= _UPPER_LIMIT else None
    if between & _GREATER:
        return stop, "increased" if ratio >= _UPPER_LIMIT else None
    return stop, "increased" if ratio > _UPPER_LIMIT else "normal"
