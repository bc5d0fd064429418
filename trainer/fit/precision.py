"""Number formats of a training step: which one a machine computes fast, and the context that uses it."""

from __future__ import annotations

import torch

_BF16 = ("avx512_bf16", "amx_bf16", "bf16")
"""What torch calls a processor's own bf16 arithmetic, x86's two and ARM's."""


def chosen_precision(precision: str, device: torch.device) -> str:
    """What "auto" stands for on a device: bf16 where it is computed natively, else fp16 on a GPU and fp32 on
    a CPU; others as they are.

    A processor without bf16 arithmetic computes it by way of fp32, many times slower than fp32 itself.
    """
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    capabilities = torch.cpu.get_capabilities()
    return "bf16" if any(capabilities.get(name) for name in _BF16) else "fp32"


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """The context of a forward pass; "fp32" computes everything in full."""
    kinds = {"bf16": torch.bfloat16, "fp16": torch.float16}
    chosen = chosen_precision(precision, device)
    return torch.autocast(device.type, dtype=kinds.get(chosen, torch.bfloat16), enabled=chosen in kinds)
