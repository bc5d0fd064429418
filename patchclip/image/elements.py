"""Values of a DICOM header: what a damaged one makes of pydicom becomes a sentence here, nowhere else."""

from __future__ import annotations

import math
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
        # int(None) is the error of an absent one
        return int(default if value is None else value)  # type: ignore[arg-type]


def number(dataset: Dataset, keyword: str, default: float | None = None) -> float:
    """The value of an element that is one number; the default where it is absent or empty.

    Raises:
        RadiographError: it is malformed, or absent without a default.
    """
    value = element(dataset, keyword)
    with sentence(MALFORMED):
        return float(default if value is None else value)  # type: ignore[arg-type]


def numbers(dataset: Dataset, keyword: str) -> tuple[float, ...]:
    """The numbers of an element that holds them as text (PS3.5 6.2, DS and IS); () where it is absent.

    A decimal comma is read as a point, which some exports write; see `decimal_comma`.

    Raises:
        RadiographError: it is malformed, or not finite.
    """
    with sentence(MALFORMED):
        values = tuple(float(part.replace(",", ".")) for part in _parts(dataset, keyword))
    if not all(math.isfinite(value) for value in values):
        raise RadiographError(MALFORMED)
    return values


def decimal_comma(dataset: Dataset, keyword: str) -> bool:
    """Whether an element's numbers are written with a comma, which DICOM does not allow."""
    return any("," in part for part in _parts(dataset, keyword))


def _parts(dataset: Dataset, keyword: str) -> list[str]:
    """The values of an element as text, one by one, without blanks and padding.

    They are read past pydicom's own conversion, which knows no comma.
    """
    with sentence(MALFORMED):
        raw = dataset.get_item(keyword)
        value = None if raw is None else raw.value
        textual = isinstance(value, bytes) and getattr(raw, "VR", None) in (None, "DS", "IS", "UN")
        if value is not None and not textual:
            value = dataset.get(keyword)
    if value is None:
        return []
    if isinstance(value, bytes):
        parts = value.decode("ascii", "replace").split("\\")
    elif isinstance(value, str) or not hasattr(value, "__iter__"):
        parts = [str(value)]
    else:
        parts = [str(part) for part in value]
    parts = [part.strip(" \0") for part in parts]
    return parts if any(parts) else []


def code(dataset: Dataset, keyword: str) -> str:
    """A code string in capitals without blanks and padding, "" where it is absent; the first, of several."""
    value = element(dataset, keyword)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    elif value is not None and not isinstance(value, str) and hasattr(value, "__iter__"):
        value = next(iter(value), None)
    return "" if value is None else str(value).strip(" \0").upper()
