"""The lexicon of one vocabulary: its wordings and those of the language data, compiled once into tables.

The vocabulary says which findings there are and how they are called; assets/language/lexicon.json adds
wordings, structures with what is
said of them ("heart": "enlarged", "within normal limits"), things that only sound like a finding, and phrases
that fit two findings.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from patchclip.text.language import read, word_lists
from patchclip.text.phrases import PhraseTable
from patchclip.text.spelling import Speller
from patchclip.text.tokens import read_tokens, stem, tokens_of
from patchclip.text.vocabulary import Vocabulary

Kind = Literal["finding", "normal", "reversed", "structure", "other"]
Polarity = Literal["abnormal", "normal", "borderline"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a phrase means.

    Attributes:
        kind: a finding; its absence ("lungs are clear"); what a finding lacks ("lung markings"); a structure;
            some other thing.
        label: of the vocabulary; None for structures and other things.
        name: of the structure or other thing, as the language data calls it.
        also: labels of further findings that the phrase fits as well.
        second: label of a second finding that the phrase names at the same time: a calcified nodule is two.
        sign: whether the words name a sign of the finding and not the finding: "blunted costophrenic angle".
    """

    kind: Kind
    label: str | None = None
    name: str = ""
    also: tuple[str, ...] = ()
    second: str | None = None
    sign: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What is said of a structure: `structure` and `label` tell of which, and what it means there."""

    structure: str
    label: str
    polarity: Polarity
    sign: bool


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All tables.

    Attributes:
        phrases: findings, normal statements, structures and other things.
        states: phrase -> what it means of each structure that it is said of.
        skippable: words that may stand inside a phrase.
        speller: knows every word of every table.
        foreign: label -> words that put what is beside them elsewhere: other parts of the body without those
            that belong to the finding
            (a hiatal hernia is a stomach in the chest), and bones or skin for a finding of the lungs.
    """

    phrases: PhraseTable[Entry]
    states: PhraseTable[tuple[State, ...]]
    skippable: frozenset[str]
    speller: Speller
    foreign: dict[str, frozenset[str]]


@lru_cache(maxsize=8)
def lexicon_of(vocabulary: Vocabulary) -> Lexicon:
    """Compiles a vocabulary with the language data."""
    data, lists = read("lexicon"), word_lists()
    places = read("place")
    sides = frozenset(word for words in places["sides"].values() for word in words)
    regions = frozenset(
        word for phrases in places["regions"].values() for phrase in phrases for word in tokens_of(phrase)
    )
    skippable = lists.function | lists.degree | sides | regions | {"not", "no"}
    said = _states(vocabulary, data)
    states = PhraseTable(((words, tuple(found)) for words, found in said.items()), lists.function, gap=2)
    predicates = _predicates(data, said)
    entries = (item for item in _entries(vocabulary, data) if item[0] not in predicates)
    phrases = PhraseTable(entries, skippable, gap=4)
    asserted = {
        word
        for group in ("negation", "pseudo", "uncertain", "historical", "comparison")
        for terms in read("assertion")[group].values()
        for term in terms
        for word in tokens_of(term)
    }
    finding_words = [
        word
        for item in vocabulary.findings
        for text in (item.name, *item.synonyms)
        for word in tokens_of(text)
    ]
    british = [word for word in lists.spelling if len(word) > 4]
    targets = [
        *finding_words,
        *sorted(phrases.words | states.words),
        *british,
        *sorted(asserted | sides | regions),
    ]
    targets += sorted(lists.other)
    plain = lists.function | lists.degree | lists.fillers | lists.common | lists.describing | lists.foreign
    plain |= frozenset(lists.spelling.values()) | frozenset(targets)
    speller = Speller(targets, plain | {stem(word) for word in plain})
    return Lexicon(
        phrases=phrases,
        states=states,
        skippable=skippable,
        speller=speller,
        foreign={
            label: (lists.foreign | set(data["elsewhere"].get(label, ())))
            - set(data["allowed"].get(label, ()))
            for label in vocabulary.labels
        },
    )


