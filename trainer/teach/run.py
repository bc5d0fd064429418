"""A whole teaching: from a parent and what readers said to a model that was compared with it, or to a
refusal."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from patchclip.errors import DataError
from patchclip.model.calibration import Calibration
from patchclip.model.checkpoint import RECORD as MODEL_RECORD
from patchclip.model.checkpoint import (
    WEIGHTS,
    Checkpoint,
    load_checkpoint,
    save_checkpoint,
    write_prompts,
)
from patchclip.model.patchclip import PatchCLIP
from trainer.config import FitConfig
from trainer.data.loaded import Loaded
from trainer.teach.asked import Asked, seen, without_findings
from trainer.teach.compare import compare
from trainer.teach.history import RECORD, Division
from trainer.teach.keep import drawn_radiographs, without_truth
from trainer.teach.learn import Lesson, learn
from trainer.teach.material import Material
from trainer.teach.recalibrate import Recalibrated, can_be_fitted, carried_over, fitted
from trainer.teach.record import CARD, TABLE, Identity, Teaching
from trainer.teach.verdict import Verdict, judge

DRAWN_EACH, DRAWN_HELD_OUT_EACH = 10, 15
"""Drawn radiographs of every kind that the parent is kept to, and that both are compared on."""
DRAWN_SEED, DRAWN_HELD_OUT_SEED = 1_000_000, 2_000_000
READINGS, ORIGINAL, DRAWN = "held-out readings", "held-out original data", "drawn radiographs"
Progress = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Choices of a teaching beside its recipe.

    Attributes:
        name: of the new model.
        share: of each batch that shows readings.
        keep: weight of the nearness to the parent where nobody spoke.
        margin: see `judge`.
        replicates: of the bootstrap.
        override: why a worse model is taken nevertheless, or None.
        sources, study: for the record.
        divisions: how the data was divided, in the teachings of the parent and now.
    """

    name: str
    share: float = 0.5
    keep: float = 1.0
    margin: float = 0.03
    replicates: int = 1000
    override: str | None = None
    sources: Sequence[str] = ()
    study: str | None = None
    divisions: Sequence[Division] = ()


def teach(
    parent: Checkpoint,
    material: Material,
    config: FitConfig,
    plan: Plan,
    out: Path,
    device: torch.device,
    progress: Progress,
) -> Teaching:
    """Teaches, calibrates, compares, decides, and writes.

    The folder gets teach.json and teach.md in any case, and the checkpoint with its card if the model is not
    refused; all at once, or nothing. Both models are measured as their files hold them.

    Args:
        parent: where it starts from.
        material: what it learns from and is compared on.
        config: the recipe, for the parent's own architecture.
        plan: see there.
        out: a folder that is not there yet, or is empty.
        device: where it learns.
        progress: told percents and words.

    Raises:
        DataError: the folder holds something, or the loss is not finite.
    """
    if out.is_dir() and any(out.iterdir()):
        raise DataError(f"{out} is not empty; name another folder for the new model.")
    labels, size = list(parent.vocabulary.labels), config.model.image_size
    kept = () if material.original else without_truth(drawn_radiographs(labels, DRAWN_EACH, size, DRAWN_SEED))
    model = _copy(parent, plan.name)
    lesson = Lesson(material.readings, (*material.original, *kept), plan.share, plan.keep)
    learn(
        model,
        parent.vocabulary,
        lesson,
        config,
        device,
        lambda done, total: progress(10 + 50 * done // total, f"learning, step {done} of {total}"),
    )
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        progress(62, "calibrating")
        save_checkpoint(partial, model.cpu(), parent.vocabulary, parent.calibration, parent.gates)
        halved = load_checkpoint(partial).model  # figures are those of the weights as they are stored
        before, after = (
            Asked(part, parent.vocabulary, labels, device, mirror=parent.calibration.mirror)
            for part in (parent.model, halved)
        )
        made = _recalibrated(before, after, material, kept, parent, labels)
        save_checkpoint(
            partial,
            halved.cpu(),
            parent.vocabulary,
            made.calibration,
            parent.gates,
            made.prevalence or dict(parent.prevalence) or None,
            made.accuracy,
        )
        progress(75, "comparing with the model that it was made from")
        sets = _compared_on(material)
        if not material.held_original and (drawn := _seen_drawn(before, parent, labels, plan)):
            sets[DRAWN] = drawn
        comparisons = {
            where: compare(
                before.answers(items, parent.calibration),
                after.answers(items, made.calibration),
                items,
                labels,
                plan.replicates,
                config.seed,
                by_readers=where == READINGS,
            )
            for where, items in sets.items()
        }
        teaching = Teaching(
            parent=Identity(parent.model.config.name, parent.sha256),
            model=Identity(plan.name, load_checkpoint(partial).sha256),
            material=material,
            sources=plan.sources,
            study=plan.study,
            calibration=made.how,
            comparisons=comparisons,
            verdict=judge(comparisons, plan.margin, plan.override),
            margin=plan.margin,
            replicates=plan.replicates,
            config=config,
            divisions=plan.divisions,
        )
        _write(partial, teaching)
        if teaching.verdict.accepted:
            write_prompts(partial)
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.is_dir():
            out.rmdir()
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    progress(100, teaching.verdict.word)
    return teaching


def _copy(parent: Checkpoint, name: str) -> PatchCLIP:
    """The parent's weights under another name."""
    model = PatchCLIP(replace(parent.model.config, name=name))
    model.load_state_dict(copy.deepcopy(parent.model.state_dict()))
    return model


def _recalibrated(
    before: Asked,
    after: Asked,
    material: Material,
    kept: Sequence[Loaded],
    parent: Checkpoint,
    labels: Sequence[str],
) -> Recalibrated:
    calibration: Calibration = parent.calibration
    held = material.held_original
    if can_be_fitted(held, labels):
        return fitted(after.logits(held), held, material.original, labels, calibration)
    anchors = (*material.readings, *material.original, *kept)
    return carried_over(after.logits(anchors), before.logits(anchors), anchors, labels, calibration)


def _compared_on(material: Material) -> dict[str, tuple[Loaded, ...]]:
    """Sets of images that neither model learnt from."""
    sets = {READINGS: material.held_readings, ORIGINAL: material.held_original}
    return {where: items for where, items in sets.items() if items}


def _seen_drawn(asked: Asked, parent: Checkpoint, labels: Sequence[str], plan: Plan) -> tuple[Loaded, ...]:
    """Drawn radiographs with what the parent sees of them: what it takes no better than by chance would say
    nothing of forgetting."""
    size = parent.model.config.image_size
    items = drawn_radiographs(labels, DRAWN_HELD_OUT_EACH, size, DRAWN_HELD_OUT_SEED)
    told = seen(asked.answers(items, parent.calibration), items, labels, plan.replicates)
    return without_findings(items, [label for label in labels if label not in told]) if told else ()


def _write(folder: Path, teaching: Teaching) -> None:
    verdict: Verdict = teaching.verdict
    if verdict.accepted:
        (folder / CARD).write_text(teaching.card(), encoding="utf-8")
    else:
        for name in (WEIGHTS, MODEL_RECORD, "prevalence.json", "accuracy.json"):
            (folder / name).unlink(missing_ok=True)
    (folder / TABLE).write_text(teaching.table(), encoding="utf-8")
    text = json.dumps(teaching.record(), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / RECORD).write_text(text + "\n", encoding="utf-8")
