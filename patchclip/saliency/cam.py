"""The CAM family through the grad-cam package, with shared passes through the tower."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from patchclip.saliency.task import QueryHead, SaliencyTask, last_layers, unmirrored
from patchclip.types import FloatArray


@dataclass(frozen=True, slots=True)
class Cam:
    """A method of the family as a function of a task; `kind` is the name of the package's class."""

    kind: str

    def __call__(self, task: SaliencyTask) -> FloatArray:
        """float32 [K, R, C] in [0, 1]."""
        return cam_maps(task, {"": self.kind})[""]


def cam_maps(task: SaliencyTask, kinds: Mapping[str, str]) -> dict[str, FloatArray]:
    """Methods of the family on the tower's last layer, name -> [K, R, C]: one forward pass, one backward pass
    per query. Of an ensemble they are means over its towers.

    Gradients are taken at the last layer and end there, which is all that the family looks at; the layers
    below cost nothing. To share its passes, the methods get one `activations_and_grads` and are asked through
    `compute_cam_per_layer`: both are the package's inner wiring, so its version is pinned, and the tests
    compare with the package used plainly.

    kinds: name of a method -> name of its class in the package, which is loaded when it is first asked for:
        it takes longer than torch itself.
    """
    if not kinds:
        return {}
    import pytorch_grad_cam
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    layers = last_layers(task.model)
    head = QueryHead(task)
    pixels = task.pixels.clone()
    maps: dict[str, list[FloatArray]] = {name: [] for name in kinds}
    with ExitStack() as stack, torch.enable_grad():
        for layer in layers:  # before the package's own hooks, so that they see the leaf
            stack.callback(layer.register_forward_hook(_as_leaf).remove)
        methods = {
            name: stack.enter_context(getattr(pytorch_grad_cam, kind)(head, layers, _reshape(task)))
            for name, kind in kinds.items()
        }
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
                heat = method.aggregate_multi_layers(method.compute_cam_per_layer(pixels, targets, False))
                maps[name].append(_on_grid(unmirrored(heat), task))
    return {name: np.stack(values) for name, values in maps.items()}


def _as_leaf(_: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.detach().requires_grad_()


def _on_grid(heat: FloatArray, task: SaliencyTask) -> FloatArray:
    """[S, S] of the package, averaged onto the patch grid [R, C]."""
    rows, cols = task.model.grid
    return np.asarray(cv2.resize(heat, (cols, rows), interpolation=cv2.INTER_AREA), np.float32)


def _reshape(task: SaliencyTask) -> Callable[[Tensor], Tensor] | None:
    """For transformers: tokens to a grid, without class and register tokens; None for a CNN."""
    if not task.model.tower.has_attention:
        return None

    def reshape(tokens: Tensor) -> Tensor:
        rows, cols = task.model.grid
        grid: Tensor = tokens[:, -rows * cols :].unflatten(1, (rows, cols)).permute(0, 3, 1, 2)
        return grid

    return reshape
