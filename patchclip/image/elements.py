"""Values of a DICOM header: what a damaged one makes of pydicom becomes a sentence here, nowhere else."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from patchclip.errors import RadiographError

DAMAGE = (
    InvalidDicomError,
    BytesLengthException,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What a damaged file makes of pydicom, at any depth."""
MALFORMED = "An element in the DICOM header is empty or malformed; export the image again from its source."


@contextmanager
def sentence(text: str) -> Iterator[None]:
    """Around calls of pydicom, and only those: what a damaged file makes of them becomes a `RadiographError`.

    Without the cause, since pydicom's own words quote the header, which may name a patient.
    """
    try:
        yield
    except DAMAGE:
        raise RadiographError(text) from None


def element(dataset: Dataset, keyword: str) -> Any:
    """The value of an element, or None where it is absent or empty.

    pydicom reads elements late, so any may turn out to be malformed.

    Raises:
        RadiographError: it is malformed.
    """
    with sentence(MALFORMED):
        value = dataset.get(keyword)
        return None if value is None or (hasattr(value, "__len__") and len(value) == 0) else value


def integer(dataset: Dataset, keyword: str, default: int | None = None) -> int:
    """The value of an element that is one whole number; the default where it is absent or empty.

    Raises:
        RadiographError: it is malformed, or absent without a default.
    """
    value = element(dataset, keyword)
    with sentence(MALFORMED):
        return int(default if value is None else value)  # type: ignore[arg-type]  # int(None) is the error of an absent one


def number(dataset: Dataset, keyword: str, default: float | None = None) -> float:
    """The value of an element that is one number; the default where it is absent or empty.

    Raises:
        RadiographError: it is malformed, or absent without a default.
    """
    value = element(dataset, keyword)
    with sentence(MALFORMED):
        return float(default if value is None else value)  # type: ignore[arg-type]
