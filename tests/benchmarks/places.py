"""Finding the lungs, as a share of the time that encoding the image takes."""

from __future__ import annotations

from collections.abc import Callable

from patchclip import Engine, Radiograph
from patchclip.image.synthetic import synthetic_radiograph
from patchclip.image.thorax import find_thorax
from patchclip.model.preprocess import model_input

Timed = Callable[[Callable[[], object]], float]


def run(timed: Timed) -> str:
    """With the bundled model, on the CPU."""
    engine = Engine.from_pretrained(device="cpu")
    radiograph = Radiograph.from_array(synthetic_radiograph("effusion", size=1024, seed=5).pixels)
    square, box = model_input(radiograph.pixels, engine.model.config.image_size)
    lungs = timed(lambda: find_thorax(square, box))
    encoding = timed(lambda: engine.encode(radiograph))
    return f"{1000 * lungs:.1f} ms, {lungs / encoding:.3f} of encoding an image of 1024 px"
