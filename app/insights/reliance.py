"""Reliance on the model: do readers go with it where it is wrong, and against it where it is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.insights.opinions import Readings
from app.insights.overlap import hits
from app.insights.shares import share
from app.insights.shift import ALL, is_called, paired_marks
from app.study.data import CaseTruth, ModelAnswer
from patchclip.evaluate.bootstrap import Figure


@dataclass(frozen=True, slots=True)
class Reliance:
    """Of one finding: shares in [0, 1] of readings whose case has the truth and an answer of the model.

    The model calls a finding present from its threshold on.

    Attributes:
        before, after: conditions, without the model and with it.
        reader: one, or `shift.ALL`.
        with_wrong_before, with_wrong_after: of readings where the model is wrong, those that say the same as
            it, without the model (by chance and by the same difficulty) and with it.
        misled: of readings that were right while the model is wrong, those that became wrong with it
            (over-reliance: the change is toward the model).
        helped: of readings that were wrong while the model is right, those that became right with it.
        ignored: of the same, those that stayed wrong (under-reliance).
    """

    finding: str
    before: str
    after: str
    reader: str
    with_wrong_before: Figure
    with_wrong_after: Figure
    misled: Figure
    helped: Figure
    ignored: Figure


@dataclass(frozen=True, slots=True)
class WrongMaps:
    """Of one finding, saliency method and reader: what readers said of maps that are wrong by the truth.

    A map is right where a lit region's centre lies in a box of the truth, or, without the finding, where
    nothing is lit. Cases with the finding but without a box of it are left out.

    Attributes:
        called_correct: share of judged wrong maps that were called correct (over-reliance on maps).
        called_wrong: share of judged right maps that were called wrong.
    """

    finding: str
    method: str
    reader: str
    called_correct: Figure
    called_wrong: Figure


@dataclass(frozen=True, slots=True)
class _Change:
    """One reader's two opinions of a case: whether each, the model and the truth say present."""

    reader: str
    case: int
    before: bool
    after: bool
    model: bool
    truth: bool


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What a reader says of a map, and whether it is right."""

    method: str
    reader: str
    case: int
    verdict: str
    right: bool


def reliance(readings: Readings, finding: str, before: str, after: str) -> tuple[Reliance, ...]:
    """Of all readers together, then of each; empty without truth or answers of the model."""
    changes = _changes(readings, finding, before, after)
    readers = (ALL, *dict.fromkeys(item.reader for item in changes)) if changes else ()
    return tuple(
        _reliance(finding, (before, after), reader, [i for i in changes if reader in (ALL, i.reader)])
        for reader in readers
    )


def _changes(readings: Readings, finding: str, before: str, after: str) -> list[_Change]:
    changes = []
    for first, second in paired_marks(readings, finding, before, after):
        truth, answer = (
            readings.truths.get((first.case, finding)),
            readings.answers.get((first.case, finding)),
        )
        if truth is not None and answer is not None:
            model = answer.probability >= answer.threshold
            changes.append(
                _Change(first.reader, first.case, is_called(first), is_called(second), model, truth.present)
            )
    return changes


def _reliance(finding: str, conditions: tuple[str, str], reader: str, changes: list[_Change]) -> Reliance:
    def of(chosen: list[_Change], counted: Callable[[_Change], bool]) -> Figure:
        return share([item.case for item in chosen], [float(counted(item)) for item in chosen])

    wrong = [item for item in changes if item.model is not item.truth]
    misleading = [item for item in wrong if item.before is item.truth]
    helpful = [item for item in changes if item.model is item.truth and item.before is not item.truth]
    return Reliance(
        finding,
        *conditions,
        reader,
        with_wrong_before=of(wrong, lambda item: item.before is item.model),
        with_wrong_after=of(wrong, lambda item: item.after is item.model),
        misled=of(misleading, lambda item: item.after is item.model),
        helped=of(helpful, lambda item: item.after is item.truth),
        ignored=of(helpful, lambda item: item.after is not item.truth),
    )


def is_map_right(answer: ModelAnswer, truth: CaseTruth, method: str) -> bool | None:
    """See `WrongMaps`; None where the truth does not say where, or the method has no map there."""
    if method not in answer.regions or (truth.present and not truth.boxes):
        return None
    lit = answer.regions[method]
    if not truth.present:
        return not lit
    return any(hits(region, box) for region in lit for box in truth.boxes)


def wrong_maps(readings: Readings, finding: str) -> tuple[WrongMaps, ...]:
    """Of each method that was judged: of all readers together, then of each."""
    judgements = _judgements(readings, finding)
    judges = {item.reader for item in judgements}
    return tuple(
        _wrong_maps(
            finding,
            method,
            reader,
            [item for item in judgements if item.method == method and reader in (ALL, item.reader)],
        )
        for method in sorted({item.method for item in judgements})
        for reader in (ALL, *(name for name in readings.data.readers if name in judges))
    )


def _judgements(readings: Readings, finding: str) -> list[_Judgement]:
    judgements = []
    for mark in readings.data.marks:
        truth, answer = readings.truths.get((mark.case, finding)), readings.answers.get((mark.case, finding))
        if mark.finding != finding or truth is None or answer is None:
            continue
        for method, verdict in mark.verdicts.items():
            right = is_map_right(answer, truth, method)
            if right is not None:
                judgements.append(_Judgement(method, mark.reader, mark.case, verdict, right))
    return judgements


def _wrong_maps(finding: str, method: str, reader: str, judgements: list[_Judgement]) -> WrongMaps:
    wrong = [item for item in judgements if not item.right]
    right = [item for item in judgements if item.right]
    return WrongMaps(
        finding,
        method,
        reader,
        share([item.case for item in wrong], [float(item.verdict == "correct") for item in wrong]),
        share([item.case for item in right], [float(item.verdict == "wrong") for item in right]),
    )
