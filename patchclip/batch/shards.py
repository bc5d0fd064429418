"""WebDataset shards: tar files whose members of one key belong together, of which the image is read.

The format (github.com/webdataset/webdataset) is POSIX tar with names KEY.EXTENSION; the standard library
reads it, and where a member lies, so that any of them can be opened by itself.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from patchclip.batch.units import Unit
from patchclip.image.limits import LARGEST_FILE

SHARD = ".tar"
IMAGES = frozenset((".png", ".jpg", ".jpeg", ".dcm", ".dicom", ".tif", ".tiff", ".webp", ".bmp"))
"""Endings of members that are images; others are a sample's labels and texts."""


def shard_units(path: Path, place: str) -> Iterator[Unit]:
    """The images of a shard; one that is damaged gives a fault after those that could be listed."""
    location = str(path.resolve())
    try:
        with tarfile.open(path, "r:") as shard:
            for member in shard:
                name = PurePosixPath(member.name)
                if not member.isfile() or name.suffix.lower() not in IMAGES:
                    continue
                inner = f"{place}/{member.name}"
                if member.size > LARGEST_FILE:
                    reason = f"The file is larger than {LARGEST_FILE // 2**20} MB, as no radiograph is."
                    yield Unit(inner, "fault", reason)
                else:
                    yield Unit(inner, "member", location, member.offset_data, member.size)
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        yield Unit(
            place,
            "fault",
            f"The shard is no whole tar file ({type(error).__name__}); copy it again from its source, "
            "uncompressed.",
        )
