"""Free text to queries: which findings, asserted how, where; the stages of this package put together.

tokens -> translation -> spelling -> sentences -> concepts -> assertion -> place -> queries
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from patchclip.errors import QueryError
from patchclip.text.assertion import Asserted, Assertion, assert_concepts
from patchclip.text.concepts import find_concepts
from patchclip.text.echo import Echo, echo_of
from patchclip.text.foreign import ASK, translate
from patchclip.text.free import free_phrase, is_doubtful, is_negated, names_something
from patchclip.text.language import word_lists
from patchclip.text.lexicon import Lexicon, lexicon_of
from patchclip.text.phrases import HYPHENS
from patchclip.text.place import Place, find_places, place_concepts
from patchclip.text.sentences import Sentence, split_sentences
from patchclip.text.tokens import Token, read_tokens, stem
from patchclip.text.vocabulary import Vocabulary
from patchclip.types import Laterality

LONGEST = 5000
MOST = 20  # queries that one text is answered with
_ENTRY = 8  # words that an entry of a list has at most
_UNNAMED = frozenset({"patient", "disease in general"})  # other things that no warning need name
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
        doubtful: the phrase as typed, where one generic word ("nodule") stands among words that may put it anywhere; the gate decides.
        assertion: what the text says of the finding; "absent" where `negated`.
        place: where in the chest, or None for everywhere.
        start: of the part of the text that this query answers.
        stop: one past its end.
        outside: whether the text is known to name something that the vocabulary does not hold, so that no gate need be asked.
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
    """

    text: str
    queries: tuple[Query, ...]
    echo: tuple[Echo, ...]
    warnings: tuple[str, ...]
    language: str | None


