"""Tokens to sentences: parted at full stops, semicolons, line breaks and question marks that end
something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from patchclip.text.language import word_lists
from patchclip.text.terms import markers
from patchclip.text.tokens import Token

ENDS = frozenset(".;!\n•·*")
ANSWERS = frozenset({"no", "yes", "none", "nil", "false", "negative", "positive", "absent", "present"})
_DENIALS = frozenset({"not", "unlikely", "excluded", "resolved", "gone"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens that belong together, at least one word among them.

    Attributes:
        tokens: in order, without the mark that ends the sentence.
        asked: whether a question mark ended it.
        stated: whether a full stop or an exclamation mark did, so that it reads like prose and not like an
            entry of a list.
    """

    tokens: tuple[Token, ...]
    asked: bool = False
    stated: bool = False

    @property
    def words(self) -> list[str]:
        """One for each token; marks are themselves."""
        return [token.word for token in self.tokens]


def split_sentences(tokens: Sequence[Token]) -> Iterator[Sentence]:
    """The sentences of a text."""
    current: list[Token] = []
    for index, token in enumerate(tokens):
        if _numbers(tokens, index) and any(part.is_word for part in current):
            yield Sentence(tuple(current))
            current = []
        if token.word not in ENDS and not (token.word == "?" and not _asks_on(tokens, index)):
            current.append(token)
            continue
        if token.word == "." and _abbreviates(tokens, index):
            continue
        if any(part.is_word for part in current):
            yield Sentence(tuple(current), token.word == "?", token.word in ".!")
        current = []
    if any(part.is_word for part in current):
        yield Sentence(tuple(current))


def _numbers(tokens: Sequence[Token], index: int) -> bool:
    """Whether a number opens an entry of a list: "1) effusion 2) no pneumothorax"; not in "(segment 2)"."""
    if not tokens[index].word.isdigit() or index + 1 == len(tokens) or tokens[index + 1].word != ")":
        return False
    depth = 0
    for token in tokens[:index]:
        depth = depth + 1 if token.word == "(" else max(0, depth - 1) if token.word == ")" else depth
    return depth == 0


def _asks_on(tokens: Sequence[Token], index: int) -> bool:
    """Whether a question mark ends nothing: in "?pneumonia" and "fever, ? pneumonia" it belongs to what
    follows, and "nodule? no" is one
    statement; in "effusion? mass?" it ends something."""
    if index + 1 == len(tokens) or not tokens[index + 1].is_word:
        return False
    run = [token.word for token in takewhile(lambda token: token.is_word, tokens[index + 1 :])]
    if run[0] in ANSWERS | _DENIALS and all(word in markers().trailing for word in run[1:]):
        return True
    before = tokens[index - 1] if index else None
    return before is None or not before.is_word or before.stop < tokens[index].start


def _abbreviates(tokens: Sequence[Token], index: int) -> bool:
    """Whether a full stop only shortens the word before it: "neg. for effusion", "Lt. effusion"."""
    if not index or index + 1 == len(tokens):
        return False
    before, after = tokens[index - 1], tokens[index + 1]
    if before.stop != tokens[index].start or after.word == "\n":
        return False
    lists, short = word_lists(), before.text.lower()
    letter = len(short) == 1 and short.isalpha()
    return short in lists.abbreviations or ((letter or short in lists.shortened) and after.text[0].islower())
