"""The image half of an engine: a radiograph's one pass through the tower."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patchclip.encoded import Encoded
from patchclip.errors import RadiographError
from patchclip.execution import Computation, Execution
from patchclip.image.gate import ImageGate
from patchclip.image.model_input import ModelInput, Prepared, prepared
from patchclip.image.radiograph import Radiograph
from patchclip.model.checkpoint import Checkpoint
from patchclip.model.encoders import embed, make_encoder
from patchclip.model.patchclip import ImageEmbeddings
from patchclip.types import FloatArray


class RadiographEncoder:
    """Encodes radiographs with a checkpoint's tower. Threads may share it: it changes nothing.

    Attributes:
        mirror: whether an image is encoded together with its mirror image.
    """

    def __init__(
        self, checkpoint: Checkpoint, folder: Path | None, device: torch.device, execution: Execution
    ) -> None:
        """
        Args:
            checkpoint: its model already on the device.
            folder: the checkpoint's, where its ONNX graph may lie.
            device: where it is computed.
            execution: what is asked for.

        Raises:
            CheckpointError: the checkpoint's image gate is malformed; or the execution cannot be had, see
                `make_encoder`.
        """
        self.mirror = checkpoint.calibration.mirror and execution.mirror
        self._checkpoint, self._model, self._device = checkpoint, checkpoint.model, device
        self._tower = make_encoder(checkpoint, folder, device, execution)
        self._gate = ImageGate.from_dict(checkpoint.gates["image"]) if "image" in checkpoint.gates else None

    @property
    def backend(self) -> str:
        """What computes the pass through the tower, and how, for the reader."""
        left_out = self._checkpoint.calibration.mirror and not self.mirror
        tower = f"{self._tower.library}, {self._tower.precision}"
        return f"{tower}{', without the mirror image' if left_out else ''}"

    @property
    def computation(self) -> Computation:
        """How the pass is computed, for the record."""
        return Computation(
            backend=self._tower.library,
            precision=self._tower.precision,
            mirror=self.mirror,
            input_size=self._model.config.image_size,
            device=self._device.type,
        )

    def encode(self, radiograph: Radiograph | Prepared) -> Encoded:
        """One pass through the tower; a picture that does not look like a frontal chest radiograph is encoded
        too, with a warning.

        radiograph: or what was prepared of it for this model.

        Raises:
            RadiographError: the image is so long and narrow that no patch has its centre in it.
        """
        started = time.perf_counter()
        if isinstance(radiograph, Radiograph):
            film = prepared(radiograph, ModelInput(self._model.config.image_size, self._model.input_style))
        else:
            film = radiograph
        inside = film.letterbox.valid_patches(*self._model.grid)
        if not inside.any():
            raise RadiographError(
                f"The image is {film.letterbox.width} x {film.letterbox.height} pixels, too long and narrow "
                "to be searched; crop it to the chest."
            )

        pixels, embeddings = self.embed(film.square[None], inside)
        gate_warnings = self._gate.warnings(film.standard) if self._gate else ()
        note = (self._checkpoint.note,) if self._checkpoint.note else ()
        return Encoded(
            embeddings=embeddings,
            pixels=pixels,
            letterbox=film.letterbox,
            facts=film.facts,
            radiograph_sha256=film.sha256,
            warnings=(*film.warnings, *gate_warnings, *note),
            timing_ms={"encode": (time.perf_counter() - started) * 1000},
        )

    def encode_again(self, encoded: Encoded, square: FloatArray) -> Encoded:
        """The image of another engine's `Encoded`, encoded by this one too.

        square: this model's input, as `model_input` makes it of the same pixels, float32 [S, S] in [0, 1].
        """
        started = time.perf_counter()
        letterbox = replace(encoded.letterbox, size=square.shape[0], fit=self._model.input_style.fit)
        pixels, embeddings = self.embed(square[None], letterbox.valid_patches(*self._model.grid))
        return replace(
            encoded,
            embeddings=embeddings,
            pixels=pixels,
            letterbox=letterbox,
            timing_ms={"encode": (time.perf_counter() - started) * 1000},
        )

    def embed(self, squares: FloatArray, inside: NDArray[np.bool_]) -> tuple[Tensor, ImageEmbeddings]:
        """The inputs as a tensor [N, 1, S, S], and what the tower makes of them.

        Args:
            squares: float32 [N, S, S] in [0, 1], as `model_input` gives them.
            inside: bool [R, C], the patches whose centres lie in the image, the same for all.
        """
        pixels = torch.from_numpy(squares)[:, None].to(self._device)
        valid = torch.from_numpy(inside).expand(len(squares), -1, -1).to(self._device)
        with torch.inference_mode():
            return pixels, embed(self._tower, pixels, valid, mirror=self.mirror)
