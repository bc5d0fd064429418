"""What is kept of an open study beside its encoding, so that nothing of its explanations is computed
twice."""

from __future__ import annotations

from dataclasses import dataclass, field

from patchclip import Encoded, PatchMap
from patchclip.types import FloatArray


@dataclass(slots=True)
class Explained:
    """Of one study.

    Attributes:
        maps: (query, method) -> its map; a few kilobytes each.
        twin_input: the twin's input, float32 [S, S], where its size is another than the model's; else None.
        twin: the image after its pass through the twin's tower, once somebody asked for it.
    """

    maps: dict[tuple[str, str], PatchMap] = field(default_factory=dict)
    twin_input: FloatArray | None = None
    twin: Encoded | None = None
