"""What a row of a dataset folder says of each finding: mined labels, readings by several protocols, and
boxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patchclip.data.findings import (
    CHESTX_DET_FINDINGS,
    DIFFUSE_NODULE,
    LUNG_OPACITY,
    NIH_FINDINGS,
    NO_FINDING,
    OPACITIES,
    labels_of,
)
from patchclip.data.folder import DatasetFolder
from patchclip.data.normal import CHESTX_DET, NIH, RSNA, is_normal
from patchclip.data.protocols import EXHAUSTIVE, Exhaustive
from patchclip.data.rows import ImageRow
from trainer.data.sample import Shape, State


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything known of one image; attributes as in `Sample`."""

    states: dict[str, State]
    shapes: tuple[Shape, ...]
    doubtful: tuple[Shape, ...]
    disputed: frozenset[str]
    mined: frozenset[str]
    checked: dict[str, tuple[bool, bool]]


def read_row(
    row: ImageRow, content: DatasetFolder, labels: frozenset[str], labelled: Sequence[str]
) -> Reading:
    """What is known of an image.

    An outline, then a reading, outweighs labels that were mined from the report. RSNA's "Normal" is a verdict
    on the whole radiograph: every finding is absent, whatever a report was mined for. Where readers looked
    for a list of findings, those without an outline are absent; see `patchclip.data.normal` and
    `patchclip.data.protocols`. What adjudicating readers agreed on (`expert_labels.csv`) outweighs the mined
    labels; where it contradicts an outline or another reading, nothing is known of the finding.

    Args:
        row: of images.csv.
        content: the folder.
        labels: findings of the vocabulary.
        labelled: findings that mined labels speak of.
    """
    shapes = _shapes(content, row.name)
    outlined = {shape.label for shape in shapes}
    protocols = [EXHAUSTIVE[source] for source in content.drawn_by.get(row.name, ()) if source in EXHAUSTIVE]
    own_labels = any(protocol.labels for protocol in protocols)
    mined = {} if own_labels else _mined(row, labelled)
    read = _read(row, outlined, mined)
    present = outlined | (set(row.labels) if own_labels else set())
    for protocol in protocols:
        read |= _exhaustive(protocol, present)
    unknown = {mate for protocol in protocols for mate in _mates(protocol, present)}
    states = {label: state for label, state in (mined | read).items() if label not in unknown}
    states |= dict.fromkeys(present, State.PRESENT)

    verdicts = content.verdicts.get(row.name, {})
    states, disputed = _adjudicated(verdicts, states, read, outlined, labels)
    return Reading(
        {label: state for label, state in states.items() if label in labels - disputed},
        tuple(shape for shape in shapes if shape.label in labels - disputed),
        tuple(shape for shape in _doubtful(shapes) if shape.label in labels - disputed),
        disputed,
        frozenset(_said(mined)) & labels - disputed - read.keys() - present - _judged(verdicts, labels),
        {
            label: pair
            for label, pair in _checked(row, mined, shapes, verdicts, labels).items()
            if label in labels - disputed
        },
    )


def _said(mined: Mapping[str, State]) -> dict[str, bool]:
    """Whether a report that was mined names a finding. One that says "No Finding" alone is left out: what it
    denies was looked for."""
    return {label: state is State.PRESENT for label, state in mined.items() if state is not State.ABSENT}


def _judged(verdicts: Mapping[str, bool], labels: frozenset[str]) -> set[str]:
    """Findings that adjudicating readers looked for."""
    return {label for name in verdicts for label in labels_of(name, labels)}


def _checked(
    row: ImageRow,
    mined: Mapping[str, State],
    shapes: Sequence[Shape],
    verdicts: Mapping[str, bool],
    labels: frozenset[str],
) -> dict[str, tuple[bool, bool]]:
    """What a mined report says beside what readers saw who looked for the same finding on their own.

    Readers of ChestX-Det, and adjudicators of one finding. NIH's boxes were drawn for what the report names
    and RSNA's normals were chosen by it, so neither tells what a report misses.
    """
    seen: dict[str, bool] = {}
    if is_normal(row, CHESTX_DET):
        drawn = {shape.label for shape in shapes if shape.source == CHESTX_DET}
        if DIFFUSE_NODULE in drawn:  # several nodules, which a report calls nodules
            drawn.add("Nodule")
        seen |= {label: label in drawn for label in CHESTX_DET_FINDINGS}
    for name, verdict in verdicts.items():
        candidates = labels_of(name, labels)
        if len(candidates) == 1:
            seen[candidates[0]] = verdict
    return {label: (said, seen[label]) for label, said in _said(mined).items() if label in seen}


