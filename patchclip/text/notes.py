"""Sentences for the reader: what of a text was understood and cannot be answered, was corrected, or was left
out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Protocol

from patchclip.text.language import read
from patchclip.text.lists import GENERAL, PARTING
from patchclip.text.statements import Statement
from patchclip.text.tokens import Token
from patchclip.text.vocabulary import Vocabulary

_GENERAL = frozenset({"patient", GENERAL})  # other things that no warning need name
_SHORT = 15  # words up to which a text is a query, of which every word matters; a report has many that do not


class _Part(Protocol):
    @property
    def label(self) -> str | None: ...

    @property
    def start(self) -> int: ...

    @property
    def stop(self) -> int: ...


def notes_on(statement: Statement, vocabulary: Vocabulary) -> Iterator[str]:
    """On one query: what else its words may mean, and what one film cannot tell."""
    also = statement.asserted.concept.also
    if also:
        names = " or ".join(vocabulary.finding(label).name for label in also)
        yield f'"{statement.concept_text}" may also mean {names}.'
    name = vocabulary.finding(statement.label).name if statement.label else ""
    if not _of_it(statement).isdisjoint(read("lexicon")["unmeasured"].get(statement.label, ())):
        yield f'"{statement.concept_text}" is answered as {name}; how well it is told was not measured.'
    if left_out := (*statement.degrees, *statement.limits):
        yield f"{_quoted(left_out)} was left out: the answer is whether there is any {name}."
    if statement.asserted.shared:
        yield f'The negation was taken to speak of {name} too; if it is there, write "with {name}".'
    if statement.asserted.apart:
        yield f'{name[:1].upper() + name[1:]} was taken to be there; if it is not, write "no {name}".'
    assertion, said = statement.asserted.assertion, statement.terms_text
    quoted = f' ("{said}")' if said else ""
    if statement.asserted.concept.borderline:
        yield f'"{statement.concept_text}" is no {name} yet; the answer is whether there is {name}.'
    elif assertion == "uncertain":
        yield f"How sure somebody is{quoted} cannot be told from one film; the answer is whether it is there."
    elif assertion == "historical":
        yield f"The past{quoted} cannot be told from one film; the answer is whether it is there now."
    elif assertion == "comparison" or statement.asserted.compared:
        yield f"A change{quoted} cannot be told from one film; the answer is whether it is there."


def _of_it(statement: Statement) -> set[str]:
    """A finding's own words, and those behind it in its entry: "fracture of the left clavicle"."""
    concept, words = statement.asserted.concept, statement.sentence.words
    behind = takewhile(lambda word: word not in PARTING, words[concept.stop :])
    return {words[position] for position in concept.positions}.union(behind)


def correction(text: str, word: str) -> str:
    """Says that a word was read in another spelling."""
    return f'"{text}" was read as "{word}".'


def warnings_on(
    tokens: Sequence[Token],
    statements: Sequence[Statement],
    queries: Sequence[_Part],
    total: int,
    vocabulary: Vocabulary,
) -> Iterator[str]:
    """On a text: corrections, things that are not answered, words that were not understood, queries beyond
    the limit.

    Args:
        tokens: of the whole text.
        statements: of the whole text.
        queries: that are answered.
        total: queries that the text asks.
        vocabulary: the findings.
    """
    for token in tokens:
        if token.corrected:
            yield correction(token.text, token.word)
    for item in statements:
        if item.kind_of:
            name = vocabulary.finding(item.kind_of).name
            kind = item.concept_text
            yield f'"{kind}" is one kind of {name}, which is not told from others; ask for any {name}.'
    answered = any(query.label for query in queries)
    others = [item for item in statements if item.label is None and item.kind_of is None]
    names = [item.concept_text for item in others if item.asserted.concept.name not in _GENERAL]
    if answered and names and len(tokens) <= 2 * _SHORT:
        yield f"Not among the findings that are answered: {_quoted(names)}."
    free = [range(query.start, query.stop) for query in queries if not query.label]
    strange = [
        token.text for token in tokens if token.unknown and not any(token.start in part for part in free)
    ]
    if answered and strange and len(tokens) <= _SHORT:
        yield f"Not understood, and left out: {_quoted(strange)}."
    if total > len(queries):
        yield (
            f"The text asks {total} things and the first {len(queries)} are answered; "
            "ask the others by themselves."
        )


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join(f'"{text}"' for text in dict.fromkeys(texts))
