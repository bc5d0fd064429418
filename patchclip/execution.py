"""How a model is computed: by which library, in which precision, with or without the mirror image."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from patchclip.errors import CheckpointError

Backend = Literal["auto", "torch", "onnx"]
Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class Execution:
    """How an engine computes the pass through the tower; the weights stay the same.

    Raises:
        CheckpointError: a value is unknown, or ONNX is to compute in bf16.

    Attributes:
        backend: "torch"; "onnx", ONNX Runtime on the graph that `python -m patchclip onnx` has written beside
            the checkpoint, with the same results to 1e-4 of a probability; "auto", whichever of the two is
            faster on a blank image, measured when the engine is made. Saliency by gradients is torch's in any
            case.
        precision: "fp32"; "bf16", with which a probability differs by less than .01 (tested), in torch alone;
            "auto", bf16 where the processor computes it natively and fp32 elsewhere.
        mirror: whether an image is encoded together with its mirror image where the model was calibrated so.
            Without, a pass takes half of the time, and probabilities are no longer those that were
            calibrated.
    """

    backend: Backend = "torch"
    precision: Precision = "fp32"
    mirror: bool = True

    def __post_init__(self) -> None:
        for name, value, known in (
            ("back end", self.backend, get_args(Backend)),
            ("precision", self.precision, get_args(Precision)),
        ):
            if value not in known:
                raise CheckpointError(f'There is no {name} "{value}"; choose one of {", ".join(known)}.')
        if self.backend == "onnx" and self.precision == "bf16":
            raise CheckpointError("ONNX Runtime computes in fp32 here; choose --backend torch with bf16.")


@dataclass(frozen=True, slots=True)
class Computation:
    """How answers were computed, for the record: `Execution` is what was asked for, this is what it came to.

    Attributes:
        backend: the library, "torch" or "onnxruntime (CPU)".
        precision: "fp32" or "bf16".
        mirror: whether the mirror image was encoded too.
        input_size: of the tower's input, in pixels a side.
        device: "cpu", "cuda", ...
    """

    backend: str
    precision: str
    mirror: bool
    input_size: int
    device: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON types, by these names."""
        return asdict(self)

    def __str__(self) -> str:
        mirror = "with" if self.mirror else "without"
        return (
            f"{self.backend}, {self.precision}, {mirror} the mirror image, {self.input_size} x "
            f"{self.input_size} pixels, {self.device}"
        )


def add_execution_arguments(parser: argparse.ArgumentParser) -> None:
    """--backend, --precision and --no-mirror; read by `execution_of`."""
    parser.add_argument(
        "--backend",
        choices=get_args(Backend),
        default="torch",
        help="what computes the model: torch, ONNX Runtime (see the command onnx), or auto, whichever is "
        "faster here (torch)",
    )
    parser.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="fp32",
        help="auto: bf16 where the processor computes it natively, which moves a probability by less than "
        ".01 (fp32)",
    )
    parser.add_argument(
        "--no-mirror",
        action="store_true",
        help="without the pass of the mirror image: half of the time, and probabilities that were not "
        "calibrated so",
    )


def execution_of(options: argparse.Namespace) -> Execution:
    """What the flags of `add_execution_arguments` ask for.

    Raises:
        CheckpointError: see `Execution`.
    """
    return Execution(options.backend, options.precision, mirror=not options.no_mirror)
