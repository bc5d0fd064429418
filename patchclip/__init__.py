"""Patch-CLIP: ask a chest radiograph a question in free text and see, patch by patch, where it is answered.

The names that need torch are imported when they are first used, so that a process that only reads image
files, as each worker that decodes them does, starts without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from patchclip.errors import (
    CheckpointError,
    DataError,
    PatchClipError,
    QueryError,
    RadiographError,
    SaliencyError,
)
from patchclip.image import (
    HeaderFacts,
    ImageEntry,
    Letterbox,
    Listing,
    Radiograph,
    list_images,
    load_entry,
    load_radiograph,
)
from patchclip.types import Answer, Box, Finding, PatchMap, Region

if TYPE_CHECKING:
    from patchclip.encoded import Encoded
    from patchclip.engine import Engine

_MODULES = {"Encoded": "patchclip.encoded", "Engine": "patchclip.engine"}  # of the names that need torch

__all__ = [
    "Answer",
    "Box",
    "CheckpointError",
    "DataError",
    "Encoded",
    "Engine",
    "Finding",
    "HeaderFacts",
    "ImageEntry",
    "Letterbox",
    "Listing",
    "PatchClipError",
    "PatchMap",
    "QueryError",
    "Radiograph",
    "RadiographError",
    "Region",
    "SaliencyError",
    "list_images",
    "load_entry",
    "load_radiograph",
]


def __getattr__(name: str) -> Any:
    """Imports a name on first use (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
