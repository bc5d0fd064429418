"""A file of any supported kind to a `Radiograph`, in this process or in one of its own."""

from __future__ import annotations

from pathlib import Path

from patchclip.errors import RadiographError
from patchclip.image.archives import GZIP, gunzipped, gunzipped_head
from patchclip.image.dicom import looks_like_dicom, read_dicom
from patchclip.image.isolation import shared_pool
from patchclip.image.limits import LARGEST_FILE
from patchclip.image.radiograph import Radiograph
from patchclip.image.raster import read_raster


def load_radiograph(
    source: str | Path | bytes,
    *,
    frame: int | None = None,
    window: int | str | None = None,
    isolated: bool = False,
) -> Radiograph:
    """Reads DICOM, PNG, JPEG, TIFF, WebP or BMP, told apart by content, not by name.

    Args:
        source: a path, or the file's bytes.
        frame: of a DICOM file with several, or page of a TIFF, from 0; by default the first, with a warning.
        window: place among the windows of a DICOM header (`HeaderFacts.windows`), or the name or explanation
            of one; -1 for an automatic one; by default the first that fits the pixels.
        isolated: decode in a worker process with limits of memory and time (`patchclip.image.isolation`), for
            files that come from outside. Pixels are the same, byte for byte.

    Raises:
        RadiographError: the file is missing, empty, damaged, of another kind, beyond the limits, or blank.
    """
    if not isolated:
        try:
            return read_radiograph(source, frame, window)
        except MemoryError:
            raise RadiographError(
                "There is not enough memory to open the file; export it at its original size, in grey."
            ) from None
    plain = source if isinstance(source, bytes) else str(source)
    radiograph = shared_pool().run("read_radiograph", plain, frame, window)
    assert isinstance(radiograph, Radiograph)
    return radiograph


def read_radiograph(
    source: str | Path | bytes, frame: int | None = None, window: int | str | None = None
) -> Radiograph:
    """As `load_radiograph` in this process, but for the lack of memory, which is left as it is.

    Raises:
        RadiographError: as there.
        MemoryError: the file needs more than there is.
    """
    content = read_content(source)
    if not content:
        raise RadiographError("The file is empty; export it again from its source.")
    try:
        if looks_like_dicom(content):
            return read_dicom(content, frame, window)
        if window not in (None, -1):
            raise RadiographError("The file is no DICOM image and has no windows; leave the window out.")
        return read_raster(content, frame)
    except RecursionError:
        raise RadiographError("The file is nested too deeply; export it again from its source.") from None


def read_content(source: str | Path | bytes) -> bytes:
    """The bytes of a regular file, or of what it holds if it was compressed with gzip.

    Raises:
        RadiographError: there is no such file, it may not be read, is damaged, or far too large.
    """
    content = source if isinstance(source, bytes) else _read(Path(source))
    return gunzipped(content) if content.startswith(GZIP) else content


def read_head(source: str | Path | bytes, count: int) -> bytes:
    """The beginning of the same.

    Raises:
        RadiographError: as of `read_content`.
    """
    content = source[:count] if isinstance(source, bytes) else _read(Path(source), count)
    if not content.startswith(GZIP):
        return content
    return gunzipped_head(source if isinstance(source, bytes) else Path(source), count)


def _read(path: Path, count: int = -1) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise RadiographError("This is no file but a folder or a device; name an image file.")
        if path.is_file() and path.stat().st_size > LARGEST_FILE:
            raise RadiographError(
                f"The file is larger than {LARGEST_FILE // 2**20} MB, as no radiograph is; open another."
            )
        with path.open("rb") as file:
            return file.read(count)
    except FileNotFoundError as error:
        raise RadiographError("There is no such file; check the path.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name cannot be a path"
        raise RadiographError(
            f"The file cannot be opened ({reason}); check that it is a file that you may read."
        ) from error
