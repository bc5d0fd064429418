"""A file of any supported kind to a `Radiograph`."""

from __future__ import annotations

from pathlib import Path

from patchclip.errors import RadiographError
from patchclip.image.dicom import looks_like_dicom, read_dicom
from patchclip.image.radiograph import Radiograph
from patchclip.image.raster import read_raster


def load_radiograph(source: str | Path | bytes) -> Radiograph:
    """Reads DICOM, PNG or JPEG, told apart by content, not by name.

    Args:
        source: a path, or the file's bytes.

    Raises:
        RadiographError: the file is missing, empty, damaged, of another kind, or blank.
    """
    content = source if isinstance(source, bytes) else _read(Path(source))
    if not content:
        raise RadiographError("The file is empty; export it again from its source.")
    return read_dicom(content) if looks_like_dicom(content) else read_raster(content)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise RadiographError("There is no such file; check the path.") from error
    except OSError as error:
        raise RadiographError(
            f"The file cannot be opened ({error.strerror}); check that it is a file that you may read."
        ) from error