def _shapes(content: DatasetFolder, image: str) -> tuple[Shape, ...]:
    """Outlines of an image, then its boxes; outlines replace the boxes of their own source and finding."""
    outlines = [Shape(item.label, item.points, CHESTX_DET) for item in content.outlines.get(image, ())]
    outlined = {shape.label for shape in outlines}
    boxes = [
        Shape.box(
            item.label,
            item.box.x,
            item.box.y,
            item.box.w,
            item.box.h,
            item.source,
            _agreement(item.readers, EXHAUSTIVE.get(item.source)),
        )
        for item in content.boxes.get(image, ())
        if item.source != CHESTX_DET or item.label not in outlined
    ]
    return (*outlines, *boxes)


def _agreement(readers: int | None, protocol: Exhaustive | None) -> float:
    """Share of the readers; 1 where nobody says how many they were."""
    return 1.0 if readers is None or protocol is None else min(1.0, readers / protocol.readers)


def _mined(row: ImageRow, labelled: Sequence[str]) -> dict[str, State]:
    """From labels that were mined from the report; no verdict of a radiologist who saw something after
    all."""
    if not row.labels:
        return {}
    if not is_normal(row, NIH):
        silent = dict.fromkeys(labelled, State.NOT_MENTIONED)
        return silent | dict.fromkeys(row.labels - {NO_FINDING}, State.PRESENT)
    contradicted = row.rsna_class and not is_normal(row, RSNA)
    return dict.fromkeys(NIH_FINDINGS, State.NOT_MENTIONED if contradicted else State.ABSENT)


def _read(row: ImageRow, outlined: set[str], mined: Mapping[str, State]) -> dict[str, State]:
    """From the columns of RSNA's and ChestX-Det's readers."""
    states: dict[str, State] = {}
    if row.rsna_class:
        states[LUNG_OPACITY] = State.PRESENT if row.rsna_class == LUNG_OPACITY else State.ABSENT
        if is_normal(row, RSNA):
            states |= dict.fromkeys((*NIH_FINDINGS, *mined, LUNG_OPACITY), State.ABSENT)
    if is_normal(row, CHESTX_DET):  # of what is not outlined
        unseen = dict.fromkeys(CHESTX_DET_FINDINGS, State.ABSENT)
        if DIFFUSE_NODULE in outlined:  # several nodules, which a report calls nodules: no contradiction
            del unseen["Nodule"]
        states |= unseen
    return states


def _exhaustive(protocol: Exhaustive, present: set[str]) -> dict[str, State]:
    """Absence of what the protocol's readers looked for and did not see; what they saw is not in it.

    Beside a finding that is an opacity under a name of its own, "no lung opacity" only means "no other".
    """
    absent = set(protocol.findings) - present - _mates(protocol, present)
    if present & OPACITIES:
        absent.discard(LUNG_OPACITY)
    return dict.fromkeys(absent, State.ABSENT)


def _mates(protocol: Exhaustive, present: set[str]) -> set[str]:
    """Findings that are not seen, though one is that the readers did not tell from them."""
    return {mate for label in present for mate in protocol.mates(label)} - present


def _doubtful(shapes: Sequence[Shape]) -> list[Shape]:
    """Each outline, once more as what its readers did not tell from it."""
    return [
        Shape(mate, shape.points, shape.source, shape.agreement)
        for shape in shapes
        if shape.source in EXHAUSTIVE
        for mate in EXHAUSTIVE[shape.source].mates(shape.label)
    ]


def _adjudicated(
    verdicts: Mapping[str, bool],
    states: Mapping[str, State],
    read: Mapping[str, State],
    outlined: set[str],
    labels: frozenset[str],
) -> tuple[dict[str, State], frozenset[str]]:
    """The states with what several readers agreed on, and the findings on which that contradicts other
    readers.

    verdicts: name, of one finding or of one or another of several -> whether it is there.
    """
    result = dict(states)
    disputed: set[str] = set()
    for name, seen in verdicts.items():
        candidates = labels_of(name, labels)
        for label in candidates if not seen else ():
            result[label] = State.ABSENT
            if label in outlined or read.get(label) is State.PRESENT:
                disputed.add(label)
        if seen and len(candidates) == 1:
            label = candidates[0]
            result[label] = State.PRESENT
            if label not in outlined and read.get(label) is State.ABSENT:
                disputed.add(label)
        elif seen:  # of those that nobody else saw, it may be any
            for label in candidates:
                if result.get(label) is not State.PRESENT:
                    result.pop(label, None)
    return result, frozenset(disputed)
