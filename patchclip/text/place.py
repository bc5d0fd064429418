"""Where in the chest a query looks: sides, lobes, zones, apex, base, perihilar, retrocardiac, costophrenic
angle.

Words only. Which patches they are is a matter of the image, and of no concern here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

from patchclip.text.concepts import Concept
from patchclip.text.elsewhere import sides_elsewhere
from patchclip.text.language import read, word_lists
from patchclip.text.phrases import HYPHENS, Match, PhraseTable
from patchclip.text.tokens import tokens_of
from patchclip.types import Laterality

Region = Literal[
    "upper lobe",
    "middle lobe",
    "lower lobe",
    "lingula",
    "upper zone",
    "middle zone",
    "lower zone",
    "apex",
    "base",
    "perihilar",
    "retrocardiac",
    "costophrenic angle",
    "periphery",
    "center",
]
REGIONS: tuple[Region, ...] = get_args(Region)
Side = Literal["left", "right", "both"]


@dataclass(frozen=True, slots=True)
class PlacePart:
    """One place: a side, a region, or both.

    Attributes:
        side: of the patient; None where the words do not tell.
        region: None for the whole side.
    """

    side: Side | None
    region: Region | None

    @property
    def words(self) -> str:
        """ "left lower zone", "both apices"."""
        side = "bilateral" if self.side == "both" else self.side
        return " ".join(part for part in (side, self.region) if part)


@dataclass(frozen=True, slots=True)
class Place:
    """What limits the answer to a query: the union of its parts, at least one."""

    parts: tuple[PlacePart, ...]

    @property
    def words(self) -> str:
        """The canonical words, for the reader and for the contract's `place`."""
        return " and ".join(part.words for part in self.parts)

    @property
    def laterality(self) -> Laterality | None:
        """The one side that all parts lie on, or None."""
        sides = {part.side for part in self.parts}
        if sides == {"left"}:
            return "left"
        return "right" if sides == {"right"} else None


@dataclass(frozen=True, slots=True)
class Mention:
    """A stretch of a sentence that names a place; start and stop are positions of its tokens."""

    parts: tuple[PlacePart, ...]
    start: int
    stop: int


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
    others = sides_elsewhere(words, inside)
    matches = [
        match
        for match in table.longest(words)
        if match.value.kind != "noun"
        and not limits.intersection(match.positions)  # "at the upper limit of normal"
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


def place_concepts(
    words: Sequence[str],
    concepts: Sequence[Concept],
    mentions: Sequence[Mention],
    assertions: Sequence[str],
) -> list[tuple[Place | None, tuple[int, ...]]]:
    """For each concept its place and the positions of the words that say so.

    A place belongs to the concept that it stands in or just before; else to the one before it and to those
    that are joined to that one by
    "and" or "or" without a place of their own and are asserted alike; else, where it opens the sentence, to
    all that have none.
    """
    owners: list[list[Mention]] = [[] for _ in concepts]
    for mention in mentions:
        for index in _owners(words, concepts, mention, mentions, assertions):
            owners[index].append(mention)
    opening = _opening(words, concepts, mentions, owners)
    result: list[tuple[Place | None, tuple[int, ...]]] = []
    for found in owners:
        used = found or ([opening] if opening else [])
        parts = tuple(dict.fromkeys(part for mention in used for part in mention.parts))
        spots = tuple(position for mention in used for position in range(mention.start, mention.stop))
        result.append((Place(_merged(parts)), spots) if parts else (None, ()))
    return result


def _owners(
    words: Sequence[str],
    concepts: Sequence[Concept],
    mention: Mention,
    mentions: Sequence[Mention],
    assertions: Sequence[str],
) -> list[int]:
    """Indices of the concepts that a place belongs to."""
    around = [
        index
        for index, concept in enumerate(concepts)
        if (concept.start <= mention.start and mention.stop <= concept.stop)
        or set(range(mention.start, mention.stop)) & set(concept.positions)
    ]
    if around:
        return around[:1]
    following = next((i for i, c in enumerate(concepts) if c.start >= mention.stop), None)
    if following is not None and _attributive(words, mention.stop, concepts[following].start, mentions):
        return [following]
    before = [index for index, concept in enumerate(concepts) if concept.stop <= mention.start]
    if not before:
        return []
    last = before[-1]
    if not _reaches_back(words, concepts[last].stop, mention.start):
        return []
    owners = [last]
    for index in reversed(before[:-1]):
        gap = words[concepts[index].stop : concepts[owners[-1]].start]
        placed = any(
            m.stop <= concepts[index].start + 1 and m.start >= concepts[index].start - 4 for m in mentions
        )
        plain = all(
            w in ("and", "or", "/", "&", ",") or w in word_lists().degree or w in HYPHENS for w in gap
        )
        if not gap or not plain or placed or assertions[index] != assertions[last]:
            break
        owners.append(index)
    return owners


def _attributive(words: Sequence[str], start: int, stop: int, mentions: Sequence[Mention]) -> bool:
    """Whether a place describes the concept that begins at `stop`: nothing but other adjectives lies
    between."""
    placed = {position for mention in mentions for position in range(mention.start, mention.stop)}
    lists = word_lists()
    passes = (
        lists.degree
        | lists.describing
        | {"sided", "side", "lung", "pulmonary", "pleural", "of", "xxxx", "based"}
    )
    nouns = frozenset(" ".join(read("place")["nouns"]).split())
    for index in range(start, stop):
        word = words[index]
        if not (word in passes or word in nouns or index in placed or word in HYPHENS or word.isdigit()):
            return word in ("and", "or") and index > start and index - 1 in placed and index + 1 in placed
    return True


def _reaches_back(words: Sequence[str], start: int, stop: int) -> bool:
    """Whether a place speaks of the concept that ends at `start`: in the same clause, with no other statement
    between."""
    ends = frozenset({"but", "however", "although", "with", "without", "no", "which"})
    return not any(word in ends for word in words[start:stop])


def _opening(
    words: Sequence[str],
    concepts: Sequence[Concept],
    mentions: Sequence[Mention],
    owners: Sequence[Sequence[Mention]],
) -> Mention | None:
    """A place that stands before all concepts and describes none of them by itself: "in the left lung there
    is ...", "Left: ..."."""
    owned = {mention for found in owners for mention in found}
    for mention in mentions:
        if mention not in owned and concepts and mention.stop <= concepts[0].start:
            return mention
    return None


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


def _merged(parts: tuple[PlacePart, ...]) -> tuple[PlacePart, ...]:
    """A side and a region that were named apart are one place: "left blunted costophrenic angle"."""
    sides = [part.side for part in parts if part.region is None]
    regions = [part.region for part in parts if part.side is None]
    whole = [part for part in parts if part.region and part.side]
    if sides and regions:
        parts = tuple([PlacePart(side, region) for side in sides for region in regions] + whole)
    elif whole:
        named = {item.side for item in whole}
        parts = tuple(part for part in parts if part in whole or not (part.side in named or "both" in named))
    return tuple(dict.fromkeys(parts))


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
