"""The names that the library promises: a change of this list is a change of the contract."""

from __future__ import annotations

import patchclip


def test_public_names() -> None:
    assert patchclip.__all__ == [
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
    assert patchclip.Finding is patchclip.Answer  # the name of an answer in the published contract
