"""A published lung segmentation network: a U-Net with a VGG-11 encoder, 512 px, of the package cheXwhatsApp
(MIT licence).

Its weights come as a legacy pickle of the whole module. Unpickling can run anything, so that the names which
it may ask for are listed here; the network itself is defined here, and takes the file's tensors alone.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from patchclip.errors import DataError
from patchclip.types import FloatArray
from trainer.fit.precision import autocast

SIZE = 512


class _Block(nn.Module):
    def __init__(self, channels: int, middle: int, out: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, middle, 3, padding=1)
        self.conv2 = nn.Conv2d(middle, out, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(middle)
        self.bn2 = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, out, H, W]."""
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class Teacher(nn.Module):
    """Grey image [B, 1, 512, 512] in [-.5, .5] -> logits [B, 2, 512, 512] of background and lung."""

    def __init__(self) -> None:
        super().__init__()
        self.init_conv = nn.Conv2d(1, 3, 1)
        widths = {
            "1": (3, 64),
            "2": (64, 128),
            "3": (128, 256),
            "3s": (256, 256),
            "4": (256, 512),
            "4s": (512, 512),
        }
        for name, (before, after) in (widths | {"5": (512, 512), "5s": (512, 512)}).items():
            self.add_module(f"conv{name}", nn.Conv2d(before, after, 3, padding=1))
        self.center = _Block(512, 512, 256)
        self.dec5 = _Block(512 + 256, 512, 256)
        self.dec4 = _Block(512 + 256, 512, 128)
        self.dec3 = _Block(256 + 128, 256, 64)
        self.dec2 = _Block(128 + 64, 128, 32)
        self.dec1 = _Block(64 + 32, 64, 32)
        self.out = nn.Conv2d(32, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        skips = []
        x = F.relu(self.init_conv(x))
        for names in (("conv1",), ("conv2",), ("conv3", "conv3s"), ("conv4", "conv4s"), ("conv5", "conv5s")):
            for name in names:
                x = F.relu(self.get_submodule(name)(x))
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.center(x)
        for decoder, skip in zip(
            (self.dec5, self.dec4, self.dec3, self.dec2, self.dec1), reversed(skips), strict=True
        ):
            x = decoder(torch.cat([F.interpolate(x, size=skip.shape[-2:], mode="bilinear"), skip], dim=1))
        logits: Tensor = self.out(x)
        return logits


class _Inert:
    """Stands for a class of the file: takes its state, does nothing."""

    def __init__(self, *_: object) -> None:
        self.state: dict[str, Any] = {}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.state = state


class _Unpickler(pickle.Unpickler):
    ALLOWED: ClassVar[dict[tuple[str, str], Any]] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("__builtin__", "set"): set,
        ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
        ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
        ("torch", "FloatStorage"): torch.FloatStorage,
        ("torch", "LongStorage"): torch.LongStorage,
        ("lung_segmentation", "PretrainedUNet"): type("PretrainedUNet", (_Inert,), {}),
        ("lung_segmentation", "Block"): type("Block", (_Inert,), {}),
        ("torch.nn.modules.conv", "Conv2d"): type("Conv2d", (_Inert,), {}),
        ("torch.nn.modules.batchnorm", "BatchNorm2d"): type("BatchNorm2d", (_Inert,), {}),
    }

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ALLOWED:
            raise DataError(
                f"The teacher's file asks for {module}.{name}, which it has no need of; it was not read."
            )
        return self.ALLOWED[module, name]


def load_teacher(path: Path) -> Teacher:
    """The network with the weights of the file `lung_segmentation.pt`.

    Raises:
        DataError: the file is another one, or asks for more than tensors.
    """
    # What torch.load asks of a pickle module.
    restricted = SimpleNamespace(
        Unpickler=_Unpickler,
        load=lambda file, **_: _Unpickler(file).load(),
        __name__="restricted",
        dumps=pickle.dumps,
    )
    try:
        found = torch.load(path, map_location="cpu", pickle_module=restricted, weights_only=False)
    except (OSError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise DataError(
            f"{path} is not the teacher's file lung_segmentation.pt ({type(error).__name__})."
        ) from error
    teacher = Teacher()
    state = dict(_tensors(found, ""))
    try:
        teacher.load_state_dict(state)
    except RuntimeError as error:
        raise DataError(
            f"{path} holds another network than the lung segmentation of cheXwhatsApp."
        ) from error
    teacher.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return teacher.eval()


def _tensors(module: _Inert, prefix: str) -> list[tuple[str, Tensor]]:
    found: list[tuple[str, Tensor]] = []
    for kind in ("_parameters", "_buffers"):
        found += [
            (prefix + name, value) for name, value in module.state.get(kind, {}).items() if value is not None
        ]
    for name, child in module.state.get("_modules", {}).items():
        found += _tensors(child, f"{prefix}{name}.")
    return found


def lung_mask(teacher: Callable[[Tensor], Tensor], pixels: FloatArray) -> NDArray[np.bool_]:
    """float32 [H, W] in [0, 1] -> bool [512, 512], stretched to a square as the teacher was trained; in bf16
    where the processor computes it (Dice with full precision above .998 on the images that were compared)."""
    square = cv2.resize(pixels, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    with torch.inference_mode(), autocast(torch.device("cpu"), "auto"):
        logits = teacher(torch.from_numpy(square)[None, None] - 0.5)
    return np.asarray((logits[0, 1] > logits[0, 0]).numpy(), bool)
