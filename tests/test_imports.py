"""What importing the package brings with it: a worker that decodes images must start without torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

import patchclip


def _modules_after(statement: str) -> set[str]:
    """Names of the modules that are loaded after a statement in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return set(run.stdout.split())


def test_reading_images_needs_no_torch() -> None:
    loaded = _modules_after("from patchclip import Radiograph, load_radiograph")
    assert "patchclip.image.load" in loaded
    assert not loaded & {"torch", "torchvision", "timm", "sklearn", "patchclip.engine"}


def test_names_that_need_torch_come_when_they_are_asked_for() -> None:
    for name in patchclip.__all__:
        assert getattr(patchclip, name).__name__, name
        assert name in dir(patchclip)
    with pytest.raises(AttributeError, match="no attribute 'Motor'"):
        _ = patchclip.Motor
