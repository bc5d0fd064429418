"""Where in the chest a query looks: sides, lobes, zones, apex, base, perihilar, retrocardiac, costophrenic
angle.

Words only. Which patches they are is a matter of the image, and of no concern here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from patchclip.text.concepts import Concept
from patchclip.text.language import read, word_lists
from patchclip.text.phrases import HYPHENS
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
_PARTS = frozenset({",", ";", "with", "without"})  # where a part of a sentence ends
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
            for twin, concept in enumerate(concepts):  # "hydropneumothorax" is two findings at one place
                if twin == index or concept.positions == concepts[index].positions:
                    owners[twin].append(mention)
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
            return None if _is_of_another(words, mention, concepts[0].start) else mention
    return None


def _is_of_another(words: Sequence[str], mention: Mention, stop: int) -> bool:
    """Whether a part of the sentence that ends before `stop` names a thing beside the place, which is that
    thing's: "left thoracotomy, pneumonia"."""
    end = next((i for i in range(mention.stop, stop) if words[i] in _PARTS), None)
    if end is None:
        return False
    start = next((i + 1 for i in range(mention.start - 1, -1, -1) if words[i] in _PARTS), 0)
    lists = word_lists()
    plain = lists.function | lists.degree | lists.fillers | lists.describing | lists.chest | HYPHENS
    plain |= frozenset(" ".join(read("place")["nouns"]).split())
    rest = [*words[start : mention.start], *words[mention.stop : end]]
    return any(word[0].isalpha() and word not in plain for word in rest)


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
