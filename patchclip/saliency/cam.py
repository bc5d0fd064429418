"""The CAM family through the grad-cam package: Grad-CAM, Grad-CAM++, HiResCAM, Eigen-CAM, LayerCAM."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor

from patchclip.saliency.task import QueryHead, SaliencyTask, last_layer
from patchclip.types import FloatArray


def _cam(task: SaliencyTask, kind: type[BaseCAM]) -> FloatArray:
    """Runs one method on the tower's last layer; [S, S] of the package, averaged onto the patch grid [R, C]."""
    head = QueryHead(task)
    with torch.enable_grad(), kind(head, [last_layer(task.model)], reshape_transform=_reshape(task)) as method:
        shown = method(task.pixels.clone().requires_grad_(), [ClassifierOutputTarget(0)])[0]
    rows, cols = task.model.grid
    return np.asarray(cv2.resize(shown, (cols, rows), interpolation=cv2.INTER_AREA), np.float32)


def _reshape(task: SaliencyTask):  # type: ignore[no-untyped-def]  # grad-cam wants a callable or None, untyped
    """For transformers: tokens to a grid, without class and register tokens; None for a CNN."""
    if not task.model.tower.has_attention:
        return None

    def reshape(tokens: Tensor) -> Tensor:
        rows, cols = task.model.grid
        grid: Tensor = tokens[:, -rows * cols :].unflatten(1, (rows, cols)).permute(0, 3, 1, 2)
        return grid

    return reshape


def grad_cam(task: SaliencyTask) -> FloatArray:
    """Grad-CAM (Selvaraju et al., ICCV 2017): channels weighed by their mean gradient, positive part."""
    return _cam(task, GradCAM)


def grad_cam_plus_plus(task: SaliencyTask) -> FloatArray:
    """Grad-CAM++ (Chattopadhay et al., WACV 2018)."""
    return _cam(task, GradCAMPlusPlus)


def hires_cam(task: SaliencyTask) -> FloatArray:
    """HiResCAM (Draelos & Carin, 2020): gradient times activation, element by element."""
    return _cam(task, HiResCAM)


def eigen_cam(task: SaliencyTask) -> FloatArray:
    """Eigen-CAM (Muhammad & Yeasin, IJCNN 2020): first principal component of the activations; does not look at the query."""
    return _cam(task, EigenCAM)


def layer_cam(task: SaliencyTask) -> FloatArray:
    """LayerCAM (Jiang et al., IEEE TIP 2021): activations weighed by positive gradients, element by element."""
    return _cam(task, LayerCAM)
