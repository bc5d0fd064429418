"""What a report compares: the patch map, or a saliency method of the model or of its twin, raw or gated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from patchclip.saliency.registry import SCALINGS, TWIN, Scaling


@dataclass(frozen=True, slots=True)
class Method:
    """A way to draw a map of a finding; as text it is its key in metrics.json, such as "twin_grad_cam_gated".

    Attributes:
        name: "patch_map", or a key of `patchclip.saliency.SALIENCY`.
        twin: whether it explains the twin, the model trained without boxes, instead of the model itself.
        scaling: "raw" is scaled to its own range on each image, as saliency is commonly shown; "gated" is
            that times the image's probability; None is left as it is.
    """

    name: str
    twin: bool = False
    scaling: Scaling | None = None

    def __str__(self) -> str:
        return f"{TWIN if self.twin else ''}{self.name}{f'_{self.scaling}' if self.scaling else ''}"

    @classmethod
    def parse(cls, key: str) -> Self:
        """The method whose text is `key`: `Saliency` sees to it that no name begins or ends as these do."""
        scaling = next((item for item in SCALINGS if key.endswith(f"_{item}")), None)
        stem = key.removesuffix(f"_{scaling}") if scaling else key
        return cls(stem.removeprefix(TWIN), stem.startswith(TWIN), scaling)


PATCH_MAP = Method("patch_map")
