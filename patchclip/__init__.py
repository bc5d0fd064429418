"""Patch-CLIP: ask a chest radiograph a question in free text and see, patch by patch, where the answer comes from."""

import patchclip._torchvision  # noqa: F401  (first: everything below may import torchvision)
from patchclip.encoded import Encoded
from patchclip.engine import Engine
from patchclip.errors import (
    CheckpointError,
    DataError,
    PatchClipError,
    QueryError,
    RadiographError,
    SaliencyError,
)
from patchclip.image import HeaderFacts, Letterbox, Radiograph, load_radiograph
from patchclip.types import Answer, Box, Finding, PatchMap, Region

__all__ = [
    "Answer",
    "Box",
    "CheckpointError",
    "DataError",
    "Encoded",
    "Engine",
    "Finding",
    "HeaderFacts",
    "Letterbox",
    "PatchClipError",
    "PatchMap",
    "QueryError",
    "Radiograph",
    "RadiographError",
    "Region",
    "SaliencyError",
    "load_radiograph",
]
