"""What an adapter hands over, and how it puts it together: readings in the vocabulary's words, and everything
that was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from patchclip.data.findings import LUNG_OPACITY, OPACITIES, labels_of
from patchclip.errors import DataError
from trainer.data.sample import Sample, Shape, State

_WEIGHT = {State.PRESENT: 2, State.ABSENT: 1, State.NOT_MENTIONED: 0}


MISSING = "the image file is missing"
"""End of the sentence on an image whose file is not there."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What was read.

    Attributes:
        samples: the images that are there.
        left_out: one sentence for each thing that was left out.
        notes: one sentence for each kind of thing that was read otherwise than written.
        missing: images whose file is not there.
    """

    samples: tuple[Sample, ...]
    left_out: tuple[str, ...]
    notes: tuple[str, ...] = ()
    missing: int = 0


class Reading:
    """What is said of one image: statements in a dataset's words go in, states of the vocabulary's findings
    come out."""

    def __init__(self, labels: frozenset[str]) -> None:
        self._labels = labels
        self._states: dict[str, State] = {}
        self._doubtful: set[str] = set()
        self.lacking: set[str] = set()
        """Names of findings that are present and that the vocabulary has no one label for."""

    def say(self, name: str, state: State | None) -> None:
        """Takes one statement; None is doubt, which leaves the finding unknown. The stronger statement of a
        label counts."""
        names = labels_of(name, self._labels)
        if state is State.PRESENT and len(names) != 1:
            self.lacking.add(name)
            state = None
        for label in names:
            if state is None:
                self._doubtful.add(label)
            elif label not in self._states or _WEIGHT[state] > _WEIGHT[self._states[label]]:
                self._states[label] = state

    def say_report(self, named: Iterable[str], findings: Iterable[str], *, normal: bool) -> None:
        """Takes what was mined from a report: of `findings`, the unnamed are not mentioned, or absent where
        it says "normal" alone."""
        for finding in findings:
            self.say(finding, State.ABSENT if normal else State.NOT_MENTIONED)
        for name in named:
            self.say(name, State.PRESENT)

    def states(self, shapes: Sequence[Shape] = ()) -> dict[str, State]:
        """What is known of each finding; an outline is presence, and no lung opacity is said beside a finding
        that is one."""
        states = {
            label: state
            for label, state in self._states.items()
            if state is State.PRESENT or label not in self._doubtful
        }
        states |= {shape.label: State.PRESENT for shape in shapes}
        seen = {label for label, state in states.items() if state is State.PRESENT} | self._doubtful
        if states.get(LUNG_OPACITY) is not State.PRESENT and seen & OPACITIES:
            states.pop(LUNG_OPACITY, None)
        return states


class Collector:
    """Gathers the samples of one dataset, and counts what it has to leave out."""

    def __init__(self, source: str, labels: frozenset[str]) -> None:
        self.source, self.labels = source, labels
        self._samples: list[Sample] = []
        self._left_out: list[str] = []
        self._lacking: Counter[str] = Counter()
        self._empty = True
        self._missing = 0

    def reading(self) -> Reading:
        """A blank reading of an image."""
        return Reading(self.labels)

    def add(
        self,
        path: Path,
        reading: Reading,
        *,
        patient: str | None = None,
        shapes: Sequence[Shape] = (),
        denied: Sequence[Shape] = (),
        view: str | None = None,
        report: str | None = None,
    ) -> None:
        """Takes one image; `view` other than PA and AP counts as unknown."""
        self._empty = False
        self._lacking.update(reading.lacking)
        known_view = view if view in ("PA", "AP") else None
        self._samples.append(
            Sample(
                path,
                patient or None,
                self.source,
                reading.states(shapes),
                tuple(shapes),
                known_view,
                report,
                denied=tuple(denied),
            )
        )

    def missing(self, name: str) -> None:
        """Leaves out an image whose file is not there."""
        self._missing += 1
        self.leave_out(f"{name}: {MISSING}")

    def leave_out(self, sentence: str) -> None:
        """Leaves something out for another reason."""
        self._empty = False
        self._left_out.append(sentence)

    def leave_out_some(self, count: int, what: str) -> None:
        """The same for many things of one kind; nothing is said where there are none."""
        if count:
            self.leave_out(f"{what}: {count}")

    def lacks(self, name: str) -> None:
        """Counts a finding on an image that the vocabulary has no one label for."""
        self._lacking[name] += 1

    def contents(self, where: Path, split: str) -> Contents:
        """Everything that was gathered.

        Raises:
            DataError: nothing was; `where` is the file that lists the images.
        """
        if self._empty:
            raise DataError(
                f'{where} has no image of split "{split}"; choose another split or check the file.'
            )
        counted = sorted(self._lacking.items(), key=lambda item: (-item[1], item[0]))
        lacking = [
            f'"{name}" has no label of its own in the vocabulary; images that name it: {count}'
            for name, count in counted
        ]
        return Contents(tuple(self._samples), (*self._left_out, *lacking), missing=self._missing)
