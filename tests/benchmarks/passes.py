"""A bare pass of the tower, beside which benchmarks set what the library adds."""

from __future__ import annotations

from collections.abc import Callable

import torch

from patchclip import Engine, Radiograph
from patchclip.model.preprocess import model_input


def bare_pass(engine: Engine, film: Radiograph) -> Callable[[], object]:
    """Encodes a film that is decoded and scaled already, as the engine does, with its mirror image where the
    model wants it."""
    square, box = model_input(film.pixels, engine.model.config.image_size)
    inside = box.valid_patches(*engine.model.grid)
    return lambda: engine._images.embed(square[None], inside)


def unfolded_pass(engine: Engine, film: Radiograph) -> Callable[[], object]:
    """The same through the model as it was trained, with its normalisation as a step of its own."""
    square, box = model_input(film.pixels, engine.model.config.image_size)
    pixels = torch.from_numpy(square)[None, None]
    valid = torch.from_numpy(box.valid_patches(*engine.model.grid))[None]
    mirror = engine.checkpoint.calibration.mirror

    @torch.inference_mode()
    def tower() -> object:
        return engine.model.encode_image(pixels, valid, mirror=mirror)

    return tower
