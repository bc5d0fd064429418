"""The DICOM file that a result speaks of, and what all result objects have in common."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydicom import config, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sr.coding import Code
from pydicom.valuerep import validate_value

from patchclip.errors import DataError
from patchclip.export.result import NOTICE, Result
from patchclip.types import Box
from patchclip.version import __version__

if TYPE_CHECKING:  # most of those who read a header write no DICOM, and highdicom takes long to load
    from highdicom import UID

MANUFACTURER = "Patch-CLIP"
ALGORITHM_FAMILY = Code("123109", "DCM", "Artificial Intelligence")
REQUIRED = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Rows", "Columns")
"""Without these nothing can refer to the image."""


@dataclass(frozen=True, slots=True)
class Source:
    """A DICOM image without its pixels.

    The header goes whole into results, so that an archive files them with their patient; it is kept in memory
    alone.

    Attributes:
        header: all elements but the pixels. Names of one component end with a caret, which means the same
            (PS3.5 6.2.1): highdicom would quote such a name in a warning, and none may reach a log.
        names: the person names as the file has them, by keyword.
        frame: of several, from 0, which the result speaks of; None where there is one alone.
    """

    header: Dataset
    names: dict[str, str]
    frame: int | None = None

    @property
    def frame_numbers(self) -> list[int] | None:
        """The frame as references have it, from 1; None where there is one alone."""
        return None if self.frame is None else [self.frame + 1]

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the stored pixels."""
        return int(self.header.Rows), int(self.header.Columns)

    @property
    def orientation(self) -> tuple[str, str]:
        """Patient Orientation (PS3.3 C.7.6.1.1.1) as the header has it, else that of a frontal film as it is
        hung."""
        value = self.header.get("PatientOrientation")
        return (
            (str(value[0]), str(value[1]))
            if isinstance(value, MultiValue) and len(value) == 2
            else ("L", "F")
        )

    def corners(self, box: Box, result: Result) -> NDArray[np.float64]:
        """A box of the result as a closed polyline [5, 2] of (column, row) in stored pixels.

        The radiograph has other pixels than the file where those of the file are not square.
        """
        height, width = self.size
        scale = np.array([width / result.size[1], height / result.size[0]])
        x0, y0 = np.clip([box.x, box.y], 0, [result.size[1], result.size[0]])
        x1, y1 = np.clip([box.x + box.w, box.y + box.h], 0, [result.size[1], result.size[0]])
        points: NDArray[np.float64] = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]) * scale
        return points


def read_source(content: bytes | Path, frame: int | None = None) -> Source:
    """The header of a DICOM image; `frame` as of `Source`.

    Raises:
        DataError: no DICOM file, or one that nothing can refer to.
    """
    stream = io.BytesIO(content if isinstance(content, bytes) else content.read_bytes())
    try:
        header = dcmread(stream, stop_before_pixels=True)
    except (
        Exception
    ) as error:  # pydicom raises many kinds on broken files, and their messages may quote the header
        raise DataError(
            "Results as DICOM need a DICOM image to refer to; this file is none that can be read."
        ) from error
    missing = [keyword for keyword in REQUIRED if not header.get(keyword)]
    if missing:
        raise DataError(
            f"The DICOM file has no {missing[0]}, so no result can refer to it; "
            "export it again from its archive."
        )
    for keyword in (
        "PatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
        "StudyID",
    ):
        if (
            keyword not in header
        ):  # may be empty, must be there in everything of the study (PS3.3 C.7.1.1, C.7.2.1)
            setattr(header, keyword, "")
    for element in list(
        header
    ):  # results copy these; what breaks the rules of its type would make them invalid, too
        if element.VR in ("AS", "DA", "TM", "CS", "UI", "SH", "LO") and not _valid(element.VR, element.value):
            if element.keyword in REQUIRED:
                raise DataError(
                    f"The DICOM file has no valid {element.keyword}, so no result can refer to it."
                )
            header[element.tag].value = ""
    names = {keyword: str(header.get(keyword) or "") for keyword in ("PatientName", "ReferringPhysicianName")}
    for keyword, name in names.items():
        setattr(header, keyword, f"{name}^" if name and "^" not in name else name)
    return Source(header, names, frame)


def _valid(vr: str, value: object) -> bool:
    """Whether a value obeys its value representation (PS3.5 6.2)."""
    values = value if isinstance(value, (list, tuple, MultiValue)) else [value]
    return all(not item or _accepted(vr, str(item)) for item in values)


def _accepted(vr: str, text: str) -> bool:
    try:
        validate_value(vr, text, config.RAISE)
    except ValueError:
        return False
    return True


def finish(dataset: Dataset, result: Result, source: Source, description: str) -> None:
    """Says on a result object what it is and is not, and which model made it; names stand as the source has
    them."""
    for keyword, name in source.names.items():
        if keyword in dataset:
            # A new element: the one that is there may be the source's own.
            dataset.add_new(tag_for_keyword(keyword) or 0, "PN", name)
    dataset.SeriesDescription = f"{description} - {NOTICE.lower()}"[:64]
    dataset.ContentLabel = "PATCHCLIP"
    dataset.ContentDescription = NOTICE
    dataset.SoftwareVersions = [f"patchclip {__version__}", f"{result.model_name}"[:64]]
    dataset.DeviceSerialNumber = result.model_sha256[:64]


def device_uid(result: Result) -> UID:
    """A UID that the same model always gets (PS3.5 B.2: 2.25 and a 128-bit number)."""
    from highdicom import UID

    return UID(f"2.25.{int(result.model_sha256[:32], 16)}")
