"""A sentence to concepts: findings, statements that a structure is normal or not, and things that only sound
like a finding."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from patchclip.text.language import word_lists
from patchclip.text.lexicon import Entry, Lexicon, State
from patchclip.text.phrases import HYPHENS, Match, T, longest
from patchclip.text.positions import Positioned

JOINS = frozenset({"and", "or", "nor", ",", "/", "&", "+", "but"})
_MARKS = JOINS | frozenset("():;?")
_COPULAS = frozenset({"is", "are", "was", "were", "has", "have"})
_LINKS = frozenset({"of", "in", "at", "on", "within", "involving", "to"})


@dataclass(frozen=True, slots=True)
class Concept(Positioned):
    """What a stretch of a sentence names.

    Attributes:
        label: of the vocabulary; None for another thing.
        name: what the language data calls another thing.
        positions: of its words among the sentence's tokens, ascending; others may stand between.
        normal: whether the words state the finding's absence ("lungs are clear"); a negation turns that
            round.
        borderline: whether they leave it open ("upper limits of normal").
        reversed: whether they name what the finding lacks ("lung markings"): only their absence is a finding.
        also: labels of further findings that the words fit as well.
        sign: whether they name a sign of the finding, not the finding.
        predicate: whether they are a statement of their own, a structure and what is said of it: "heart
            enlarged".
    """

    label: str | None
    name: str
    positions: tuple[int, ...]
    normal: bool = False
    borderline: bool = False
    reversed: bool = False
    also: tuple[str, ...] = ()
    sign: bool = False
    predicate: bool = False


def find_concepts(words: Sequence[str], lexicon: Lexicon) -> list[Concept]:
    """The concepts of one sentence (its words and marks), in order of their first word."""
    matches = lexicon.phrases.longest(words)
    statements = list(_statements(words, matches, lexicon))
    stated = {position for concept in statements for position in concept.positions}
    phrases = [
        match
        for match in lexicon.phrases.all(words)
        if match.value.kind != "structure" and not (match.value.kind == "normal" and _free_of(words, match))
    ]
    chosen = [
        match
        for match in longest(phrases)
        if not stated.intersection(match.positions) or _outweighs(match, statements)
    ]
    taken = {position for match in chosen for position in match.positions}
    concepts = [concept for concept in statements if not taken.intersection(concept.positions)]
    for match in chosen:
        concept = _placed(_concept(match), words, lexicon)
        concepts.append(concept)
        if match.value.second and concept.label:
            concepts.append(replace(concept, label=match.value.second))
    return sorted(concepts, key=lambda concept: concept.positions)


def _outweighs(match: Match[Entry], statements: Sequence[Concept]) -> bool:
    """Whether a phrase that shares words with statements is longer than each of them, or as long and of the
    same finding."""
    return all(
        len(match.positions) > len(concept.positions)
        for concept in statements
        if set(match.positions) & set(concept.positions)
    )


def _free_of(words: Sequence[str], match: Match[T]) -> bool:
    """Whether "of" follows: lungs that are "clear of consolidation" are said to be free of that alone."""
    return words[match.stop - 1] in ("clear", "free") and words[match.stop : match.stop + 1] in (
        ["of"],
        ["from"],
    )


def _concept(match: Match[Entry]) -> Concept:
    entry = match.value
    return Concept(
        label=entry.label,
        name=entry.name,
        positions=match.positions,
        normal=entry.kind == "normal",
        reversed=entry.kind == "reversed",
        also=entry.also,
        sign=entry.sign,
    )


def _placed(concept: Concept, words: Sequence[str], lexicon: Lexicon) -> Concept:
    """The same, or another thing where its noun phrase names another part of the body: "fracture of the
    femur"."""
    if concept.label is None:
        return concept
    foreign = lexicon.foreign[concept.label]
    around = [*_before(words, concept.start), *_after(words, concept.stop)]
    inside = [words[index] for index in range(concept.start, concept.stop) if index not in concept.positions]
    if foreign.intersection(around) or foreign.intersection(inside):
        return replace(
            concept, label=None, name="another part of the body", also=(), normal=False, sign=False
        )
    return concept


def _before(words: Sequence[str], start: int) -> Iterator[str]:
    """The words that stand before a noun and belong to it."""
    for word in reversed(words[max(0, start - 5) : start]):
        if word in _MARKS or word in word_lists().breaks or word in word_lists().function:
            return
        yield word


def _after(words: Sequence[str], stop: int) -> Iterator[str]:
    """The words after a noun that belong to it: up to the next break, at most six."""
    function = word_lists().function - _LINKS
    for index, word in enumerate(words[stop : stop + 7]):
        if word in _MARKS or word in word_lists().breaks or word in _COPULAS:
            return
        if index == 0 and word in function:
            continue
        yield word


