"""From grey to the channels of published models; for what is before, see `patchclip.image.model_input`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from patchclip.errors import CheckpointError
from patchclip.image.model_input import STANDARD, InputStyle, model_input

__all__ = ["STANDARD", "ChannelScaling", "InputStyle", "model_input"]


@dataclass(frozen=True, slots=True)
class ChannelScaling:
    """What a published model does to the three equal channels of a grey image: (value - mean) / deviation.

    Raises:
        CheckpointError: a number is not finite, or a deviation not above 0.

    Attributes:
        mean: of each channel, values in [0, 1].
        deviation: of each channel, on the same scale.
    """

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (*self.mean, *self.deviation))) or min(self.deviation) <= 0:
            raise CheckpointError(
                f"Channels cannot be scaled by mean {list(self.mean)} and deviation {list(self.deviation)}; "
                "give "
                "finite numbers, and deviations above 0."
            )
