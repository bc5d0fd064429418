"""An encoded image as a row of Parquet, and back: what answers need of it, without its pixels.

Embeddings are float16. An engine answers a restored image as it answered the image itself, within that
rounding (tested); saliency, which starts from pixels, it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from patchclip.encoded import Encoded
from patchclip.engine import Engine
from patchclip.errors import DataError, RadiographError
from patchclip.image.geometry import Letterbox
from patchclip.image.radiograph import HeaderFacts
from patchclip.image.thorax import Thorax
from patchclip.model.branches import Branch
from patchclip.model.patchclip import ImageEmbeddings

LARGEST_HALF = 65504.0


@dataclass(frozen=True)
class StoredImage(Encoded):
    """An `Encoded` that was kept: it has the chest's frame instead of the pixels that it was found in."""

    frame: Thorax | None = None

    @cached_property
    def thorax(self) -> Thorax | None:
        """As it was found in the image."""
        return self.frame


def needs_tokens(engine: Engine) -> bool:
    """Whether a place's logit needs the tokens besides the patches (`patchclip.within`)."""
    return Branch.POOLED in engine.checkpoint.calibration.branches


def record_of(engine: Engine, encoded: Encoded) -> dict[str, Any]:
    """The columns of an image that `restored` takes; see `patchclip.batch.tables`.

    Raises:
        RadiographError: an embedding does not fit into float16.
    """
    embeddings, facts, thorax = encoded.embeddings, encoded.facts, encoded.thorax
    rows, cols = embeddings.grid
    return {
        "height": encoded.size[0],
        "width": encoded.size[1],
        "view": facts.view,
        "patient_left": facts.patient_left,
        "sides_told": facts.sides_told,
        "warnings": list(encoded.warnings),
        "rows": rows,
        "cols": cols,
        "token_width": embeddings.tokens.shape[-1],
        "thorax": None if thorax is None else [float(value) for value in _flat(thorax)],
        "global": half(embeddings.global_[0]),
        "pooled": half(embeddings.pooled[0]),
        "patches": half(embeddings.patches[0]),
        "tokens": half(embeddings.tokens[0]) if needs_tokens(engine) else None,
    }


def restored(engine: Engine, row: Mapping[str, Any]) -> StoredImage:
    """An image from its row; arrays of the row may be flat.

    Raises:
        DataError: the row is not of this engine's model.
    """
    model, grid = engine.model, (int(row["rows"]), int(row["cols"]))
    if grid != model.grid:
        raise DataError(
            f"The embeddings have {grid[0]} x {grid[1]} patches and the model {model.grid[0]} x "
            f"{model.grid[1]}; search with the checkpoint that made them."
        )
    box = Letterbox(int(row["height"]), int(row["width"]), model.config.image_size, model.input_style.fit)
    patches = grid[0] * grid[1]

    def tensor(values: NDArray[np.float16], *shape: int) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values, np.float32).reshape(shape)).to(engine.device)

    tokens = row.get("tokens")
    embeddings = ImageEmbeddings(
        global_=tensor(row["global"], 1, -1),
        patches=tensor(row["patches"], 1, patches, -1),
        pooled=tensor(row["pooled"], 1, -1),
        # No answer stands on them where they were not kept, see `needs_tokens`.
        tokens=torch.zeros(1, patches, int(row["token_width"]), device=engine.device)
        if tokens is None
        else tensor(tokens, 1, patches, -1),
        valid=torch.from_numpy(box.valid_patches(*grid).reshape(1, -1)).to(engine.device),
        grid=grid,
    )
    frame = row["thorax"]
    return StoredImage(
        embeddings=embeddings,
        pixels=torch.empty(1, 1, 0, 0),
        letterbox=box,
        facts=HeaderFacts(
            view=row["view"], patient_left=row["patient_left"], sides_told=bool(row["sides_told"])
        ),
        radiograph_sha256=row["sha256"],
        warnings=tuple(row["warnings"]),
        timing_ms={},
        frame=None if frame is None else _thorax([float(value) for value in frame]),
    )


def half(values: torch.Tensor | NDArray[np.float32]) -> NDArray[np.float16]:
    """Values as a flat float16 array.

    Raises:
        RadiographError: one is too large for that.
    """
    whole = values.detach().float().cpu().numpy() if isinstance(values, torch.Tensor) else values
    if not np.isfinite(whole).all() or np.abs(whole).max() > LARGEST_HALF:
        raise RadiographError(
            "The model's embedding of this image is too large to be stored; look at the image by itself."
        )
    return np.asarray(whole, np.float16).reshape(-1)


def _flat(thorax: Thorax) -> tuple[float, ...]:
    top, bottom, (start, slope), left, right = astuple(thorax)
    return top, bottom, start, slope, left, right


def _thorax(values: list[float]) -> Thorax:
    top, bottom, start, slope, left, right = values
    return Thorax(top, bottom, (start, slope), left, right)
