"""A sentence to statements: each concept with what is asserted of it and where in the chest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from patchclip.text.assertion import Asserted, assert_concepts
from patchclip.text.concepts import find_concepts
from patchclip.text.kinds import degrees_of, kind_of
from patchclip.text.lexicon import Lexicon
from patchclip.text.mentions import find_places
from patchclip.text.place import Place, place_concepts
from patchclip.text.sentences import Sentence
from patchclip.text.sizes import limits_of, size_limits
from patchclip.text.tokens import Token


@dataclass(frozen=True, slots=True)
class Statement:
    """One concept of one sentence.

    Attributes:
        sentence: that holds it.
        asserted: the concept, and what is said of it.
        place: where in the chest, or None.
        placing: positions of the words that say where, among the sentence's tokens.
        kind_of: label of the finding of which one kind alone is denied, which is not answered.
        degrees: words, as typed, by which no more than a large, or an acute, finding is denied.
        limits: sizes, as typed, that the finding is compared with.
    """

    sentence: Sentence
    asserted: Asserted
    place: Place | None
    placing: tuple[int, ...]
    kind_of: str | None = None
    degrees: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    @property
    def label(self) -> str | None:
        """Of the vocabulary; None for a thing that it does not hold."""
        return self.asserted.concept.label

    @property
    def naming(self) -> list[Token]:
        """The tokens that name concept and place."""
        return self._at({*self.asserted.concept.positions, *self.placing})

    @property
    def tokens(self) -> list[Token]:
        """All tokens that it was made of, with those that negate, doubt or compare."""
        return self._at({*self.asserted.concept.positions, *self.placing, *self.asserted.terms})

    @property
    def concept_text(self) -> str:
        """The concept's words as typed, and what stands between them."""
        concept = self.asserted.concept
        return _typed(self._at(set(range(concept.start, concept.stop))))

    @property
    def terms_text(self) -> str:
        """The words as typed that negate, doubt or compare."""
        return _typed(self._at(set(self.asserted.terms)))

    def _at(self, positions: set[int]) -> list[Token]:
        return [self.sentence.tokens[position] for position in sorted(positions)]


def read_statements(sentence: Sentence, lexicon: Lexicon) -> Iterator[Statement]:
    """The statements of a sentence, in order."""
    words = sentence.words
    concepts = find_concepts(words, lexicon)
    said = assert_concepts(words, concepts)
    assertions = [asserted.assertion for asserted in said]
    places = place_concepts(words, concepts, find_places(words, concepts), assertions)
    sizes = size_limits(words)
    for asserted, (place, positions) in zip(said, places, strict=True):
        if asserted.concept.reversed and asserted.assertion == "absent":  # lung markings that are there
            asserted = replace(asserted, concept=replace(asserted.concept, label=None, name="lung markings"))
        concept = asserted.concept
        spans = limits_of(sizes, words, concept) if concept.label else []
        limits = tuple(_typed([sentence.tokens[position] for position in span]) for span in spans)
        if not concept.label or asserted.assertion != "absent" or concept.normal:
            yield Statement(sentence, asserted, place, positions, limits=limits)
        elif kind := kind_of(words, concept):
            spots = tuple(sorted({*kind, *concept.positions}))
            unanswered = replace(concept, label=None, name="kind of a finding", positions=spots)
            asserted = replace(asserted, concept=unanswered)
            yield Statement(sentence, asserted, place, positions, kind_of=concept.label)
        else:
            degrees = tuple(sentence.tokens[position].text for position in degrees_of(words, concept))
            yield Statement(sentence, asserted, place, positions, degrees=degrees, limits=limits)


def _typed(tokens: list[Token]) -> str:
    """Texts without repetition: the tokens of an abbreviation share theirs."""
    return " ".join(dict.fromkeys(token.text for token in tokens))
