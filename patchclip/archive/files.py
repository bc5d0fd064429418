"""De-identified copies of DICOM files: headers cleaned, writing in the picture blackened, names of files
forgotten."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import ExplicitVRLittleEndian

from patchclip.archive.deidentify import Deidentifier
from patchclip.errors import DataError, PatchClipError, RadiographError
from patchclip.files import atomic
from patchclip.image import Radiograph, load_radiograph
from patchclip.image.burnt_in import find_text
from patchclip.image.decoders import stored_pixels
from patchclip.keys import read_key_file
from patchclip.types import Box


@dataclass(frozen=True, slots=True)
class DeidentifyReport:
    """What became of the files.

    Attributes:
        written: how many copies.
        masked: those among them in whose picture writing was blackened.
        left_out: a sentence per file that was not copied, by its place in the folder, never by what is in it.
    """

    written: int
    masked: int
    left_out: tuple[str, ...]


def deidentify_files(
    source: Path, target: Path, *, key_file: Path | None = None, refuse: bool = False
) -> DeidentifyReport:
    """Copies a DICOM file, or all below a folder, without anything that names a person.

    The copies are called by their new SOP Instance UIDs: file names often hold names of patients.

    Args:
        source: a file or a folder.
        target: a folder, new or empty.
        key_file: secret bytes, at least 16; see `Deidentifier`.
        refuse: leave out a file with writing in its picture instead of blackening it.

    Raises:
        DataError: nothing to read, a target in use, or a key that is too short.
    """
    if not source.exists():
        raise DataError(f"There is no {source}; give a DICOM file or a folder.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise DataError(f"{target} is in use; name a new or empty folder, so that nothing is mixed.")
    files = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    worker = Deidentifier(_key(key_file))
    target.mkdir(parents=True, exist_ok=True)

    written = masked = 0
    left_out: list[str] = []
    for number, path in enumerate(files, start=1):
        try:
            dataset, blackened = deidentify_film(path.read_bytes(), worker, refuse=refuse)
        except (PatchClipError, OSError) as error:
            reason = str(error) if isinstance(error, PatchClipError) else "it cannot be opened"
            left_out.append(f"file {number} of {len(files)} was left out: {reason}")
            continue
        with atomic(target / f"{dataset.SOPInstanceUID}.dcm") as place:
            dataset.save_as(place, enforce_file_format=True)
        written += 1
        masked += blackened
    return DeidentifyReport(written, masked, tuple(left_out))


def deidentify_film(
    content: bytes, worker: Deidentifier, *, refuse: bool = False
) -> tuple[FileDataset, bool]:
    """One film: (its cleaned data set, whether writing in the picture was blackened).

    Raises:
        RadiographError: no DICOM image, a picture that cannot be searched for writing, or, with `refuse`, one
            with writing.
    """
    radiograph = load_radiograph(content, isolated=True)  # first: a hostile file ends here
    try:
        dataset = dcmread(io.BytesIO(content))
    except (InvalidDicomError, EOFError) as error:
        raise RadiographError("it is no DICOM file; only those are de-identified.") from error
    writing = find_text(radiograph.pixels)
    if writing and refuse:
        raise RadiographError("there may be writing in its picture; mask it, or look at it first.")
    if writing:
        _blacken(dataset, radiograph, writing)
    worker.clean(dataset, pixels_cleaned=bool(writing))
    return dataset, bool(writing)


def _blacken(dataset: FileDataset, radiograph: Radiograph, boxes: tuple[Box, ...]) -> None:
    """Boxes of the radiograph, in pixels of the file; what was compressed is not compressed again, so that no
    other pixel changes."""
    stored = np.array(stored_pixels(dataset))
    if int(dataset.get("NumberOfFrames") or 1) > 1 or stored.ndim != 2:
        raise RadiographError(
            "there may be writing in its picture, which can be masked in single grey frames alone."
        )
    scale_y, scale_x = stored.shape[0] / radiograph.size[0], stored.shape[1] / radiograph.size[1]
    dark = stored.max() if dataset.PhotometricInterpretation == "MONOCHROME1" else stored.min()
    for box in boxes:
        rows = slice(max(0, int(box.y * scale_y)), int(np.ceil((box.y + box.h) * scale_y)))
        columns = slice(max(0, int(box.x * scale_x)), int(np.ceil((box.x + box.w) * scale_x)))
        stored[rows, columns] = dark
    _replace_pixels(dataset, stored)


def _replace_pixels(dataset: FileDataset, stored: NDArray[np.generic]) -> None:
    bits = 8 * stored.dtype.itemsize
    dataset.PixelData = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    dataset["PixelData"].is_undefined_length = False
    dataset.BitsAllocated = bits
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _key(file: Path | None) -> bytes | None:
    return None if file is None else read_key_file(file, "UIDs")
