"""Makes `import torchvision` work beside a CPU-only torch, and torchvision and timm quick to load; to be
imported before all that uses them.

The CUDA wheel of torchvision cannot load its compiled library without CUDA, and then fails to import because
it registers a fake kernel for `torchvision::nms`, an operator that nobody defined. Defining the two schemas
is enough: nothing here calls them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any

import torch

_library: torch.library.Library | None = None  # the definitions live as long as this object
_COMPILER = "torch._dynamo.utils"


def ensure_torchvision() -> None:
    """Imports torchvision and timm; only if they are why an import fails, the operator schemas are defined
    first."""
    global _library
    with _compiler_unloaded():
        try:
            import torchvision
        except RuntimeError as error:
            if "torchvision::nms does not exist" not in str(error):
                raise
            _library = torch.library.Library("torchvision", "DEF")
            for name in ("nms", "qnms"):
                _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            import torchvision  # noqa: F401
        import timm  # noqa: F401


@contextmanager
def _compiler_unloaded() -> Iterator[None]:
    """While open, torch's compiler is not loaded for those who only may ask it something later.

    torchvision.ops imports one function of it, which says whether a device can be compiled for, and timm
    marks a few functions that are not to be compiled; either loads the whole compiler, which takes as long as
    torch itself. They get functions that turn to the compiler when they are called.
    """
    if _COMPILER in sys.modules:
        yield
        return

    def is_compile_supported(device_type: str) -> object:
        return import_module(_COMPILER).is_compile_supported(device_type)

    stand_in, disable = ModuleType(_COMPILER), torch.compiler.disable
    vars(stand_in)["is_compile_supported"] = is_compile_supported
    sys.modules[_COMPILER] = stand_in
    vars(torch.compiler)["disable"] = _disabled_later
    try:
        yield
    finally:
        vars(torch.compiler)["disable"] = disable
        if sys.modules.get(_COMPILER) is stand_in:
            del sys.modules[_COMPILER]


def _disabled_later(function: Callable[..., Any]) -> Callable[..., Any]:
    """`torch.compiler.disable` as a decorator that does its work once something can be compiled at all."""

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        plain = _COMPILER not in sys.modules
        return (function if plain else torch.compiler.disable(function))(*arguments, **named)

    return call


ensure_torchvision()
