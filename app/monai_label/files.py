"""Label maps as files of the kinds that clients ask for: NIfTI-1 and NRRD."""

from __future__ import annotations

import gzip
import io
from typing import Any, Literal

import nibabel
import nrrd
import numpy as np
from numpy.typing import NDArray

from app.monai_label.geometry import LPS_TO_RAS, Geometry
from patchclip.export.result import NOTICE

Extension = Literal[".nii.gz", ".nii", ".nrrd"]
NUMBERS = Literal["uint8", "uint16", "int16", "int32", "float32"]


def file_of(
    values: NDArray[np.uint16], geometry: Geometry, extension: Extension, numbers: NUMBERS, *, compress: bool
) -> bytes:
    """A label map [H, W] in the geometry of its film's file, which says that it is for research alone.

    Args:
        values: as `label_map` makes them.
        geometry: of the file.
        extension: the kind of file.
        numbers: the type of its numbers.
        compress: whether an NRRD file is packed.
    """
    array = np.asfortranarray(geometry.array_of(values).astype(numbers))
    if extension == ".nrrd":
        return _nrrd(array, geometry, compress=compress)
    content = _nifti(array, geometry)
    return gzip.compress(content, 6, mtime=0) if extension == ".nii.gz" else content


def _nrrd(array: NDArray[Any], geometry: Geometry, *, compress: bool) -> bytes:
    out = io.BytesIO()
    header = {
        "content": NOTICE,
        "space": "left-posterior-superior",
        "kinds": ["domain"] * 3,
        "space directions": geometry.affine[:3, :3].T,
        "space origin": geometry.affine[:3, 3],
        "encoding": "gzip" if compress else "raw",
    }
    nrrd.write(out, array, header, compression_level=6)
    return out.getvalue()


def _nifti(array: NDArray[Any], geometry: Geometry) -> bytes:
    image = nibabel.Nifti1Image(array, LPS_TO_RAS @ geometry.affine)
    image.set_qform(image.affine, code=1)
    image.set_sform(image.affine, code=1)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = NOTICE.encode()
    image.header.set_intent("label")
    return bytes(image.to_bytes())
