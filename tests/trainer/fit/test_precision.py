"""What "auto" computes in on which machine."""

from __future__ import annotations

from types import MappingProxyType

import pytest
import torch

from trainer.config import OptimConfig
from trainer.fit.precision import autocast, chosen_precision

CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("capabilities", "chosen"),
    [
        ({"avx2": True, "avx512_bf16": False, "amx_bf16": False}, "fp32"),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": True}, "bf16"),
        ({"neon": True, "bf16": True}, "bf16"),
        ({"neon": True}, "fp32"),
    ],
)
def test_a_processor_is_asked_whether_it_has_bf16(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], chosen: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: MappingProxyType(capabilities))
    assert chosen_precision("auto", CPU) == chosen
    with autocast(CPU, "auto"):
        product = torch.ones(4, 4) @ torch.ones(4, 4)
    assert product.dtype is (torch.bfloat16 if chosen == "bf16" else torch.float32)


def test_a_graphics_card_without_bf16_takes_fp16(monkeypatch: pytest.MonkeyPatch) -> None:
    for has, chosen in ((True, "bf16"), (False, "fp16")):
        monkeypatch.setattr(
            torch.cuda,
            "is_bf16_supported",
            lambda including_emulation=True, has=has: has or including_emulation,
        )
        assert chosen_precision("auto", GPU) == chosen


def test_what_is_named_is_what_is_computed() -> None:
    assert OptimConfig().precision == "auto"
    for precision, kind in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        assert chosen_precision(precision, CPU) == precision
        with autocast(CPU, precision):
            assert (torch.ones(4, 4) @ torch.ones(4, 4)).dtype is kind
