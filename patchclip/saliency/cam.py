"""The CAM family through the grad-cam package: Grad-CAM, Grad-CAM++, HiResCAM, Eigen-CAM, LayerCAM."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import cv2
import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from patchclip.saliency.task import QueryHead, SaliencyTask, last_layer, unmirrored
from patchclip.types import FloatArray

CAMS: dict[str, type[BaseCAM]] = {
    "grad_cam": GradCAM,
    "grad_cam_plus_plus": GradCAMPlusPlus,
    "hires_cam": HiResCAM,
    "eigen_cam": EigenCAM,
    "layer_cam": LayerCAM,
}


def cam_maps(task: SaliencyTask, names: Sequence[str]) -> dict[str, FloatArray]:
    """Methods of the family on the tower's last layer, each [K, R, C]: one forward pass, one backward pass a query.

    Gradients are taken at the last layer and end there, which is all that the family looks at; the layers below cost nothing.
    """
    if not names:
        return {}
    layer = last_layer(task.model)
    head = QueryHead(task)
    pixels = task.pixels.clone()
    maps: dict[str, list[FloatArray]] = {name: [] for name in names}
    with ExitStack() as stack, torch.enable_grad():
        leaf = layer.register_forward_hook(
            _as_leaf
        )  # before the package's own hooks, so that they see the leaf
        stack.callback(leaf.remove)
        methods = {name: stack.enter_context(CAMS[name](head, [layer], _reshape(task))) for name in names}
        passes = next(iter(methods.values())).activations_and_grads
        for method in methods.values():
            if method.activations_and_grads is not passes:
                method.activations_and_grads.release()
                method.activations_and_grads = passes
        logits = passes(pixels)
        for number in range(logits.shape[1]):
            passes.gradients = []
            targets = [ClassifierOutputTarget(number)]
            if any(method.uses_gradients for method in methods.values()):
                targets[0](logits[0]).backward(retain_graph=True)
            for name, method in methods.items():
                shown = method.aggregate_multi_layers(method.compute_cam_per_layer(pixels, targets, False))
                maps[name].append(_on_grid(unmirrored(shown), task))
    return {name: np.stack(values) for name, values in maps.items()}


def grad_cam(task: SaliencyTask) -> FloatArray:
    """Grad-CAM (Selvaraju et al., ICCV 2017): channels weighed by their mean gradient, positive part."""
    return cam_maps(task, ["grad_cam"])["grad_cam"]


def grad_cam_plus_plus(task: SaliencyTask) -> FloatArray:
    """Grad-CAM++ (Chattopadhay et al., WACV 2018)."""
    return cam_maps(task, ["grad_cam_plus_plus"])["grad_cam_plus_plus"]


def hires_cam(task: SaliencyTask) -> FloatArray:
    """HiResCAM (Draelos & Carin, 2020): gradient times activation, element by element."""
    return cam_maps(task, ["hires_cam"])["hires_cam"]


def eigen_cam(task: SaliencyTask) -> FloatArray:
    """Eigen-CAM (Muhammad & Yeasin, IJCNN 2020): first principal component of the activations; does not look at the query."""
    return cam_maps(task, ["eigen_cam"])["eigen_cam"]


def layer_cam(task: SaliencyTask) -> FloatArray:
    """LayerCAM (Jiang et al., IEEE TIP 2021): activations weighed by positive gradients, element by element."""
    return cam_maps(task, ["layer_cam"])["layer_cam"]


def _as_leaf(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.detach().requires_grad_()


def _on_grid(shown: FloatArray, task: SaliencyTask) -> FloatArray:
    """[S, S] of the package, averaged onto the patch grid [R, C]."""
    rows, cols = task.model.grid
    return np.asarray(cv2.resize(shown, (cols, rows), interpolation=cv2.INTER_AREA), np.float32)


def _reshape(task: SaliencyTask) -> Callable[[Tensor], Tensor] | None:
    """For transformers: tokens to a grid, without class and register tokens; None for a CNN."""
    if not task.model.tower.has_attention:
        return None

    def reshape(tokens: Tensor) -> Tensor:
        rows, cols = task.model.grid
        grid: Tensor = tokens[:, -rows * cols :].unflatten(1, (rows, cols)).permute(0, 3, 1, 2)
        return grid

    return reshape
