"""What an image's likeness to a training source adds to its logits, from its embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from patchclip.model.branches import image_logit
from patchclip.model.calibration import Calibration
from patchclip.model.patchclip import ImageEmbeddings, PatchCLIP
from patchclip.model.prompts import PromptEmbeddings
from patchclip.types import FloatArray


class SourceOffsets:
    """Of one model. Threads may share it: it changes nothing but a cache of the prompts' ends."""

    def __init__(
        self, model: PatchCLIP, calibration: Calibration, ends: Callable[[str], PromptEmbeddings]
    ) -> None:
        """ends: the embedded prompts of a finding, by label; asked for with the first image."""
        self._model, self._calibration, self._ends_of = model, calibration, ends
        self._ends: tuple[Tensor, Tensor] | None = None

    def of(self, embeddings: ImageEmbeddings, labels: Sequence[str | None]) -> FloatArray:
        """What is to be subtracted from the image's logits, float32 [B, len(labels)].

        Args:
            embeddings: of B images.
            labels: of the findings that are asked for; None for what is no finding of the vocabulary.
        """
        sources = self._calibration.sources
        if sources is None:
            return np.zeros((len(embeddings.global_), len(labels)), np.float32)
        if self._ends is None:
            pairs = [self._ends_of(label) for label in sources.labels]
            self._ends = (
                torch.stack([pair.positive for pair in pairs]),
                torch.stack([pair.negative for pair in pairs]),
            )
        with torch.inference_mode():
            logits = image_logit(self._model, embeddings, *self._ends, self._calibration.branches)
        return sources.offsets(logits.float().cpu().numpy(), labels)
