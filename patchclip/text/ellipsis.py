"""Clauses that name a side and no finding, completed by the finding that they leave out.

"No effusion on the left, a large one on the right", "effusion: R yes, L no", "right pneumothorax, left
clear", "left but no right effusion", "no effusion except a trace on the left". Each such clause becomes a
sentence of its own with the words of the finding that it speaks of, so that assertion and place are read as
everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from patchclip.text.assertion import assert_concepts
from patchclip.text.clauses import CLEAR, CLOSES, JOINS, Clause, Clauses, Named, negates
from patchclip.text.concepts import Concept
from patchclip.text.language import word_lists
from patchclip.text.lexicon import Lexicon
from patchclip.text.place import Mention
from patchclip.text.sentences import Sentence
from patchclip.text.terms import markers
from patchclip.text.tokens import Token

_OTHER_SIDE = {"left": "right", "right": "left"}


def completed(sentences: Sequence[Sentence], lexicon: Lexicon) -> Iterator[Sentence]:
    """The sentences, those with such clauses parted into one sentence for each clause; the others are passed
    on as they are."""
    named: Named | None = None
    for sentence in sentences:
        clauses = Clauses(sentence, lexicon, named)
        yield from _Writer(sentence, clauses).sentences()
        named = clauses.last


class _Writer:
    """One sentence and its clauses."""

    def __init__(self, sentence: Sentence, clauses: Clauses) -> None:
        self._sentence, self._read, self._clauses = sentence, clauses, clauses.all

    def sentences(self) -> Iterator[Sentence]:
        """One for each statement, or the sentence itself."""
        clauses, cuts = self._clauses, self._fresh_starts()
        if not clauses and not cuts:
            yield self._sentence
            return
        start = 0
        edges: list[tuple[int, int, Clause | None]] = [(c.opening, c.stop, c) for c in clauses]
        edges += [(cut, cut + 1, None) for cut in cuts]
        edges.append((len(self._read.words), len(self._read.words), None))
        for opening, stop, clause in sorted(edges, key=lambda edge: edge[0]):
            yield from self._plain(start, opening)
            if clause is not None:
                yield self._whole(clause)
            start = stop

    def _plain(self, start: int, stop: int) -> Iterator[Sentence]:
        """What stands between the clauses, unless it only names what they speak of."""
        tokens = list(self._sentence.tokens[start:stop])
        while tokens and tokens[-1].word in JOINS - {")"}:
            tokens.pop()
        if not any(token.is_word for token in tokens):
            return
        own = [
            item for item in self._read.asserted if start <= item.concept.start and item.concept.stop <= stop
        ]
        following = [clause for clause in self._clauses if clause.opening >= stop]
        if len(own) == 1 and following and following[0].opening == stop:
            first, concept = following[0], own[0].concept
            alone = assert_concepts(self._read.words[start:stop], [_moved(concept, -start)])[0]
            bare = not alone.terms and not concept.normal and not self._read.placed & set(range(start, stop))
            told = any(self._is_present(clause) for clause in following)
            direct = first.joined not in CLOSES  # "effusion not on the right"
            if bare and first.says != "without" and (told or direct):
                return  # "effusion: R yes, L no"
            if first.says == "without" and alone.assertion == "absent":
                side = _OTHER_SIDE.get(_side(first.mention))
                if side is None or self._read.placed & set(range(start, stop)):
                    return  # what is left of the chest has no name
                spot = self._sentence.tokens[first.opening]
                tokens.append(Token(spot.text, side, spot.start, spot.stop))
        yield replace(self._sentence, tokens=tuple(tokens))

    def _whole(self, clause: Clause) -> Sentence:
        """The clause with its finding."""
        tokens = self._sentence.tokens
        place = tokens[clause.mention.start : clause.mention.stop]
        if clause.says == "clear":
            said = [t for t in tokens[clause.start : clause.stop] if t.word in CLEAR]
            lung = replace(said[0], word="lung")
            return replace(self._sentence, tokens=(*place, lung, replace(said[0], word="clear")))
        named = self._read.antecedent(clause)
        assert named is not None
        negating = [term for term in clause.terms if negates(term)]
        weaker = [p for term in clause.terms if not negates(term) for p in term.positions]
        absent = not self._is_present(clause)
        spot = tokens[negating[0].start] if negating else tokens[clause.opening]
        head = [Token(spot.text, "not", spot.start, spot.stop)] if absent != named.normal else []
        return replace(self._sentence, tokens=(*head, *(tokens[p] for p in weaker), *named.tokens, *place))

    def _is_present(self, clause: Clause) -> bool:
        """Whether a clause says that the finding is there."""
        named = self._read.antecedent(clause)
        if named is None or clause.says == "present":
            return True
        if clause.says == "absent":
            return named.normal  # "the left lung is clear, the right is not"
        before = [other for other in self._clauses if other.stop <= clause.opening]
        if before and self._read.antecedent(before[-1]) == named:
            return not self._is_present(before[-1])  # "not on the right but on the left"
        return named.absent

    def _fresh_starts(self) -> list[int]:
        """Positions of the words that join a clause with a place, a verb and a finding of its own: "but the
        right has an effusion"."""
        lists = word_lists()
        starts = []
        for mention in self._read.mentions:
            join = mention.start - 1
            while join > 0 and self._read.words[join] in lists.function:
                join -= 1
            if join < 1 or self._read.words[join] not in CLOSES - {")"}:
                continue
            verb = mention.stop
            told = verb < len(self._read.words) and (
                self._read.words[verb] in markers().finite or self._read.words[verb] in (":", "show", "with")
            )
            stop = next(
                (p for p in range(verb, len(self._read.words)) if self._read.words[p] in CLOSES),
                len(self._read.words),
            )
            later = any(verb <= concept.start < stop for concept in self._read.concepts)
            earlier = any(concept.stop <= join for concept in self._read.concepts)
            taken = any(clause.opening <= join < clause.stop for clause in self._clauses)
            if told and later and earlier and not taken:
                starts.append(join)
        return starts


def _moved(concept: Concept, by: int) -> Concept:
    """The same concept in a part of its sentence."""
    return replace(concept, positions=tuple(position + by for position in concept.positions))


def _side(mention: Mention) -> str:
    """The one side that a place is, as a whole; "" for any other place."""
    parts = mention.parts
    return parts[0].side or "" if len(parts) == 1 and parts[0].region is None else ""
