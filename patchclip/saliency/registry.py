"""The saliency methods: one table of names, functions, colours and defaults, from which all else derives."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from patchclip.errors import SaliencyError
from patchclip.model.patchclip import PatchCLIP
from patchclip.saliency.attention import attention_gradient, attention_rollout
from patchclip.saliency.cam import Cam, cam_maps
from patchclip.saliency.direct import occlusion, raw_cosine
from patchclip.saliency.task import SaliencyTask
from patchclip.types import FloatArray

Scaling = Literal["raw", "gated"]
SCALINGS: tuple[Scaling, ...] = ("raw", "gated")
TWIN = "twin_"
"""With `SCALINGS`, what an evaluation adds to a key (`patchclip.evaluate.method`); no key may have it."""


@dataclass(frozen=True, slots=True)
class Saliency:
    """A saliency method.

    Raises:
        SaliencyError: the key has other characters, or begins or ends as an evaluation's own keys do.

    Attributes:
        key: its name on the command line and in JSON; only small letters, digits and "_".
        title: its name for a reader.
        function: task -> float32 [K, R, C] in [0, 1], one map per query; raises SaliencyError where the tower
            is of the wrong kind.
        colour: of its curves, "#rrggbb".
        default: whether an evaluation compares with it unless told otherwise.
        needs_attention: whether it can be applied to towers with attention alone.
    """

    key: str
    title: str
    function: Callable[[SaliencyTask], FloatArray]
    colour: str
    default: bool
    needs_attention: bool = False

    def __post_init__(self) -> None:
        ends = tuple(f"_{scaling}" for scaling in SCALINGS)
        if not re.fullmatch("[a-z0-9_]+", self.key):
            raise SaliencyError(
                f'"{self.key}" cannot be the key of a saliency method; use small letters, digits and "_".'
            )
        if self.key.startswith(TWIN) or self.key.endswith(ends):
            raise SaliencyError(
                f'"{self.key}" cannot be the key of a saliency method, since an evaluation tells by '
                f'"{TWIN}", "{ends[0]}" and "{ends[1]}" whose map it is and how it is scaled; choose another.'
            )


# Colours: Okabe & Ito (2008), told apart by the colour-blind, and more of the like; the patch map's own,
# #d55e00, is not among them.
SALIENCY: dict[str, Saliency] = {
    method.key: method
    for method in (
        # Selvaraju et al., ICCV 2017: channels weighed by their mean gradient, positive part.
        Saliency("grad_cam", "Grad-CAM", Cam("GradCAM"), "#009e73", default=True),
        # Chattopadhay et al., WACV 2018.
        Saliency("grad_cam_plus_plus", "Grad-CAM++", Cam("GradCAMPlusPlus"), "#cc79a7", default=True),
        # Draelos & Carin, 2020: gradient times activation, element by element.
        Saliency("hires_cam", "HiResCAM", Cam("HiResCAM"), "#e69f00", default=True),
        # Muhammad & Yeasin, IJCNN 2020: first principal component of the activations; does not look at the
        # query.
        Saliency("eigen_cam", "Eigen-CAM", Cam("EigenCAM"), "#56b4e9", default=True),
        # Jiang et al., IEEE TIP 2021: activations weighed by positive gradients, element by element.
        Saliency("layer_cam", "LayerCAM", Cam("LayerCAM"), "#7a7a7a", default=True),
        Saliency(
            "attention_rollout",
            "Attention rollout",
            attention_rollout,
            "#b8a000",
            default=True,
            needs_attention=True,
        ),
        Saliency(
            "attention_gradient",
            "Attention gradient",
            attention_gradient,
            "#8c564b",
            default=True,
            needs_attention=True,
        ),
        Saliency("raw_cosine", "Raw cosine map", raw_cosine, "#000000", default=True),
        # 225 passes through the tower per image, so it must be asked for.
        Saliency("occlusion", "Occlusion", occlusion, "#6a3d9a", default=False),
    )
}
"""key -> method; a new one is one more row."""


def default_methods() -> tuple[str, ...]:
    """Keys of the methods that an evaluation compares with unless told otherwise, in the table's order."""
    return tuple(method.key for method in SALIENCY.values() if method.default)


def applicable_methods(model: PatchCLIP) -> tuple[str, ...]:
    """Keys of the methods that can be applied to a model's tower, in the table's order."""
    attention = model.tower.has_attention
    return tuple(method.key for method in SALIENCY.values() if attention or not method.needs_attention)


def saliency_method(key: str) -> Saliency:
    """The method of that key.

    Raises:
        SaliencyError: there is none.
    """
    if key not in SALIENCY:
        raise SaliencyError(f'There is no saliency method "{key}"; choose one of {", ".join(SALIENCY)}.')
    return SALIENCY[key]


def saliency_maps(task: SaliencyTask, keys: Sequence[str]) -> dict[str, FloatArray]:
    """Several methods on one task, key -> [K, R, C]; those of the CAM family share their forward and backward
    passes.

    Raises:
        SaliencyError: a method is unknown, or cannot be applied to this tower.
    """
    functions = {key: saliency_method(key).function for key in keys}
    cams = {key: function.kind for key, function in functions.items() if isinstance(function, Cam)}
    shared = cam_maps(task, cams)
    return {key: shared[key] if key in shared else function(task) for key, function in functions.items()}
