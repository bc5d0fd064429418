"""The export command: answers about DICOM files as DICOM, COCO or CSV, into a folder or an archive."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pydicom.dataset import Dataset

from patchclip.archive.films import Films, add_film_arguments, add_window_argument
from patchclip.archive.images import images_of
from patchclip.engine_arguments import add_engine_arguments, engine_of
from patchclip.errors import DataError, PatchClipError
from patchclip.export.forms import DICOM_FORMATS, TABLE_FORMATS, coco_file, csv_file, dicom_results
from patchclip.export.result import NOTICE, Result
from patchclip.export.source import read_source
from patchclip.files import atomic


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `python -m patchclip export`."""
    add_film_arguments(parser)
    parser.add_argument(
        "--query", action="append", required=True, metavar="TEXT", help="a question; repeat for several"
    )
    add_window_argument(parser)
    parser.add_argument(
        "--format",
        action="append",
        required=True,
        choices=[*DICOM_FORMATS, *TABLE_FORMATS],
        help="sr: structured report (TID 1500); seg: maps as fractional segmentation; regions: as binary "
        "segmentation; sc: picture of the overlay; coco, csv: tables of all images. Repeat for several",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the results")
    parser.add_argument(
        "--store", action="store_true", help="store DICOM results in the archive, beside their films"
    )
    add_engine_arguments(parser)


def main(options: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    if options.store and not options.dicomweb:
        raise DataError("--store needs the archive to store in; name it with --dicomweb URL.")
    if not options.out and not options.store:
        raise DataError("Results need a place; name a folder with --out DIR, or --store with --dicomweb.")
    films = Films(options.images, options.dicomweb, options.study)
    engine = engine_of(options)
    results: dict[str, Result] = {}
    stems: set[str] = set()
    failed = False
    for image in images_of(films):
        name = image.name
        try:
            radiograph = image.load(options.window)
            result = Result.of(engine, engine.encode(radiograph), options.query)
            wanted = set(options.format) & set(DICOM_FORMATS)
            source = read_source(image.file(), image.frame) if wanted else None
            objects = dicom_results(options.format, result, radiograph, source) if source else {}
            if options.store and films.archive:
                films.archive.store(list(objects.values()))
        except PatchClipError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = True
            continue
        results[name] = result
        for warning in result.warnings:
            print(f"{name}: {warning}", file=sys.stderr)
        if options.out:
            _write_objects(options.out, _stem(name, image.frame, stems), objects)
    if options.out:
        _write_tables(options.out, options.format, results)
    print(f"{len(results)} images exported. {NOTICE}.")
    return 1 if failed else 0


def _stem(name: str, frame: int | None, taken: set[str]) -> str:
    """What an image's files are called by: no other image of this run is, for it is added to `taken`."""
    plain = Path(name).stem
    if frame is not None:
        plain = f"{Path(name.removesuffix(f'#{frame + 1}')).stem}_{frame + 1}"
    stem, number = plain, 2
    while stem in taken:
        stem, number = f"{plain}_{number}", number + 1
    taken.add(stem)
    return stem


def _write_objects(folder: Path, stem: str, objects: dict[str, Dataset]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for end, dataset in objects.items():
        with atomic(folder / f"{stem}_{end}.dcm") as path:
            dataset.save_as(path, enforce_file_format=True)


def _write_tables(folder: Path, formats: list[str], results: dict[str, Result]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if "coco" in formats:
        with atomic(folder / "coco.json") as path:
            path.write_bytes(coco_file(results))
    if "csv" in formats:
        with atomic(folder / "answers.csv") as path:
            path.write_bytes(csv_file(results))
