"""Free text to queries: which findings, asserted how, where; the stages of this package put together.

tokens -> translation -> spelling -> shared words -> sentences -> clauses -> concepts -> assertion -> place ->
queries
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from patchclip.errors import QueryError
from patchclip.text.assertion import Assertion
from patchclip.text.coordination import shared_words
from patchclip.text.echo import Echo, echo_of
from patchclip.text.ellipsis import completed
from patchclip.text.foreign import ASK, translate
from patchclip.text.free import free_phrase, is_doubtful, is_negated, names_something, says_nothing_known
from patchclip.text.lexicon import lexicon_of
from patchclip.text.mentions import find_places
from patchclip.text.notes import notes_on, warnings_on
from patchclip.text.place import Place
from patchclip.text.sentences import Sentence, split_sentences
from patchclip.text.signs import spelled_out
from patchclip.text.sizes import size_limits
from patchclip.text.spelling import spell
from patchclip.text.statements import Statement, read_statements
from patchclip.text.tokens import read_tokens
from patchclip.text.vocabulary import Vocabulary
from patchclip.types import Laterality

LONGEST = 5000
MOST = 20  # queries that one text is answered with
_ENTRY = 8  # words that an entry of a list has at most
_PHRASE = 15  # words that a free phrase has at most: a page of prose is none


@dataclass(frozen=True, slots=True)
class Query:
    """One thing that a text asks.

    Attributes:
        text: the whole text as typed.
        finding: the vocabulary's name of the finding, or the phrase itself when none matches.
        label: of the vocabulary, or None.
        negated: whether absence is asked for.
        laterality: of the patient, or None.
        also: names of further findings in the text, which are queries of their own.
        doubtful: the phrase as typed, where one generic word ("nodule") stands among words that may put it
            anywhere; the gate decides.
        assertion: what the text says of the finding; "absent" where `negated`.
        place: where in the chest, or None for everywhere.
        start: of the part of the text that this query answers.
        stop: one past its end.
        outside: whether the text is known to name something that the vocabulary does not hold, so that no
            gate need be asked.
        sign: whether the words name a sign of the finding, not the finding ("blunted costophrenic angle").
        notes: sentences for the reader on what was understood and cannot be answered.
    """

    text: str
    finding: str
    label: str | None
    negated: bool
    laterality: Laterality | None
    also: tuple[str, ...] = ()
    doubtful: str | None = None
    assertion: Assertion = "present"
    place: Place | None = None
    start: int = 0
    stop: int = 0
    outside: bool = False
    sign: bool = False
    notes: tuple[str, ...] = ()

    @property
    def span(self) -> str:
        """The part of the text that this query answers, as typed."""
        return self.text[self.start : self.stop]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was made of a text.

    Attributes:
        text: as typed.
        queries: at least one, in the order of the text, at most `MOST`.
        echo: every word and mark of the text, in order, with what became of it.
        warnings: sentences for the reader about the text as a whole.
        language: the name of the language that it was translated from; None for English.
        unread: a word, as typed, of a language that is not read, or None.
    """

    text: str
    queries: tuple[Query, ...]
    echo: tuple[Echo, ...]
    warnings: tuple[str, ...]
    language: str | None
    unread: str | None = None


def split_queries(text: str) -> list[str]:
    """Several queries in one line or many: parted at ";" and line breaks, empty parts dropped."""
    return [part.strip() for part in text.replace("\n", ";").split(";") if part.strip()]


def parse_query(text: str, vocabulary: Vocabulary) -> Query:
    """Reads the first query of a text; `also` names the findings of the others.

    Raises:
        QueryError: see `parse_queries`.
    """
    first, *others = parse_queries(text, vocabulary).queries
    names = (query.finding for query in others if query.label and query.label != first.label)
    return replace(first, also=tuple(dict.fromkeys(names)))


