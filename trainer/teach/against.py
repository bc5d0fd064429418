"""Any two models on what neither learnt from, by the same measures as a teaching's verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import torch

from patchclip.errors import DataError
from patchclip.model.checkpoint import Checkpoint
from trainer.config import FitConfig
from trainer.data.loaded import Loaded, load_samples
from trainer.data.sample import Sample
from trainer.teach.asked import Asked, seen, without_findings
from trainer.teach.compare import Comparison, compare
from trainer.teach.history import Division, held_out_originals
from trainer.teach.keep import drawn_radiographs
from trainer.teach.material import MOST_COMPARED, MOST_REPLAYED, is_held_out, some_of
from trainer.teach.record import NOTICE, Identity, comparisons_record, comparisons_table, paired
from trainer.teach.run import DRAWN, DRAWN_HELD_OUT_EACH, DRAWN_HELD_OUT_SEED, ORIGINAL, READINGS

FORMAT = 1
NOTHING_HELD_OUT = (
    "No case with readings and no original image is held out from both models, and neither tells what is on "
    "drawn radiographs; have more cases read, or name original data."
)
NOTHING_SHARED = "The two models have no finding in common, so there is nothing to compare them on."
Progress = Callable[[int, str], None]
Sets = Mapping[str, tuple[Loaded, ...]]


@dataclass(frozen=True, slots=True)
class Held:
    """Images that neither model learnt from, for the first of them.

    Attributes:
        sets: what the images are, in words -> images; a set without an image is missing.
        left_out: a sentence for each image that cannot be read.
    """

    sets: Sets
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Against:
    """Two models compared; nothing in it names a reader, a patient or a place on the machine.

    Attributes:
        old, new: the models; differences are of the new one minus the old one.
        study: whose readings alone were taken, or None.
        comparisons: set of images, in words -> both models on it.
        left_out: images and readings that could not be used.
        replicates: of the bootstrap.
    """

    old: Identity
    new: Identity
    study: str | None
    comparisons: Mapping[str, Comparison]
    left_out: int
    replicates: int

    def record(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "format": FORMAT,
            "notice": NOTICE,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "old": {"name": self.old.name, "sha256": self.old.sha256},
            "new": {"name": self.new.name, "sha256": self.new.sha256},
            "study": self.study,
            "left_out": self.left_out,
            "replicates": self.replicates,
            "comparisons": comparisons_record(self.comparisons),
        }

    def table(self) -> str:
        """In Markdown: headline figures, single findings."""
        old, new = self.old, self.new
        lines = [
            f"# {new.name} ({new.sha256[:12]}) against {old.name} ({old.sha256[:12]})",
            "",
            f"**{NOTICE}** On images that neither learnt from.",
            *comparisons_table(
                self.comparisons, (f"{old.name} {old.sha256[:6]}", f"{new.name} {new.sha256[:6]}")
            ),
            "",
            paired(self.replicates),
        ]
        return "\n".join(lines) + "\n"


def held_out_from_both(
    readings: Sequence[Sample],
    original: Sequence[Sample],
    config: FitConfig,
    divisions: Sequence[Division],
    model: Checkpoint,
) -> Held:
    """What no teaching of either model, and no training by the recipe, learnt from.

    Args:
        readings: images with what readers said of them.
        original: images of original data; may be empty.
        config: the recipe, whose division of original data holds for models that were trained.
        divisions: of all teachings of both models.
        model: as which images are loaded.
    """
    size, style = model.model.config.image_size, model.model.input_style
    by_recipe = Division.of(config, 1.0)
    dev = held_out_originals(original, (by_recipe, *divisions))
    kept_from = {id(sample) for sample in dev}
    train = [sample for sample in original if id(sample) not in kept_from]
    judged, broken = load_samples([item for item in readings if item.states], size, style=style)
    compared, broken_dev = load_samples(some_of(dev, MOST_COMPARED, config.seed), size, style=style)
    learnt, _ = load_samples(some_of(train, MOST_REPLAYED, config.seed), size, style=style)
    trained_on = {item.sha256 for item in learnt}
    told = {item.sha256 for item in judged}
    sets = {
        READINGS: tuple(
            item
            for item in judged
            if item.sha256 not in trained_on
            and all(is_held_out(item.sha256, part.share, part.seed) for part in divisions)
        ),
        ORIGINAL: tuple(
            item for item in compared if item.sha256 not in told and item.sha256 not in trained_on
        ),
    }
    return Held({where: items for where, items in sets.items() if items}, (*broken, *broken_dev))


def compare_models(
    old: Checkpoint,
    new: Checkpoint,
    held: Held,
    study: str | None,
    left_out: int,
    replicates: int,
    seed: int,
    device: torch.device,
    progress: Progress,
) -> Against:
    """Measures both, in pairs, as `compare` does, on the findings that both have.

    Without original images also on drawn radiographs, for the findings that either model tells there better
    than by chance.

    Args:
        old, new: the models; a published one takes part, too.
        held: of `held_out_from_both`, loaded for the old one.
        study, left_out: for the record.
        replicates, seed: of the bootstrap.
        device: where they compute.
        progress: told percents and words.

    Raises:
        DataError: they share no finding, or no image tells anything of both.
    """
    labels = [label for label in old.vocabulary.labels if label in new.vocabulary.labels]
    if not labels:
        raise DataError(NOTHING_SHARED)
    models = (old, new)
    asked = [
        Asked(part.model, part.vocabulary, labels, device, mirror=part.calibration.mirror) for part in models
    ]
    sets: dict[str, list[tuple[Loaded, ...]]] = {
        where: [items, _as_seen_by(new, old, items)] for where, items in held.sets.items()
    }
    if ORIGINAL not in sets and (drawn := _drawn(models, asked, labels, replicates)):
        sets[DRAWN] = drawn
    if not sets:
        raise DataError(NOTHING_HELD_OUT)
    comparisons: dict[str, Comparison] = {}
    for number, (where, versions) in enumerate(sets.items()):
        progress(30 + 60 * number // len(sets), f"comparing on {len(versions[0])} {where}")
        before, after = (
            part.answers(items, model.calibration)
            for part, items, model in zip(asked, versions, models, strict=True)
        )
        comparisons[where] = compare(
            before, after, versions[0], labels, replicates, seed, by_readers=where == READINGS
        )
    return Against(
        old=Identity(old.model.config.name, old.sha256),
        new=Identity(new.model.config.name, new.sha256),
        study=study,
        comparisons=comparisons,
        left_out=left_out,
        replicates=replicates,
    )


def _as_seen_by(new: Checkpoint, old: Checkpoint, items: tuple[Loaded, ...]) -> tuple[Loaded, ...]:
    """The same images as another model gets them."""
    size, style = new.model.config.image_size, new.model.input_style
    if (size, style) == (old.model.config.image_size, old.model.input_style):
        return items
    loaded, broken = load_samples([item.sample for item in items], size, style=style)
    if broken or [item.sha256 for item in loaded] != [item.sha256 for item in items]:
        raise DataError("Images changed while models were compared; compare them again.")
    return tuple(loaded)


def _drawn(
    models: Sequence[Checkpoint], asked: Sequence[Asked], labels: Sequence[str], replicates: int
) -> list[tuple[Loaded, ...]]:
    """Drawn radiographs for both models, with what either sees of them; empty where neither sees anything."""
    largest = max(part.model.config.image_size for part in models)
    versions = [
        drawn_radiographs(
            labels,
            DRAWN_HELD_OUT_EACH,
            part.model.config.image_size,
            DRAWN_HELD_OUT_SEED,
            drawn_at=largest,
            style=part.model.input_style,
        )
        for part in models
    ]
    told: set[str] = set()
    for part, items, model in zip(asked, versions, models, strict=True):
        told |= seen(part.answers(items, model.calibration), items, labels, replicates)
    blind = [label for label in labels if label not in told]
    return [without_findings(items, blind) for items in versions] if told else []
