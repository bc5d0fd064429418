"""A text as typed, and what of it can be read: all, or all but the parts in a language that is not read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from patchclip import Answer, Encoded, Engine, QueryError
from patchclip.text import Reading, split_queries
from patchclip.text.query import LONGEST


@dataclass(frozen=True, slots=True)
class AnsweredText:
    """A text, or a part of one, that was read.

    Attributes:
        text: as typed.
        answers: one for each finding that it names, in its order, at least one.
        reading: what became of each of its words, and what is to be said of it as a whole.
    """

    text: str
    answers: tuple[Answer, ...]
    reading: Reading


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a text that was not read, as typed, and why, in one sentence."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class AnsweredTexts:
    """All that became of a text.

    Attributes:
        texts: what was read, in order, with at least one answer in all.
        refused: what was not.
        more: a word on answers that were cut, or "".
    """

    texts: tuple[AnsweredText, ...]
    refused: tuple[Refused, ...]
    more: str = ""


def answer_text(engine: Engine, encoded: Encoded, text: str, most: int) -> AnsweredTexts:
    """Answers a text as a whole; where it is refused, its lines and the parts between semicolons one by one.

    So a part in a language that is not read takes no other with it.

    Args:
        engine: the model.
        encoded: the radiograph that is asked.
        text: as typed.
        most: answers that are given.

    Raises:
        QueryError: nothing of it can be read.
    """
    try:
        return AnsweredTexts((_answered(engine, encoded, text),), ())
    except QueryError:
        parts = split_queries(text)
        if len(parts) < 2 or len(text) > LONGEST:
            raise
    texts: list[AnsweredText] = []
    refused: list[Refused] = []
    for part in parts:
        try:
            texts.append(_answered(engine, encoded, part))
        except QueryError as error:
            refused.append(Refused(part, str(error)))
    if not texts:
        raise QueryError(refused[0].reason)
    return _cut(texts, tuple(refused), most)


def _answered(engine: Engine, encoded: Encoded, text: str) -> AnsweredText:
    reading = engine.read(text)
    first, *others = engine.query(encoded, [text])
    alone = tuple(sentence for sentence in first.warnings if sentence not in reading.warnings)
    return AnsweredText(text, (replace(first, warnings=alone), *others), reading)


def _cut(texts: list[AnsweredText], refused: tuple[Refused, ...], most: int) -> AnsweredTexts:
    """The first `most` answers, and a word on the others."""
    total = sum(len(text.answers) for text in texts)
    left, cut = most, list[AnsweredText]()
    for text in texts:
        cut.append(replace(text, answers=text.answers[:left]))
        left = max(0, left - len(text.answers))
    more = (
        f"The text asks {total} things and the first {most} are answered; ask the others by themselves."
        if total > most
        else ""
    )
    return AnsweredTexts(tuple(cut), refused, more)