def parse_queries(text: str, vocabulary: Vocabulary, most: int = MOST) -> Reading:
    """Reads all queries of a text: a question, a list, a report's sentence, or a whole report.

    Args:
        text: as typed.
        vocabulary: the findings.
        most: queries to give; what is beyond is cut with a word.

    Raises:
        QueryError: there is no word in it, it has more than 5,000 characters, or it is in a language that is
        not read.
    """
    if len(text) > LONGEST:
        raise QueryError(
            f"The query has {len(text)} characters and the limit is {LONGEST}; ask for fewer things."
        )
    typed = spelled_out(read_tokens(text))
    if not any(token.is_word for token in typed):
        raise QueryError('The query is empty; type a finding, for example "pleural effusion".')
    lexicon = lexicon_of(vocabulary)
    translation = translate(typed, lexicon.speller.words)
    tokens = shared_words(spell(translation.tokens, lexicon.speller))
    sentences = list(split_sentences(tokens))
    clauses = list(completed(sentences, lexicon))
    statements = [item for clause in clauses for item in read_statements(clause, lexicon)]
    if translation.unread and any(item.label for item in statements):
        raise QueryError(
            f'"{translation.unread}" is in a language that is not read, and may negate the rest; {ASK}'
        )
    foreign = translation.language or translation.unread
    queries = _queries(text, sentences, clauses, statements, vocabulary, foreign)
    return Reading(
        text=text,
        queries=tuple(queries[:most]),
        echo=echo_of(tokens, [item for item in statements if item.label]),
        warnings=tuple(warnings_on(tokens, statements, queries[:most], len(queries), vocabulary)),
        language=translation.language,
        unread=translation.unread,
    )


def _queries(
    text: str,
    sentences: Sequence[Sentence],
    clauses: Sequence[Sentence],
    statements: Sequence[Statement],
    vocabulary: Vocabulary,
    foreign: str | None,
) -> list[Query]:
    """One query for each finding, place and assertion, and one for each entry of a list that names none."""
    findings = [statement for statement in statements if statement.label]
    is_list = len(sentences) > 1 and not any(
        sentence.stated or len(sentence.tokens) > _ENTRY for sentence in sentences
    )
    queries: dict[object, Query] = {}
    for sentence in clauses:
        own = [statement for statement in findings if statement.sentence is sentence]
        said = {position for item in own for position in item.asserted.terms}
        said |= {position for limit in size_limits(sentence.words) for position in limit}
        concepts = [item.asserted.concept for item in own]
        for statement in own:
            concept = statement.asserted.concept
            doubtful = len(sentences) == 1 and is_doubtful(sentence.words, concept, concepts, said)
            query = _query(text, statement, vocabulary, doubtful)
            key = (query.label, query.assertion, query.place)
            first = queries.setdefault(key, query)
            if first.sign and not query.sign:  # a sign, and later the finding itself
                queries[key] = replace(first, sign=False)
        heading = sentence.words[-1] == ":"
        if is_list and not own and not heading and names_something(sentence.words):
            query = _free_query(text, [sentence], statements, foreign, vocabulary)
            queries[query.start] = query
    return list(queries.values()) or [_free_query(text, clauses, statements, foreign, vocabulary)]


def _query(text: str, statement: Statement, vocabulary: Vocabulary, doubtful: bool) -> Query:
    label, words = statement.label, statement.sentence.words
    assert label is not None
    tokens = statement.naming
    return Query(
        text=text,
        finding=vocabulary.finding(label).name,
        label=label,
        negated=statement.asserted.assertion == "absent",
        laterality=statement.place.laterality if statement.place else None,
        doubtful=free_phrase(words) if doubtful else None,
        assertion=statement.asserted.assertion,
        place=statement.place,
        start=min(token.start for token in tokens),
        stop=max(token.stop for token in tokens),
        sign=statement.asserted.concept.sign,
        notes=tuple(notes_on(statement, vocabulary)),
    )


def _free_query(
    text: str,
    sentences: Sequence[Sentence],
    statements: Sequence[Statement],
    foreign: str | None,
    vocabulary: Vocabulary,
) -> Query:
    """A query without a finding of the vocabulary: the name of another thing, or a phrase for the gate."""
    tokens = [token for sentence in sentences for token in sentence.tokens]
    words = [token.word for token in tokens]
    named = [statement for statement in statements if any(statement.sentence is item for item in sentences)]
    place = next((statement.place for statement in named if statement.place), None)
    return Query(
        text=text,
        finding=free_phrase(words),
        label=None,
        negated=is_negated(words),
        laterality=place.laterality if place else _laterality(words),
        assertion="absent" if is_negated(words) else "present",
        place=place,
        start=tokens[0].start,
        stop=tokens[-1].stop,
        outside=bool(named)
        or foreign is not None
        or len(words) > _PHRASE
        or not names_something(words)
        or says_nothing_known(words, lexicon_of(vocabulary)),
    )


def _laterality(words: Sequence[str]) -> Laterality | None:
    parts = {part.side for mention in find_places(words, []) for part in mention.parts}
    return "left" if parts == {"left"} else "right" if parts == {"right"} else None
