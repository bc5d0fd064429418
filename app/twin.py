"""The box-free twin: the same network trained without any box, whose saliency is what maps are compared
with."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from app.explained import Explained
from patchclip import Encoded, Engine, PatchMap, Radiograph
from patchclip.model.checkpoint import model_input_of
from patchclip.model.preprocess import model_input
from patchclip.types import FloatArray


class Twin:
    """A second engine, loaded when it is first asked.

    Args:
        folder: of its checkpoint.
        beside: the engine whose answers it is compared with.

    Raises:
        CheckpointError: the folder holds no checkpoint.
    """

    def __init__(self, folder: Path, beside: Engine) -> None:
        self._folder, self._beside = folder, beside
        self._input = model_input_of(folder)
        self._engine: Engine | None = None
        self._loading = Lock()

    @property
    def engine(self) -> Engine:
        """Loads it the first time, which takes a second or two.

        Raises:
            CheckpointError: the checkpoint is damaged.
        """
        with self._loading:
            if self._engine is None:
                self._engine = Engine.from_pretrained(self._folder, device=str(self._beside.device))
            return self._engine

    def input_of(self, radiograph: Radiograph, beside: Engine) -> FloatArray | None:
        """What it would see of a radiograph, to be kept with the study; None where that is what the engine
        sees that answers."""
        model = beside.model
        if (self._input.size, self._input.style) == (model.config.image_size, model.input_style):
            return None
        return model_input(radiograph.pixels, self._input.size, self._input.style)[0]

    def saliency(self, encoded: Encoded, explained: Explained, query: str, method: str) -> PatchMap:
        """As of `Engine.saliency`, of an image that the other engine encoded."""
        if explained.twin is None:
            square = encoded.pixels[0, 0].cpu().numpy()
            seen = square if explained.twin_input is None else explained.twin_input
            explained.twin = self.engine.encode_again(encoded, seen)
        return self.engine.saliency(explained.twin, query, method)