def content(phrase: str) -> tuple[str, ...]:
    """A phrase as the tables hold it: without function words, unless nothing else is left."""
    words = [token.word for token in read_tokens(phrase) if token.is_word]
    return tuple(word for word in words if word not in word_lists().function) or tuple(words)


def _entries(vocabulary: Vocabulary, data: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """Earlier entries win where two are the same phrase."""
    labels = set(vocabulary.labels)
    for name in data["other"].get(
        "patient", ()
    ):  # an abbreviation that an alias of a vocabulary may also claim
        yield content(name), Entry("other", name="patient")
    for name, texts in data["overruled"].items():  # a wording of a vocabulary that means no such finding
        for text in texts:
            yield content(text), Entry("other", name=name)
    for phrase, meant in data["ambiguous"].items():
        named = [label for label in meant if label in labels]
        if named:
            yield content(phrase), Entry("finding", named[0], also=tuple(named[1:]))
    for item in vocabulary.findings:  # a name is one finding, whatever else its words could mean
        yield content(item.name), Entry("finding", item.label)
    for phrase, meant in data["both"].items():
        if all(label in labels for label in meant):
            yield content(phrase), Entry("finding", meant[0], second=meant[1])
    signs = data["signs"]
    for item in vocabulary.findings:
        for text in (item.name, *item.synonyms, *item.aliases, item.label.replace("_", " ")):
            words = content(text)
            yield words, Entry("finding", item.label, sign=_is_sign(words, signs.get(item.label, [])))
        for text in data["findings"].get(item.label, ()):
            words = content(text)
            yield words, Entry("finding", item.label, sign=_is_sign(words, signs.get(item.label, [])))
        for text in (*item.normal, *data["normal"].get(item.label, ())):
            words = content(text)
            if "not" not in words:  # "heart is not big" is the negation of an enlarged heart
                yield words, Entry("normal", item.label)
        for text in data["reversed"].get(item.label, ()):
            yield content(text), Entry("reversed", item.label, sign=True)
    for name, texts in data["other"].items():
        for text in texts:
            yield content(text), Entry("other", name=name)
    for structure in data["structures"]:
        for text in structure["phrases"]:
            yield content(text), Entry("structure", name=structure["name"])


def _predicates(
    data: dict[str, Any], states: dict[tuple[str, ...], list[State]]
) -> Container[tuple[str, ...]]:
    """Wordings of a vocabulary that a structure and a state of it make up ("heart is enlarged"): they are
    read as such."""
    predicates: set[tuple[str, ...]] = set()
    for structure in data["structures"]:
        for text in structure["phrases"]:
            first = content(text)
            predicates |= {
                (*first, *words)
                for words, found in states.items()
                if any(state.structure == structure["name"] for state in found)
            }
    return predicates


def _is_sign(words: tuple[str, ...], signs: Sequence[str]) -> bool:
    """Whether a wording holds a phrase that names a sign, or is one that "=" marks: "nodular" by itself
    describes something else."""
    for text in signs:
        sign = content(text.removeprefix("="))
        if words == sign:
            return True
        if not text.startswith("=") and any(
            words[start : start + len(sign)] == sign for start in range(len(words) - len(sign) + 1)
        ):
            return True
    return False


def _states(vocabulary: Vocabulary, data: dict[str, Any]) -> dict[tuple[str, ...], list[State]]:
    """Phrase of a state -> its meanings, for labels of the vocabulary alone."""
    labels, shared = set(vocabulary.labels), data["states"]
    states: dict[tuple[str, ...], list[State]] = {}
    for structure in data["structures"]:
        for label, polarities in structure["states"].items():
            if label not in labels:
                continue
            signs = data["signs"].get(label, ())
            for polarity in ("abnormal", "normal", "borderline"):
                texts = polarities.get(polarity, [])
                texts = shared[polarity] if texts is True else texts
                # "abnormal" says of every structure what is mostly amiss with it
                for text in (
                    [*texts, "abnormal"] if polarity == "abnormal" and label == structure["label"] else texts
                ):
                    sign = structure["sign"] or _is_sign(content(text), signs)
                    state = State(structure["name"], label, polarity, sign)
                    states.setdefault(content(text), []).append(state)
    return states