def _statements(words: Sequence[str], matches: Sequence[Match[Entry]], lexicon: Lexicon) -> Iterator[Concept]:
    """What is said of the structures among the matches: "mildly enlarged heart", "the heart, mediastinum and
    lungs are normal"."""
    structures = [match for match in matches if match.value.kind == "structure"]
    apart = {match.start for match in matches if match.value.kind == "normal"}
    states = lexicon.states.longest(words)
    states = [match for match in states if not _free_of(words, match)]
    by_start = {match.start: match for match in states}
    by_last = {match.stop - 1: match for match in states}
    inside = {position: match for match in structures for position in match.positions}
    inherited: list[Match[tuple[State, ...]]] = []
    taken: set[int] = set()  # starts of states that an earlier structure has before the next one
    for structure in structures:
        found = _states_before(words, structure.start, by_last, lexicon)
        beside = bool(found) and found[0].stop == structure.start
        if not beside or not taken.isdisjoint(match.start for match in found):
            after = _states_after(words, structure.stop, by_start, inside, apart, lexicon)
            taken.update(match.start for match in after)
            found = after or found  # "lungs clear heart enlarged", "normal heart lungs clear"
        if not found and inherited and _joined_before(words, structure.start, inside, lexicon):
            found = inherited
        inherited = found
        for match in found:
            for state in match.value:
                if state.structure == structure.value.name:
                    yield Concept(
                        label=state.label,
                        name="",
                        positions=tuple(sorted({*structure.positions, *match.positions})),
                        normal=state.polarity == "normal",
                        borderline=state.polarity == "borderline",
                        sign=state.sign,
                        predicate=structure.start < match.start,
                    )


def _states_before(
    words: Sequence[str], start: int, by_last: dict[int, Match[tuple[State, ...]]], lexicon: Lexicon
) -> list[Match[tuple[State, ...]]]:
    """States just before a structure: "clear and well expanded lungs", "blunting of the left costophrenic
    angle"."""
    found: list[Match[tuple[State, ...]]] = []
    index = start - 1
    while index >= 0:
        match = by_last.get(index)
        if match:
            found.append(match)
            index = match.start - 1
        elif (
            words[index] in HYPHENS
            or (words[index] in lexicon.skippable and words[index] not in ("no", "not"))
            or (
                found
                and words[index] in ("and", ",", "but")
                and index
                and _ends_state(words, index, by_last, lexicon)
            )
        ):
            index -= 1
        else:
            break
    return found


def _ends_state(
    words: Sequence[str], index: int, by_last: dict[int, Match[tuple[State, ...]]], lexicon: Lexicon
) -> bool:
    """Whether the word before a join ends a state too."""
    before = index - 1
    while before >= 0 and words[before] == ",":
        before -= 1
    return before in by_last


def _states_after(
    words: Sequence[str],
    stop: int,
    by_start: dict[int, Match[tuple[State, ...]]],
    inside: dict[int, Match[Entry]],
    apart: Collection[int],
    lexicon: Lexicon,
) -> list[Match[tuple[State, ...]]]:
    """States said of a structure after it, across other structures of the same list.

    apart: where a phrase of its own begins with a state, which goes on no list: "lungs clear, normal heart".
    """
    found: list[Match[tuple[State, ...]]] = []
    passes = word_lists().describing | word_lists().said | {":"}
    index = stop
    while index < len(words):
        word = words[index]
        match = by_start.get(index)
        if match:
            if found and (index in apart or not _continues(words, found[-1].stop, index, lexicon)):
                break
            found.append(match)
            index = match.stop
        elif index in inside:
            if found:
                break  # "right lung clear, left lung opacified"
            index = inside[index].stop
        elif (
            word in HYPHENS
            or word in lexicon.skippable
            or word == "without"
            or (word in passes and not found)
            or (word in JOINS and (found or _more_follows(words, index + 1, by_start, inside, lexicon)))
        ):
            index += 1
        else:
            break
    return found


def _continues(words: Sequence[str], start: int, stop: int, lexicon: Lexicon) -> bool:
    """Whether only joins and skippable words lie between two states of one list: "hyperexpanded and
    clear"."""
    return all(
        word in ("and", ",", "but", "or") or word in lexicon.skippable or word in HYPHENS
        for word in words[start:stop]
    )


def _more_follows(
    words: Sequence[str],
    start: int,
    by_start: dict[int, Match[tuple[State, ...]]],
    inside: dict[int, Match[Entry]],
    lexicon: Lexicon,
) -> bool:
    """Whether a join leads to another structure of the list or, after an adjective, to the state: "is stable
    and within normal limits"."""
    for index in range(start, len(words)):
        if index in inside:
            return True
        if index in by_start:
            return words[start - 1] != ","
        if words[index] not in lexicon.skippable and words[index] not in (
            "and",
            "or",
            "xxxx",
            "size",
            "contour",
        ):
            return False
    return False


def _joined_before(
    words: Sequence[str], start: int, inside: dict[int, Match[Entry]], lexicon: Lexicon
) -> bool:
    """Whether a structure continues a list that another began: "normal heart and lungs"."""
    for index in range(start - 1, -1, -1):
        if index in inside:
            return index + 1 < start
        if words[index] not in ("and", "or", ",", "/") and words[index] not in lexicon.skippable:
            return False
    return False
