"""The places that a sentence names, as stretches of its words: "right upper and left lower lobe"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from patchclip.text.concepts import Concept
from patchclip.text.elsewhere import is_of_flow, sides_elsewhere
from patchclip.text.language import read, word_lists
from patchclip.text.phrases import HYPHENS, Match, PhraseTable
from patchclip.text.place import REGIONS, Mention, PlacePart, Region, Side
from patchclip.text.tokens import tokens_of


@dataclass(frozen=True, slots=True)
class _Word:
    kind: Literal["side", "region", "noun"]
    value: str


def find_places(words: Sequence[str], concepts: Sequence[Concept]) -> list[Mention]:
    """The places that a sentence names. A side inside the phrase of a finding is no place: "left ventricular
    enlargement"; nor are those of `patchclip.text.elsewhere`."""
    table = _table()
    inside = {position for concept in concepts for position in concept.positions}
    limits = {position for match in _limits().all(words) for position in match.positions}
    named = {position for concept in concepts if concept.label for position in concept.positions}
    others = sides_elsewhere(words, inside, named)
    matches = [
        match
        for match in table.longest(words)
        if match.value.kind != "noun"
        and not limits.intersection(match.positions)  # "at the upper limit of normal"
        and not (match.value.value.startswith("upper") and is_of_flow(words, match.start, match.stop))
        and not (
            match.value.kind == "side" and (inside.intersection(match.positions) or match.start in others)
        )
    ]
    mentions: list[Mention] = []
    group: list[Match[_Word]] = []
    for index, match in enumerate(matches):
        following = matches[index + 1] if index + 1 < len(matches) else None
        if group and (
            _begins(group, match, following)
            or _states(group, match, concepts)
            or not _continues(words, group, match, inside)
        ):
            mentions.append(_mention(words, group))
            group = []
        group.append(match)
    if group:
        mentions.append(_mention(words, group))
    return [mention for mention in mentions if mention.parts]


def _begins(group: Sequence[Match[_Word]], match: Match[_Word], following: Match[_Word] | None) -> bool:
    """Whether a lone side after a place begins another: "consolidation in the right upper lobe and a left
    effusion"."""
    whole = any(item.value.kind == "region" for item in group)
    alone = following is None or following.value.kind == "side" or following.start > match.stop + 1
    return whole and match.value.kind == "side" and match.start > group[-1].stop and alone


def _states(group: Sequence[Match[_Word]], match: Match[_Word], concepts: Sequence[Concept]) -> bool:
    """Whether a side after the place of one statement opens the next: "blunting of the left costophrenic
    angle, right costophrenic angle sharp"."""
    ends = any(set(concept.positions).intersection(group[-1].positions) for concept in concepts)
    opens = any(concept.predicate and concept.start == match.stop for concept in concepts)
    return ends and opens and match.value.kind == "side"


def _continues(
    words: Sequence[str], group: Sequence[Match[_Word]], match: Match[_Word], inside: set[int]
) -> bool:
    """Whether a place word belongs to the stretch before it: "right upper and left lower lobe"."""
    nouns = frozenset(" ".join(read("place")["nouns"]).split())
    joins = frozenset(" ".join(read("place")["joins"]).split()) | {",", "/", "&", ">"}
    between = range(group[-1].stop, match.start)
    joined = nouns | joins | HYPHENS
    if _opens_list(words, group[0].start, inside):  # "small right and moderate left effusions"
        joined |= word_lists().degree
    return not any(index in inside for index in between) and all(words[index] in joined for index in between)


def _opens_list(words: Sequence[str], start: int, inside: set[int]) -> bool:
    """Whether a place follows no finding of its own clause and no negation, so that what it places comes
    after the last of a list."""
    before = start - 1
    while before >= 0 and words[before] in word_lists().degree | word_lists().function:
        before -= 1
    return before not in inside and (before < 0 or words[before] not in word_lists().negating)


def _mention(words: Sequence[str], group: Sequence[Match[_Word]]) -> Mention:
    """Sides and regions to parts: each region takes the sides before it, or those after it where none stand
    before."""
    parts: list[PlacePart] = []
    sides: list[str] = []
    waiting: list[str] = []
    for match in group:
        if match.value.kind == "side":
            if waiting and not parts and not sides:
                parts += [PlacePart(_side(match.value.value), _region(region)) for region in waiting]
                waiting = []
                sides = [match.value.value]
                continue
            if sides and waiting:
                parts += [PlacePart(_side(side), _region(region)) for side in sides for region in waiting]
                sides, waiting = [], []
            elif sides and parts and match.start > 0 and not waiting and _used(parts, sides):
                sides = []
            sides.append(match.value.value)
        else:
            waiting.append(_bilateral(words, match, sides))
    if waiting:
        own: list[str | None] = list(sides) or [None]
        parts += [PlacePart(_side(side), _region(region)) for side in own for region in waiting]
    elif sides and not _used(parts, sides):
        parts += [PlacePart(_side(side), None) for side in sides]
    stop = max(match.stop for match in group)
    nouns = frozenset(" ".join(read("place")["nouns"]).split())
    while stop < len(words) and (words[stop] in HYPHENS or words[stop] in nouns):
        stop += 1
    return Mention(_named(tuple(dict.fromkeys(parts))), min(match.start for match in group), stop)


def _named(parts: tuple[PlacePart, ...]) -> tuple[PlacePart, ...]:
    """ "right upper and left lower lobe": a bare level takes the noun of the level after it."""
    result = list(parts)
    for index in range(len(result) - 2, -1, -1):
        region, following = result[index].region, result[index + 1].region
        lobe = f"{region.split()[0]} lobe" if region else ""
        if (
            region
            and region.endswith("zone")
            and following
            and following.endswith("lobe")
            and lobe in REGIONS
        ):
            result[index] = PlacePart(result[index].side, _region(lobe))
    return tuple(result)


@lru_cache(maxsize=1)
def _limits() -> PhraseTable[bool]:
    """Phrases of a size that is just normal."""
    phrases = (tuple(tokens_of(text)) for text in read("assertion")["borderline"])
    return PhraseTable(((words, True) for words in phrases), frozenset(), gap=0)


def _used(parts: Sequence[PlacePart], sides: Sequence[str]) -> bool:
    return any(part.side in sides for part in parts)


def _bilateral(words: Sequence[str], match: Match[_Word], sides: list[str]) -> str:
    """The region; words such as "bibasilar" are a side at the same time."""
    if any(words[position] in read("place")["sides"]["both"] for position in match.positions) and not sides:
        sides.append("both")
    return match.value.value


def _side(text: str | None) -> Side | None:
    return None if text is None else "left" if text == "left" else "right" if text == "right" else "both"


def _region(text: str) -> Region:
    return next(region for region in REGIONS if region == text)


@lru_cache(maxsize=1)
def _table() -> PhraseTable[_Word]:
    data = read("place")
    entries: list[tuple[tuple[str, ...], _Word]] = []
    for side, words in data["sides"].items():
        entries += [((word,), _Word("side", side)) for word in words]
    regions: list[tuple[tuple[str, ...], _Word]] = []
    for region, phrases in data["regions"].items():
        regions += [(tuple(tokens_of(phrase)), _Word("region", region)) for phrase in phrases]
    skippable = frozenset({"the", "of", "lung"})
    return PhraseTable([*regions, *entries], skippable, gap=1)
