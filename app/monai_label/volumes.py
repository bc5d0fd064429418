"""Films as 3D Slicer sends them, NIfTI-1 and NRRD: read within limits, and made the pictures they are."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import nibabel
import nrrd
import numpy as np
from numpy.typing import NDArray

from app.monai_label.geometry import LPS_TO_RAS, Geometry, GeometryError, of_array
from patchclip import RadiographError
from patchclip.image.archives import GZIP, gunzipped
from patchclip.image.radiograph import LARGEST_SIDE

NIFTI_MAGIC, NIFTI_MAGIC_AT = (b"n+1\x00", b"ni1\x00"), 344
NRRD_MAGIC = b"NRRD000"
LONGEST_HEADER = 64 * 1024
ENCODINGS = ("raw", "gzip", "gz")
AS_STORED = (
    "The file has no header of a radiograph: its grey values were read without a window, and nothing tells "
    "whether black is air, or which side is the patient's left; send the DICOM file where there is one."
)
TO_LPS = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}


@dataclass(frozen=True, slots=True)
class Volume:
    """A film out of a volume's file.

    Attributes:
        png: the film as a picture: its own numbers where they are whole, 8 or 16 bits of them.
        geometry: where it lies in the file.
    """

    png: bytes
    geometry: Geometry


def is_volume(content: bytes) -> bool:
    """Whether a file, unpacked, is NIfTI-1 or NRRD."""
    return _is_nifti(content) or content.startswith(NRRD_MAGIC)


def unpacked(content: bytes) -> bytes:
    """A file, unpacked where it was compressed with gzip.

    Raises:
        RadiographError: it is damaged, or far too large.
    """
    return gunzipped(content) if content.startswith(GZIP) else content


def read_volume(content: bytes) -> Volume:
    """A film out of NIfTI-1 or NRRD, unpacked.

    Raises:
        RadiographError: the file is damaged, keeps its pixels in another file, or in a way that is not read.
        GeometryError: it holds no single film.
    """
    array, affine = _nifti(content) if _is_nifti(content) else _nrrd(content)
    geometry = of_array(array.shape, affine)
    if not np.isfinite(affine).all():
        raise GeometryError("The header of the file puts the film nowhere; save it again.")
    film = geometry.film_of(array.reshape(geometry.shape, order="F"))
    return Volume(_png(film), geometry)


def _is_nifti(content: bytes) -> bool:
    return content[NIFTI_MAGIC_AT : NIFTI_MAGIC_AT + 4] in NIFTI_MAGIC


@contextmanager
def _told(kind: str) -> Iterator[None]:
    """What a damaged file makes of the libraries, in our words: theirs may quote the header."""
    try:
        yield
    except RadiographError:
        raise
    except (
        ArithmeticError,
        AttributeError,
        EOFError,
        LookupError,
        OSError,
        StopIteration,
        TypeError,
        ValueError,
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
        nrrd.NRRDError,
    ):
        raise RadiographError(f"The {kind} file is damaged or cut short; save it again.") from None


def _nifti(content: bytes) -> tuple[NDArray[Any], NDArray[np.float64]]:
    with _told("NIfTI"):
        header = nibabel.Nifti1Header.from_fileobj(io.BytesIO(content), check=False)
        _check_lengths(header.get_data_shape())
        if bytes(header["magic"]) == b"ni1":
            raise RadiographError("The NIfTI file keeps its pixels in another file; save it as one (.nii).")
        image = nibabel.Nifti1Image.from_bytes(content)
        return np.asanyarray(image.dataobj), LPS_TO_RAS @ np.asarray(image.affine, np.float64)


def _nrrd(content: bytes) -> tuple[NDArray[Any], NDArray[np.float64]]:
    end = min(
        (place + len(mark) for mark in (b"\n\n", b"\r\n\r\n") if (place := content.find(mark)) >= 0),
        default=LONGEST_HEADER + 1,
    )
    if end > LONGEST_HEADER:
        raise RadiographError("The NRRD file is damaged or cut short; save it again.")
    with _told("NRRD"):
        header = nrrd.read_header(content[:end].splitlines(keepends=True))
        if "data file" in header or "datafile" in header:
            raise RadiographError("The NRRD file keeps its pixels in another file; save it as one (.nrrd).")
        if header["encoding"] not in ENCODINGS or header.get("byte skip") or header.get("line skip"):
            raise RadiographError(
                "The NRRD file is packed in a way that is not read; save it as raw or gzip."
            )
        sizes = tuple(int(length) for length in header["sizes"])
        _check_lengths(sizes)
        # Unpacked here, within limits, which the library does not know.
        data = content[end:] if header["encoding"] == "raw" else gunzipped(content[end:])
        array = nrrd.read_data({**header, "encoding": "raw"}, io.BytesIO(data))
        return np.asarray(array), _nrrd_affine(header, len(sizes))


def _nrrd_affine(header: dict[str, Any], axes: int) -> NDArray[np.float64]:
    affine = np.eye(4)
    space = TO_LPS.get(str(header.get("space", "")).lower())
    directions = header.get("space directions")
    if directions is None or space is None:
        for axis, length in enumerate(np.asarray(header.get("spacings", ()), np.float64)[:3]):
            affine[axis, axis] = abs(length) if np.isfinite(length) and length else 1.0
        return affine
    vectors = np.asarray(directions, np.float64)[:3]
    affine[:3, : len(vectors)] = vectors.T * np.array(space)[:, None]
    if axes == 2:
        affine[:3, 2] = np.cross(affine[:3, 0], affine[:3, 1])
        affine[:3, 2] /= np.linalg.norm(affine[:3, 2]) or 1.0
    affine[:3, 3] = np.asarray(header.get("space origin", np.zeros(3)), np.float64) * np.array(space)
    return affine


def _check_lengths(lengths: tuple[int, ...]) -> None:
    if not lengths or min(lengths) < 1 or max(lengths) > LARGEST_SIDE or sum(n > 1 for n in lengths) != 2:
        raise GeometryError(
            f"The file holds an array of {' x '.join(str(n) for n in lengths)}, and one film is asked at a "
            "time; send a single slice of grey values."
        )


def _png(film: NDArray[Any]) -> bytes:
    if film.dtype.kind not in "biuf":
        raise RadiographError("The file holds no grey values; save the film as a scalar volume.")
    if not np.isfinite(film).all():
        raise RadiographError("The file holds values that are no numbers; save it again.")
    low, high = float(film.min()), float(film.max())
    whole = film.dtype.kind in "biu" or bool((film == np.round(film)).all())
    if whole and film.dtype in (np.uint8, np.bool_):
        picture = np.asarray(film, np.uint8)
    elif whole and high - low <= 65535:
        first = low if low < 0 or high > 65535 else 0.0
        picture = (film.astype(np.float64) - first).round().astype(np.uint16)
    else:
        picture = np.round((film - low) / max(high - low, 1e-12) * 65535).astype(np.uint16)
    done, encoded = cv2.imencode(".png", np.ascontiguousarray(picture), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise RadiographError("The film cannot be read as a picture; save it again.")
    return encoded.tobytes()
