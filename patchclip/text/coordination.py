"""Words that two nouns or adjectives share: "pleural effusion or thickening", "pleural or pericardial
effusion".

The word that both share is put in where it is left out, so that each is read as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from patchclip.text.phrases import HYPHENS
from patchclip.text.tokens import Token

_JOINS = frozenset({"and", "or", "nor", "/", ",", "&"})
_OF_THE_PLEURA = frozenset({"thickening", "plaque", "plaques", "scarring"})
"""What is the pleura's after another finding of the pleura; by itself each may be another structure's."""
_ADJECTIVES = frozenset({"pleural", "pericardial", "pulmonary", "hilar", "mediastinal", "peribronchial"})
_HEADS = frozenset(
    {"effusion", "effusions", "mass", "masses", "nodule", "nodules", "fluid", "thickening", "calcification"}
    | {"calcifications", "edema", "opacity", "opacities"}
)


def shared_words(tokens: Sequence[Token]) -> list[Token]:
    """The tokens with every word that two of them share said twice.

    A word that is put in has the text and place of the one that it is put beside.
    """
    with_heads = list(_heads(tokens))
    return list(_modifiers(with_heads))


def _heads(tokens: Sequence[Token]) -> Iterator[Token]:
    """ "Pleural or pericardial effusion" -> "pleural effusion or pericardial effusion"."""
    for index, token in enumerate(tokens):
        yield token
        after = _after_joins(tokens, index + 1)
        if (
            token.word in _ADJECTIVES
            and index + 1 < after < len(tokens) - 1
            and tokens[after].word in _ADJECTIVES
            and tokens[after + 1].word in _HEADS
        ):
            yield replace(token, word=tokens[after + 1].word)


def _modifiers(tokens: Sequence[Token]) -> Iterator[Token]:
    """ "Pleural effusion or thickening" -> "pleural effusion or pleural thickening"."""
    for index, token in enumerate(tokens):
        before = _before_joins(tokens, index - 1)
        if (
            token.word in _OF_THE_PLEURA
            and 1 <= before < index - 1
            and tokens[before].word in _HEADS | _OF_THE_PLEURA
            and _is_pleural(tokens, before)
        ):
            yield replace(token, word="pleural")
        yield token


def _is_pleural(tokens: Sequence[Token], index: int) -> bool:
    """Whether a noun is the pleura's, by its own adjective or one that it shares."""
    while index >= 1:
        if tokens[index - 1].word == "pleural":
            return True
        before = _before_joins(tokens, index - 1)
        if before == index - 1 or tokens[before].word not in _HEADS | _OF_THE_PLEURA:
            return False
        index = before
    return False


def _after_joins(tokens: Sequence[Token], index: int) -> int:
    """Position of the first token from `index` on that joins nothing."""
    while index < len(tokens) and tokens[index].word in _JOINS:
        index += 1
    return index


def _before_joins(tokens: Sequence[Token], index: int) -> int:
    """Position of the last token up to `index` that joins nothing; -1 where there is none."""
    while index >= 0 and tokens[index].word in _JOINS | HYPHENS:
        index -= 1
    return index