@dataclass(frozen=True, slots=True)
class _Statement:
    """One concept of one sentence, with all that was found of it."""

    sentence: Sentence
    asserted: Asserted
    place: Place | None
    places: tuple[int, ...]  # positions of the words that say where


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
        QueryError: there is no word in it, it has more than 5,000 characters, or it is in a language that is not read.
    """
    if len(text) > LONGEST:
        raise QueryError(
            f"The query has {len(text)} characters and the limit is {LONGEST}; ask for a few findings at a time."
        )
    typed = read_tokens(text)
    if not any(token.is_word for token in typed):
        raise QueryError('The query is empty; type a finding, for example "pleural effusion".')
    lexicon = lexicon_of(vocabulary)
    translation = translate(typed, lexicon.speller.words)
    tokens = _spelt(translation.tokens, lexicon)
    sentences = list(split_sentences(tokens))
    statements = [statement for sentence in sentences for statement in _statements(sentence, lexicon)]
    if translation.unread and any(statement.asserted.concept.label for statement in statements):
        raise QueryError(
            f'"{translation.unread}" is in a language that is not read, and may negate the rest; {ASK}'
        )
    foreign = translation.language or translation.unread
    queries = _queries(text, sentences, statements, vocabulary, foreign)
    warnings = [*_warnings(text, tokens, statements, queries, len(sentences)), *_cut(queries, most)]
    used = [
        sentence_tokens[position]
        for statement in statements
        for sentence_tokens in (statement.sentence.tokens,)
        for position in (*statement.asserted.concept.positions, *statement.asserted.terms, *statement.places)
        if statement.asserted.concept.label
    ]
    return Reading(text, tuple(queries[:most]), echo_of(tokens, used), tuple(warnings), translation.language)


def _spelt(tokens: Sequence[Token], lexicon: Lexicon) -> tuple[Token, ...]:
    """The same tokens with misspelt words corrected and unknown ones marked."""
    result: list[Token] = []
    for token in _with_prefixes(tokens, lexicon):
        word = stem(lexicon.speller.correct(token.word)) if token.is_word else token.word
        corrected = word != token.word
        unknown = token.is_word and word.isalpha() and word not in lexicon.speller.words
        result.append(
            replace(token, word=word, corrected=corrected, unknown=unknown) if corrected or unknown else token
        )
    return tuple(result)


def _with_prefixes(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[Token]:
    """ "hypo-inflation" as one word, and "non-calcified" or "non calcified", which is not calcified and negates nothing else."""
    index = 0
    while index < len(tokens):
        first, stop = tokens[index], index + 1
        hyphen = stop < len(tokens) and tokens[stop].word in HYPHENS
        stop += hyphen
        if stop < len(tokens) and tokens[stop].is_word and first.word in word_lists().prefixes:
            last = tokens[stop]
            word = f"{first.word}{last.word}"
            if first.word == "non" or (hyphen and lexicon.speller.correct(word) in lexicon.speller.words):
                yield Token(f"{first.text}-{last.text}", word, first.start, last.stop)
                index = stop + 1
                continue
        yield first
        index += 1


def _statements(sentence: Sentence, lexicon: Lexicon) -> Iterator[_Statement]:
    words = sentence.words
    concepts = find_concepts(words, lexicon)
    if not concepts:
        return
    places = place_concepts(words, concepts, find_places(words, concepts))
    for asserted, (place, positions) in zip(assert_concepts(words, concepts), places, strict=True):
        reverse = asserted.concept.reversed
        if reverse and asserted.assertion == "absent":
            asserted = replace(asserted, concept=replace(asserted.concept, label=None, name="lung markings"))
        yield _Statement(sentence, asserted, place, positions)


def _queries(
    text: str,
    sentences: Sequence[Sentence],
    statements: Sequence[_Statement],
    vocabulary: Vocabulary,
    foreign: str | None,
) -> list[Query]:
    """One query for each finding, place and assertion, and one for each entry of a list that names none."""
    findings = [statement for statement in statements if statement.asserted.concept.label]
    is_list = len(sentences) > 1 and not any(
        sentence.stated or len(sentence.tokens) > _ENTRY for sentence in sentences
    )
    queries: dict[object, Query] = {}
    for sentence in sentences:
        own = [statement for statement in findings if statement.sentence is sentence]
        for statement in own:
            query = _query(text, statement, vocabulary, len(sentences))
            key = (query.label, query.assertion, query.place)
            first = queries.setdefault(key, query)
            if first.sign and not query.sign:  # a sign, and later the finding itself
                queries[key] = replace(first, sign=False)
        heading = sentence.words[-1] == ":"
        if is_list and not own and not heading and names_something(sentence.words):
            query = _free_query(text, [sentence], statements, foreign)
            queries[query.start] = query
    return list(queries.values()) or [_free_query(text, sentences, statements, foreign)]


def _query(text: str, statement: _Statement, vocabulary: Vocabulary, sentences: int) -> Query:
    concept, asserted = statement.asserted.concept, statement.asserted
    tokens, words = statement.sentence.tokens, statement.sentence.words
    label = concept.label
    assert label is not None
    positions = {*concept.positions, *statement.places}
    doubtful = sentences == 1 and is_doubtful(words, concept)
    return Query(
        text=text,
        finding=vocabulary.finding(label).name,
        label=label,
        negated=asserted.assertion == "absent",
        laterality=statement.place.laterality if statement.place else None,
        doubtful=free_phrase(words) if doubtful else None,
        assertion=asserted.assertion,
        place=statement.place,
        start=min(tokens[position].start for position in positions),
        stop=max(tokens[position].stop for position in positions),
        sign=concept.sign,
        notes=tuple(_notes(statement, vocabulary)),
    )


def _notes(statement: _Statement, vocabulary: Vocabulary) -> Iterator[str]:
    concept, asserted = statement.asserted.concept, statement.asserted
    tokens = statement.sentence.tokens
    if concept.also:
        typed = " ".join(dict.fromkeys(tokens[position].text for position in concept.positions))
        names = " or ".join(vocabulary.finding(label).name for label in concept.also)
        yield f'"{typed}" may also mean {names}.'
    said = " ".join(dict.fromkeys(tokens[position].text for position in asserted.terms))
    if asserted.assertion == "uncertain":
        yield (
            f'How sure a report is ("{said}") cannot be told from one film; the answer says whether the finding is there.'
            if said
            else "What is borderline cannot be told from one film; the answer says whether the finding is there."
        )
    elif asserted.assertion == "historical":
        yield f'The past ("{said}") cannot be told from one film; the answer says whether the finding is there now.'
    elif asserted.assertion == "comparison" or asserted.compared:
        yield f'A change ("{said}") cannot be told from one film; the answer says whether the finding is there.'


def _free_query(
    text: str, sentences: Sequence[Sentence], statements: Sequence[_Statement], foreign: str | None
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
        outside=bool(named) or foreign is not None or len(words) > _PHRASE or not names_something(words),
    )


def _laterality(words: Sequence[str]) -> Laterality | None:
    parts = {part.side for mention in find_places(words, []) for part in mention.parts}
    return "left" if parts == {"left"} else "right" if parts == {"right"} else None


def _warnings(
    text: str,
    tokens: Sequence[Token],
    statements: Sequence[_Statement],
    queries: Sequence[Query],
    sentences: int,
) -> Iterator[str]:
    for token in tokens:
        if token.corrected:
            yield f'"{token.text}" was read as "{token.word}".'
    answered = any(query.label for query in queries)
    others = [
        " ".join(
            dict.fromkeys(item.sentence.tokens[position].text for position in item.asserted.concept.positions)
        )
        for item in statements
        if item.asserted.concept.label is None and item.asserted.concept.name not in _UNNAMED
    ]
    if answered and others and len(tokens) <= 2 * _PHRASE:
        names = ", ".join(f'"{name}"' for name in dict.fromkeys(others))
        yield f"Not among the findings that are answered: {names}."
    free = [range(query.start, query.stop) for query in queries if not query.label]
    strange = [token.text for token in tokens if token.unknown and not any(token.start in part for part in free)]
    if answered and strange and len(tokens) <= _PHRASE:
        names = ", ".join(f'"{name}"' for name in dict.fromkeys(strange))
        yield f"Not understood, and left out: {names}."


def _cut(queries: Sequence[Query], most: int) -> Iterator[str]:
    if len(queries) > most:
        yield f"The text asks for {len(queries)} things; the first {most} are answered, ask for the rest by themselves."
