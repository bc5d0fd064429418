"""One image in several folders: its largest picture with everything that any of them knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from trainer.data.sample import Sample, Shape, State
from trainer.data.tables import image_size


def with_cohorts(samples: Sequence[Sample], cohorts: Mapping[str, str]) -> list[Sample]:
    """The samples with the cohort of their source, where `cohorts` (source -> cohort) names one."""
    return [replace(sample, cohort=cohorts.get(sample.source, sample.source)) for sample in samples]


def merged_copies(samples: Sequence[Sample]) -> tuple[list[Sample], list[str]]:
    """Samples of one cohort, patient and file name as one image.

    What the source that gave the cohort its name says of the image stands, else what the first says; the
    others add the outlines of sources that it lacks, and states of findings of which it knows nothing. The
    picture is that with the most pixels.

    Returns:
        The samples in the order in which each image is first named, and a sentence for each source whose
        images are those of another.
    """
    copies: dict[tuple[str, str, str], list[Sample]] = {}
    for number, sample in enumerate(samples):
        key = (sample.patients, sample.patient or f"#{number}", sample.path.name)
        copies.setdefault(key, []).append(sample)
    counts: Counter[tuple[str, str]] = Counter()
    result: list[Sample] = []
    for group in copies.values():
        first = next((sample for sample in group if sample.source == sample.cohort), group[0])
        others = [sample for sample in group if sample is not first]
        counts.update((sample.source, first.source) for sample in others)
        sample = first
        for other in others:
            sample = _joined(sample, other)
        result.append(replace(sample, path=max(group, key=_pixels).path) if others else sample)
    notes = [
        f"{count} images of {source} are also in {first}; the larger picture of each is taken"
        for (source, first), count in sorted(counts.items())
    ]
    return result, notes


def shared_patients(samples: Sequence[Sample]) -> list[str]:
    """A sentence for each pair of cohorts that have patient numbers in common, which may be the same
    people."""
    patients: dict[str, set[str]] = {}
    for sample in samples:
        if sample.patient is not None:
            patients.setdefault(sample.patients, set()).add(sample.patient)
    names = sorted(patients)
    return [
        f"{one} and {other} have {len(common)} patient numbers in common; if these are the same people, name "
        "one "
        "cohort for both in data.cohorts, or they may be on both sides of the held-out line"
        for position, one in enumerate(names)
        for other in names[position + 1 :]
        if (common := patients[one] & patients[other])
    ]


def _joined(sample: Sample, other: Sample) -> Sample:
    """The sample with what another copy of its image adds."""
    drawn = {(shape.source, shape.label) for shape in (*sample.shapes, *sample.doubtful)}
    disputed = sample.disputed

    def new(shapes: tuple[Shape, ...]) -> tuple[Shape, ...]:
        return tuple(
            shape
            for shape in shapes
            if (shape.source, shape.label) not in drawn
            and shape.label not in disputed
            and sample.states.get(shape.label) is not State.ABSENT
        )

    shapes, doubtful = new(other.shapes), new(other.doubtful)
    weak = {label for label, state in sample.states.items() if state is State.NOT_MENTIONED}
    unsure = weak & {shape.label for shape in doubtful} - {shape.label for shape in shapes}
    states = {label: state for label, state in other.states.items() if label not in disputed}
    states |= {label: state for label, state in sample.states.items() if label not in unsure}
    states |= {shape.label: State.PRESENT for shape in shapes}
    return replace(
        sample,
        states={label: state for label, state in states.items() if label not in unsure},
        shapes=(*sample.shapes, *shapes),
        doubtful=(*sample.doubtful, *doubtful),
        disputed=disputed | (other.disputed - states.keys()),
        denied=(*sample.denied, *new(other.denied)),
        view=sample.view or other.view,
        report=sample.report or other.report,
        mined=frozenset(
            label
            for label in sample.mined | other.mined
            if all(label in copy.mined for copy in (sample, other) if label in copy.states)
        ),
        checked={**other.checked, **sample.checked},
    )


def _pixels(sample: Sample) -> int:
    """0 where the header cannot be read."""
    size = image_size(sample.path)
    return size[0] * size[1] if size else 0
