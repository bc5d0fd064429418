"""Adapter for the app's database: readers' judgements, of the free reading and of reader studies, and the
images that they judged.

The database knows an image only by the hash of its pixels, so every file that may be one is decoded and
hashed once. Nothing that the database says is believed: it may come from anywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from patchclip.data.findings import label_of
from patchclip.errors import DataError, RadiographError
from patchclip.image import load_radiograph
from trainer.data.adapters.feedback_database import STATES, Judgement, opened
from trainer.data.adapters.feedback_free import free_judgements
from trainer.data.adapters.feedback_studies import CaseFile, StudyContents, study_judgements
from trainer.data.contents import Collector, Contents
from trainer.data.tables import own_split

THREADS = 4


class NothingReadError(DataError):
    """Nobody said anything yet that decides whether a finding is there."""


def read_feedback(
    database: Path,
    images: Path | None,
    split: str,
    *,
    labels: frozenset[str],
    study: str | None = None,
) -> Contents:
    """Reads all judgements, as split "train".

    A judgement that was revised counts as its last revision says, and of one reader's judgements of a finding
    on an image the last: of a study's two opinions the second. "Unsure" says nothing, nor does "absent" of a
    side or another place; where readers disagree the finding is unknown, unless adjudicators decided, who
    outweigh all readers. Boxes and polygons are kept of readers who see the finding, unless a point of theirs
    tells that it is elsewhere too, nobody knows how far. What a verdict on the model's map says of places,
    see `by_verdict`. Patients are not known.

    Args:
        database: the SQLite file.
        images: the folder with the images that were judged; None for those of the studies, where they lie.
        split: "train".
        labels: those that the vocabulary has.
        study: the name of one, whose readings and decisions alone are read; None for all that was read.

    Raises:
        DataError: the database is missing, not one of the app, has no such study, or holds a box outside its
            image; names file and row.
        NothingReadError: it has no such judgement.
    """
    own_split(split, ("train",), database)
    if images is not None and not images.is_dir():
        raise DataError(f"{images} is no folder; name the one with the images that were judged.")
    with opened(database) as tables:
        free = free_judgements(tables, database, labels)
        studies = study_judgements(tables, database, labels, study)
    collector = Collector("feedback", labels)
    everything = studies.judgements if study else (*free, *studies.judgements)
    judgements = _last(everything, labels)
    if not judgements:
        raise NothingReadError(
            f"{database.name} has no reading that decides anything yet; have cases read, or name another "
            "study."
        )
    files = _files(images, studies, judgements, collector)
    where = images.name if images else "the studies' folders"
    for image, said in judgements.items():
        if image in files:
            _add(collector, files[image], said)
        else:
            has = "has" if images else "have"
            collector.leave_out(f"image {image[:12]}: {where} {has} no file with these pixels")
    # The words of what is no finding are a reader's own and are not repeated.
    foreign = sum(label_of(item.finding, labels) is None for item in everything)
    collector.leave_out_some(foreign, "judgements of findings that the vocabulary does not have")
    return collector.contents(database, split)


def _last(judgements: Iterable[Judgement], labels: frozenset[str]) -> dict[str, dict[str, list[Judgement]]]:
    """Image -> label -> the last judgement of each reader, or what was decided."""
    last: dict[str, dict[str, dict[str, Judgement]]] = defaultdict(lambda: defaultdict(dict))
    decided: dict[tuple[str, str], Judgement] = {}
    for item in sorted(judgements, key=lambda item: item.when):
        label = label_of(item.finding, labels)
        if label is None:
            continue
        if item.decided:
            decided[item.image, label] = item
        elif not (item.limited and item.presence == "absent"):
            last[item.image][label][item.reader] = item
    said = {
        image: {label: list(readers.values()) for label, readers in by_label.items()}
        for image, by_label in last.items()
    }
    for (image, label), item in decided.items():
        said.setdefault(image, {})[label] = [item]
    return said


def _add(collector: Collector, file: Path, judgements: Mapping[str, list[Judgement]]) -> None:
    reading, shapes, denied = collector.reading(), [], []
    for label, items in judgements.items():
        decided = [item for item in items if item.presence in STATES]
        presences = {item.presence for item in decided}
        if len(presences) > 1:
            collector.leave_out(f"{file.name}: readers disagree on {label}, which is taken as unknown")
        reading.say(label, STATES[presences.pop()] if len(presences) == 1 else None)
        if {item.presence for item in decided} == {"present"}:
            drawn = [shape for item in decided for shape in item.shapes]
            shapes += drawn
            # Where one reader outlines the finding, all else is free of it.
            denied += [] if drawn else [shape for item in decided for shape in item.denied]
    collector.add(file, reading, shapes=shapes, denied=denied)


def _files(
    images: Path | None,
    studies: StudyContents,
    judgements: Mapping[str, object],
    collector: Collector,
) -> dict[str, Path]:
    """Hash of the pixels -> file, of the images that were judged."""
    if not judgements:
        return {}
    if images is not None:
        return _hashes(sorted(path for path in images.rglob("*") if path.is_file()))
    places: list[Path] = []
    for image in judgements:
        place = studies.files.get(image)
        if place is None:
            continue
        file = _below(place)
        if file is None:
            collector.leave_out(f"image {image[:12]}: its file is gone, or holds several")
        else:
            places.append(file)
    return _hashes(places)


def _below(place: CaseFile) -> Path | None:
    """The file, if it lies below its study's folder and holds one image alone."""
    file = place.folder / place.path
    inside = file.resolve().is_relative_to(place.folder.resolve())
    return file if place.frame is None and inside and file.is_file() else None


def _hashes(files: list[Path]) -> dict[str, Path]:
    """Hash of the pixels -> file; a file that is no radiograph is none that was judged."""

    def hashed(path: Path) -> str | None:
        try:
            return load_radiograph(path).sha256
        except RadiographError:
            return None

    with ThreadPoolExecutor(THREADS) as pool:
        return {sha256: path for sha256, path in zip(pool.map(hashed, files), files, strict=True) if sha256}
