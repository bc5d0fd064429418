"""The timm trunk against open_clip's own adapter, of which it is the lighter form."""

from __future__ import annotations

import pytest
import torch
from open_clip.timm_model import TimmModel

from patchclip.model.trunk import TimmTrunk


@pytest.mark.parametrize(
    ("name", "levels"), [("mobilenetv2_050", [2, 3, 4]), ("vit_tiny_patch16_224", [5, 11])]
)
def test_it_computes_what_open_clip_s_adapter_does_with_the_same_weights(
    name: str, levels: list[int]
) -> None:
    torch.manual_seed(0)
    trunk = TimmTrunk(name, 32, 96).eval()
    adapter = TimmModel(name, 32, image_size=96, pool="avg", proj="linear").eval()
    adapter.set_input_size(96)
    adapter.load_state_dict(trunk.state_dict())
    pixels = torch.rand(2, 3, 96, 96)
    with torch.no_grad():
        ours = trunk.forward_intermediates(pixels, levels, normalize_intermediates=True)
        theirs = adapter.forward_intermediates(pixels, indices=levels, normalize_intermediates=True)
    assert isinstance(ours["image_features"], torch.Tensor)
    with torch.no_grad():
        assert torch.equal(trunk(pixels), adapter(pixels))
    assert torch.equal(ours["image_features"], theirs["image_features"])
    assert all(
        torch.equal(one, other)
        for one, other in zip(ours["image_intermediates"], theirs["image_intermediates"], strict=True)
    )
