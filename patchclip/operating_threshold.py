"""The operating threshold: the map value from which a patch counts as lit, and where it is applied."""

from __future__ import annotations

from patchclip.localize import find_regions
from patchclip.types import PatchMap, Region

OPERATING_THRESHOLD = 0.5
"""Of every finding: calibration sets each one's `patch_bias` so that its operating point lies here."""


def lit_regions(patch_map: PatchMap, size: tuple[int, int], min_patches: float) -> tuple[Region, ...]:
    """The connected parts of a map at or above the operating threshold; see `find_regions` for the rest."""
    return find_regions(patch_map, OPERATING_THRESHOLD, size, min_patches)
