"""Shards: many decoded images in few tar files, laid out as WebDataset reads them, with an index.

A shard holds for each image KEY.png, its square as the model's input is made of it (8 bits, lossless), and
KEY.json, what is known of it. The index, `shards.json`, holds the same facts of all images and where each PNG
lies in its file, so that any image is read without its neighbours and no shard is unpacked.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2

from patchclip.errors import DataError
from patchclip.files import atomic
from patchclip.records import parse_json
from trainer.data.contents import Contents
from trainer.data.loaded import Loaded
from trainer.data.sample import Place, Sample, Shape, State

INDEX = "shards.json"
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: images, files, and bytes of all of them."""

    images: int
    shards: int
    size: int


def write_shards(items: Iterator[Loaded], out: Path, per_shard: int, splits: Collection[str]) -> Written:
    """Writes shards and their index; an index is there once all shards are whole.

    Args:
        items: images, read one after another.
        out: folder; it may hold no index yet.
        per_shard: images of one file.
        splits: which the images are of; `read_shards` gives them under these names alone.

    Raises:
        DataError: the folder holds shards already, or cannot be written, or there are no images.
    """
    if (out / INDEX).exists():
        raise DataError(f"{out} holds shards already; name another folder.")
    rows: list[dict[str, Any]] = []
    total = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(_parts(items, per_shard)):
            name = f"shard-{number:06d}.tar"
            with atomic(out / name) as path:
                with tarfile.open(path, "w") as file:
                    rows += [
                        {**_add(file, item, len(rows) + n), "shard": name} for n, item in enumerate(part)
                    ]
                total += path.stat().st_size
        if not rows:
            raise DataError("There is no image to write; check the data and its split.")
        index = {"format": FORMAT, "splits": sorted(splits), "images": rows}
        with atomic(out / INDEX) as path:
            path.write_text(json.dumps(index) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(f"Shards cannot be written to {out} ({error.strerror}); make room there.") from error
    return Written(len(rows), len({row["shard"] for row in rows}), total)


def _parts(items: Iterator[Loaded], count: int) -> Iterator[list[Loaded]]:
    part: list[Loaded] = []
    for item in items:
        part.append(item)
        if len(part) == count:
            yield part
            part = []
    if part:
        yield part


def _add(file: tarfile.TarFile, item: Loaded, number: int) -> dict[str, Any]:
    """Puts an image and its facts into a shard; returns its row of the index."""
    encoded = cv2.imencode(".png", item.image)[1].tobytes()
    facts = {
        "image": item.sample.path.name,
        "height": item.box.height,
        "width": item.box.width,
        "sha256": item.sha256,
        **_facts(item.sample),
    }
    key = f"{number:09d}"
    start = _member(file, f"{key}.png", encoded)
    _member(file, f"{key}.json", json.dumps(facts).encode())
    return {**facts, "key": key, "start": start, "length": len(encoded)}


def _member(file: tarfile.TarFile, name: str, content: bytes) -> int:
    """Appends a file; returns where its content begins. Neither time nor owner is written, so that equal
    images make equal shards."""
    about = tarfile.TarInfo(name)
    about.size = len(content)
    file.addfile(about, io.BytesIO(content))
    padded = -(-len(content) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
    return file.offset - padded


def _facts(sample: Sample) -> dict[str, Any]:
    """A sample in plain JSON types."""
    return {
        "patient": sample.patient,
        "source": sample.source,
        "states": {label: state.value for label, state in sample.states.items()},
        "shapes": [asdict(shape) for shape in sample.shapes],
        "doubtful": [asdict(shape) for shape in sample.doubtful],
        "disputed": sorted(sample.disputed),
        "denied": [asdict(shape) for shape in sample.denied],
        "view": sample.view,
        "report": sample.report,
        "cohort": sample.cohort,
        "mined": sorted(sample.mined),
        "checked": {label: list(pair) for label, pair in sample.checked.items()},
    }


def read_shards(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """What the index says of the images; no image is read.

    Args:
        folder: of the shards.
        split: one of those that they were written of.
        labels: those that the vocabulary has; others are counted.

    Raises:
        DataError: the index cannot be read or is of another version, or the shards are of other splits.
    """
    try:
        content: Any = parse_json((folder / INDEX).read_bytes())
        if content["format"] != FORMAT:
            raise DataError(
                f"{folder / INDEX} has format {content['format']}, this version reads {FORMAT}; write the "
                "shards again."
            )
        if split not in content["splits"]:
            raise DataError(
                f'The shards in {folder} are of the split {", ".join(content["splits"])}, not "{split}"; '
                "name it "
                "with --split."
            )
        samples = [_sample(folder, row) for row in content["images"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(
            f"{folder / INDEX} cannot be read ({type(error).__name__}); write the shards again."
        ) from error
    foreign = {label for sample in samples for label in sample.states} - labels
    known = tuple(sample.without(foreign) for sample in samples)
    return Contents(known, tuple(f"{label}: unknown to the model, in shards" for label in sorted(foreign)))


def _sample(folder: Path, row: dict[str, Any]) -> Sample:
    def shapes(name: str) -> tuple[Shape, ...]:
        return tuple(
            Shape(item["label"], tuple((x, y) for x, y in item["points"]), item["source"], item["agreement"])
            for item in row[name]
        )

    return Sample(
        path=Path(row["image"]),
        patient=row["patient"],
        source=row["source"],
        states={label: State(value) for label, value in row["states"].items()},
        shapes=shapes("shapes"),
        view=row["view"],
        report=row["report"],
        cohort=row["cohort"],
        doubtful=shapes("doubtful"),
        disputed=frozenset(row["disputed"]),
        denied=shapes("denied"),
        mined=frozenset(row["mined"]),
        checked={label: (said, seen) for label, (said, seen) in row["checked"].items()},
        place=Place(
            folder / row["shard"], row["start"], row["length"], row["height"], row["width"], row["sha256"]
        ),
    )
