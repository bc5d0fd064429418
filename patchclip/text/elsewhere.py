"""Sides and regions that place no finding: those of other structures, of devices, of a shift, of blood that
flows elsewhere, of how the film was taken.

"Effusion, left hemidiaphragm obscured"; "left arm raised, pneumonia"; "mediastinum shifted to the left";
"cut off on the right, no effusion"; "upper lobe diversion".
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from functools import lru_cache

from patchclip.text.language import read, word_lists
from patchclip.text.phrases import PhraseTable
from patchclip.text.tokens import tokens_of

_NO_PLACES = ("heart", "diaphragm", "bones", "spine", "aorta")
"""Names of structures that are not where a finding of lung or pleura lies, as a lung or an angle is."""
_PLACING = frozenset({"of", "in", "at", "on", "to", "along", "near", "behind", "over", "involving", "around"})
_DEVICES = frozenset(
    {"tube", "catheter", "line", "picc", "port", "pacemaker", "drain", "icd", "lead", "stent"}
    | {"portacath", "mediport", "introducer", "sheath", "pigtail", "clip"}
)
_FLOW = frozenset({"diversion", "redistribution", "cephalization", "cephalisation"})
_PARTS = frozenset(
    {"breast", "ventricle", "ventricular", "atrium", "atrial", "mastectomy", "shoulder", "axilla"}
)
_DIRECTIONS = frozenset({"to", "toward", "towards"})
_SHIFTS = ("shift", "deviat", "displac", "push", "pull", "rotat", "moved", "drawn", "tilt", "turned")
_TECHNIQUE = frozenset(
    {"cut", "clipped", "cropped", "rotated", "tilted", "overexposed", "underexposed", "marker", "unincluded"}
)
_RUN = frozenset({",", ";", ":", "(", ")", ".", "but", "with", "without", "and"})
_DEVICE_NAME = 6  # words from a side to the device's: "right internal jugular venous line"
_NEAR = 4  # words between a shift and where it goes: "shifted slightly over to the left"


def is_of_flow(words: Sequence[str], start: int, stop: int) -> bool:
    """Whether blood that flows elsewhere is what a region speaks of, so that it is a sign and no place:
    "vascular redistribution to the upper lobes"."""
    before, after = list(words[max(0, start - _NEAR) : start]), list(words[stop : stop + _NEAR])
    while marks := [index for index, word in enumerate(before) if word in _RUN]:
        before = before[marks[0] + 1 :]
    cut = next((index for index, word in enumerate(after) if word in _RUN), len(after))
    return bool(_FLOW.intersection((*before, *after[:cut])))


def sides_elsewhere(words: Sequence[str], inside: Container[int], named: Container[int]) -> set[int]:
    """Positions of the sides that place no finding.

    Args:
        words: of a sentence.
        inside: positions of the words of its concepts: what is said there was understood.
        named: of those of its findings alone.
    """
    sides = {word for group in read("place")["sides"].values() for word in group}
    own = {
        match.start - 1
        for match in _structures().longest(words)
        if not any(position in inside for position in match.positions)
    }
    return {
        index
        for index, word in enumerate(words)
        if word in sides
        and index not in inside
        and (
            (index in own and not _before(words, index) & _PLACING)  # "fracture of the left clavicle"
            or (_is_beside(words, index, inside) and not _before(words, index) & _PLACING)
            or _is_of_device(words, index, named)
            or _is_direction(words, index)
            or _is_technique(words, index, inside)
        )
    }


def _before(words: Sequence[str], index: int) -> set[str]:
    """The word before one, articles left out; none at the beginning."""
    before = index - 1
    while before >= 0 and words[before] in ("the", "a", "an"):
        before -= 1
    return {words[before]} if before >= 0 else set()


def _is_beside(words: Sequence[str], index: int, inside: Container[int]) -> bool:
    """Whether a device or another part of the body follows, at most one word on: "left chest tube"."""
    others = _DEVICES | _PARTS | word_lists().foreign
    following = [position for position in (index + 1, index + 2) if position < len(words)]
    for position in following:
        if position in inside or words[position] in _RUN:
            return False
        if words[position] in others:
            return True
    return False


def _is_of_device(words: Sequence[str], index: int, named: Container[int]) -> bool:
    """Whether a device follows with words of its own name alone between: "right IJ line"."""
    for position in range(index + 1, min(index + 1 + _DEVICE_NAME, len(words))):
        if position in named or words[position] in _RUN or words[position] in _PLACING:
            return False
        if words[position] in _DEVICES:
            return True
    return False


def _is_direction(words: Sequence[str], index: int) -> bool:
    """Whether a side is where something was shifted to."""
    near = words[max(0, index - _NEAR - 2) : index]
    return bool(_before(words, index) & _DIRECTIONS) and any(word.startswith(_SHIFTS) for word in near)


def _is_technique(words: Sequence[str], index: int, inside: Container[int]) -> bool:
    """Whether a side stands in a remark on the film, which names no finding: "cut off on the right"."""
    run = list(_run(words, index))
    return any(words[position] in _TECHNIQUE for position in run) and not any(
        position in inside for position in run
    )


def _run(words: Sequence[str], index: int) -> Iterator[int]:
    """Positions around one up to the next marks or joins."""
    start = index
    while start > 0 and words[start - 1] not in _RUN:
        start -= 1
    stop = index
    while stop < len(words) and words[stop] not in _RUN:
        stop += 1
    return iter(range(start, stop))


@lru_cache(maxsize=1)
def _structures() -> PhraseTable[bool]:
    phrases = (
        tuple(tokens_of(phrase))
        for structure in read("lexicon")["structures"]
        if structure["name"] in _NO_PLACES
        for phrase in structure["phrases"]
    )
    return PhraseTable(((words, True) for words in phrases), frozenset(), gap=0)
