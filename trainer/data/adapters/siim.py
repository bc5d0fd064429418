"""The SIIM-ACR Pneumothorax Segmentation challenge of 2019: masks of pneumothorax.

Citation: Filice et al., Journal of Digital Imaging 2020, doi 10.1007/s10278-019-00299-9
Get it: https://www.kaggle.com/c/siim-acr-pneumothorax-segmentation
Counts: 12,047 labelled images in its second stage, of which 2,669 have masks
Files: train-rle.csv (`ImageId, EncodedPixels`) and dicom-images-train/STUDY/SERIES/ImageId.dcm; the
challenge's
    test images have no labels
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from patchclip.data.findings import label_of
from patchclip.errors import DataError
from trainer.data.contents import Collector, Contents
from trainer.data.masks import shapes_from_mask
from trainer.data.sample import Shape, State
from trainer.data.tables import DICOM, index_images, own_split, read_table, records

FINDING = "Pneumothorax"
IMAGE_SIZE = 1024  # masks are squares of this size, as the images are
NONE = "-1"


def read_siim(folder: Path, split: str, *, labels: frozenset[str]) -> Contents:
    """Reads the only labelled split, "train": pneumothorax present with a mask in each row of the image, or
    absent. Patients are not named.

    Raises:
        DataError: the table is missing or malformed, or a mask does not fit its image; names file and row.
    """
    path = folder / "train-rle.csv"
    own_split(split, ("train",), path)
    table = read_table(path, ("ImageId",)).rename(
        columns=str.strip
    )  # the published header is "ImageId, EncodedPixels"
    if "EncodedPixels" not in table:
        raise DataError(f"{path} has no column EncodedPixels; its columns are {', '.join(table.columns)}.")
    masks: dict[str, list[Shape]] = {}
    label = label_of(FINDING, labels)
    for number, row in records(table):
        shapes = masks.setdefault(row["ImageId"], [])
        encoded = row["EncodedPixels"].strip()
        if encoded != NONE:
            shapes += shapes_from_mask(
                label or FINDING, decode_rle(encoded, IMAGE_SIZE, f"{path}, row {number}")
            )
    images = index_images([folder / "dicom-images-train"], DICOM)
    collector = Collector("siim", labels)
    for image, shapes in masks.items():
        if (file := images.get(image)) is None:
            collector.missing(f"{image}.dcm")
            continue
        reading = collector.reading()
        reading.say(FINDING, State.PRESENT if shapes else State.ABSENT)
        collector.add(file, reading, shapes=shapes if label else ())
    return collector.contents(path, split)


def decode_rle(encoded: str, size: int, where: str) -> NDArray[np.uint8]:
    """A mask from the challenge's run-length encoding: pairs of (pixels since the last run, length of the
    run), column after column.

    Returns:
        uint8 [size, size] of 0 and 1.

    Raises:
        DataError: not pairs of numbers that are not negative, or longer than the image; `where` names file
            and row.
    """
    try:
        pairs = np.array(encoded.split(), np.int64).reshape(-1, 2)
    except ValueError as error:
        raise DataError(f"{where}: EncodedPixels must be pairs of whole numbers, or -1.") from error
    ends = pairs.sum(axis=1).cumsum()
    if not len(pairs) or pairs.min() < 0 or ends[-1] > size * size:
        raise DataError(f"{where}: the mask does not fit an image of {size} x {size} pixels.")
    flat = np.zeros(size * size, np.uint8)
    for start, end in zip(ends - pairs[:, 1], ends, strict=True):
        flat[start:end] = 1
    return flat.reshape(size, size).T
