"""Makes `import torchvision` work beside a CPU-only torch; to be imported before all that uses torchvision.

The CUDA wheel of torchvision cannot load its compiled library without CUDA, and then fails to import because
it registers a fake kernel for `torchvision::nms`, an operator that nobody defined. Defining the two schemas
is enough: nothing here calls them.
"""

import torch

_library: torch.library.Library | None = None  # the definitions live as long as this object


def ensure_torchvision() -> None:
    """Imports torchvision; only if they are why its import fails, the operator schemas are defined first."""
    global _library
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        _library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401


ensure_torchvision()
