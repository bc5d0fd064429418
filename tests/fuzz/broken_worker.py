"""A worker that does what the fuzzer is there to find, as the first byte of the file says."""

from __future__ import annotations

import os
import sys

from patchclip.errors import RadiographError
from patchclip.image import worker
from patchclip.image.listing import Listing
from tests.fuzz.worker import peak_mb


def list_file(content: bytes, name: str) -> Listing:
    """Aborts, hangs, outgrows its memory, errs, or refuses."""
    if content[0] == 0:
        os.abort()
    while content[0] == 1:
        pass
    if content[0] == 2:
        bytearray(2**31)
    if content[0] == 3:
        raise KeyError(name)
    raise RadiographError("It is refused.")


if __name__ == "__main__":
    worker.JOBS |= {"list_file": list_file, "peak_mb": peak_mb}
    worker.main(int(sys.argv[1]), float(sys.argv[2]))
