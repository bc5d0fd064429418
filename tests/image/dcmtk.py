"""DCMTK's renderer (dcmj2pnm), an implementation that owes nothing to ours."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image


def rendered(raw: bytes, folder: Path, *options: str) -> NDArray[np.float64]:
    """What DCMTK shows of a DICOM file, [H, W] from 0 to 255; the test is skipped where it is absent."""
    tool = shutil.which("dcmj2pnm")
    if tool is None:
        assert os.environ.get("CI") != "true", "dcmj2pnm is missing; install Debian's package dcmtk"
        pytest.skip("DCMTK's dcmj2pnm is not installed (Debian's package dcmtk)")
    file, picture = folder / "rendered.dcm", folder / "rendered.png"
    file.write_bytes(raw)
    command = [tool, "--no-overlays", *options, "--write-png", str(file), str(picture)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return np.asarray(Image.open(picture).convert("L"), np.float64)
