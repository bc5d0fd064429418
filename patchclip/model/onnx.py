"""The image half of a model as an ONNX graph beside its checkpoint, and ONNX Runtime to compute it."""

from __future__ import annotations

import importlib.util
import logging
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from patchclip.errors import CheckpointError
from patchclip.files import atomic
from patchclip.model.checkpoint import ONNX, Checkpoint, load_checkpoint
from patchclip.model.patchclip import ImageEmbeddings, PatchCLIP

FORMAT = "1"
INPUTS, OUTPUTS = ("pixels", "valid"), ("global_", "patches", "pooled", "tokens")
TOLERANCE = 1e-3
"""Furthest that an embedding of the graph may lie from torch's, relative to the largest; more is no
rounding."""
MISSING = "pip install -r requirements-onnx.txt"


class _Image(nn.Module):
    """What the graph computes."""

    def __init__(self, model: PatchCLIP) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        out = self.model.encode_image(pixels, valid)
        return out.global_, out.patches, out.pooled, out.tokens


class OnnxEncoder:
    """ONNX Runtime on a checkpoint's graph, see `patchclip.model.encoders.ImageEncoder`."""

    def __init__(self, folder: Path, sha256: str, grid: tuple[int, int], device: torch.device) -> None:
        """
        Args:
            folder: the checkpoint's.
            sha256: the checkpoint's; a graph names the one that it was made of.
            grid: (R, C) of the model.
            device: where it is computed.

        Raises:
            CheckpointError: there is no graph, it is another model's, or ONNX Runtime is not installed, or
                not for this device.
        """
        path = folder / ONNX
        if not path.is_file():
            raise CheckpointError(
                f"{folder} has no {ONNX}; write it with python -m patchclip onnx, or use --backend torch."
            )
        if not self.runs_on(device):
            raise CheckpointError(
                f"ONNX Runtime is not installed for {device.type}; {MISSING} (for a GPU, onnxruntime-gpu in "
                "its place), or use --backend torch."
            )
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        # A thread that waits in a loop would take the core from the decoders.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        provider = _provider(device)
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=[provider])
        except Exception as error:  # ONNX Runtime raises kinds of its own that derive from Exception alone
            raise CheckpointError(
                f"{path} cannot be read ({type(error).__name__}); write it again with python -m patchclip "
                "onnx."
            ) from error
        about = self._session.get_modelmeta().custom_metadata_map
        if about.get("format") != FORMAT or about.get("sha256") != sha256:
            raise CheckpointError(
                f"{path} belongs to another model than the weights beside it; write it again with python -m "
                "patchclip onnx."
            )
        self.grid, self.device = grid, device
        self.library, self.precision = f"onnxruntime ({provider.removesuffix('ExecutionProvider')})", "fp32"

    def __call__(self, pixels: Tensor, valid: Tensor) -> ImageEmbeddings:
        """See `ImageEncoder`."""
        given = {"pixels": pixels.float().cpu().numpy(), "valid": valid.cpu().numpy()}
        values = self._session.run(list(OUTPUTS), given)
        global_, patches, pooled, tokens = (torch.from_numpy(value).to(self.device) for value in values)
        return ImageEmbeddings(global_, patches, pooled, tokens, valid.flatten(1), self.grid)

    @staticmethod
    def runs_on(device: torch.device) -> bool:
        """Whether ONNX Runtime is installed, for this device."""
        if importlib.util.find_spec("onnxruntime") is None:
            return False
        import onnxruntime

        return _provider(device) in onnxruntime.get_available_providers()


def _provider(device: torch.device) -> str:
    return f"{device.type.upper()}ExecutionProvider"


def write_onnx(folder: Path) -> Path:
    """Writes a checkpoint's graph into its folder, after comparing it with torch on noise.

    Returns:
        The file.

    Raises:
        CheckpointError: see `load_checkpoint`; the packages that export needs are not installed; the tower
            cannot be exported, or its graph computes something else.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            raise CheckpointError(f"Writing ONNX needs {package}; {MISSING}.")
    checkpoint = load_checkpoint(folder)
    content = _graph(checkpoint)
    with tempfile.TemporaryDirectory(prefix="patch-clip-") as room:
        (Path(room) / ONNX).write_bytes(content)
        _compare(checkpoint, Path(room))
    path = folder / ONNX
    try:
        with atomic(path) as file:
            file.write_bytes(content)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be written; copy the checkpoint to a folder of yours."
        ) from error
    return path


def _graph(checkpoint: Checkpoint) -> bytes:
    """The graph for batches of any size, with the hash of the checkpoint."""
    model = checkpoint.model
    example = _noise(model, 2)
    batch = torch.export.Dim("batch", min=1, max=4096)
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    try:
        exporter.setLevel(logging.ERROR)
        with warnings.catch_warnings():  # the exporter's own, about its own parts
            warnings.simplefilter("ignore")
            program: Any = torch.onnx.export(
                _Image(model).eval(),
                example,
                dynamo=True,
                verbose=False,
                input_names=list(INPUTS),
                output_names=list(OUTPUTS),
                dynamic_shapes=({0: batch}, {0: batch}),
            )
    except Exception as error:  # the exporter raises kinds of its own, according to the tower
        raise CheckpointError(
            f"The tower {model.config.tower} cannot be written as ONNX ({type(error).__name__}); use "
            "--backend torch with it."
        ) from error
    finally:
        exporter.setLevel(level)
    proto = program.model_proto
    for key, value in {"format": FORMAT, "sha256": checkpoint.sha256}.items():
        proto.metadata_props.add(key=key, value=value)
    content: bytes = proto.SerializeToString()
    return content


def _compare(checkpoint: Checkpoint, folder: Path) -> None:
    """Raises CheckpointError where the graph does not compute what torch does."""
    model, cpu = checkpoint.model, torch.device("cpu")
    encoder = OnnxEncoder(folder, checkpoint.sha256, model.grid, cpu)
    for count in (1, 3):
        pixels, valid = _noise(model, count)
        with torch.inference_mode():
            ours = model.encode_image(pixels, valid)
        theirs = encoder(pixels, valid)
        for name in OUTPUTS:
            one, other = (getattr(item, name).float().numpy() for item in (ours, theirs))
            if not np.abs(one - other).max() <= TOLERANCE * max(1.0, float(np.abs(one).max())):
                raise CheckpointError(
                    f"The ONNX graph of {model.config.tower} computes something else than torch; use "
                    "--backend torch with it."
                )


def _noise(model: PatchCLIP, count: int) -> tuple[Tensor, Tensor]:
    """Pixels [B, 1, S, S] and patches in the image [B, R, C], the same every time."""
    generator = torch.Generator().manual_seed(count)
    size = model.config.image_size
    valid = torch.ones(count, *model.grid, dtype=torch.bool)
    valid[:, :, 0] = False
    return torch.rand(count, 1, size, size, generator=generator), valid
