"""A model with its normalisation folded computes the same; of other towers nothing is touched."""

from __future__ import annotations

import pytest
import torch
from timm.layers.norm_act import BatchNormAct2d

from patchclip.model.checkpoint import load_checkpoint
from patchclip.model.folding import folded
from patchclip.model.patchclip import PatchCLIP
from patchclip.resources import BUNDLED


@pytest.fixture(scope="module")
def model() -> PatchCLIP:
    """The bundled one."""
    return load_checkpoint(BUNDLED).model.eval()


def normalisations(model: PatchCLIP) -> int:
    """How many stand by themselves."""
    return sum(isinstance(module, BatchNormAct2d) for module in model.modules())


def test_a_folded_model_gives_the_same_and_leaves_the_model_as_it_is(model: PatchCLIP) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    size = model.config.image_size
    pixels = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(3))
    valid = torch.ones(2, *model.grid, dtype=torch.bool)

    fast = folded(model)

    assert normalisations(model) > 50 and normalisations(fast) == 0
    with torch.inference_mode():
        ours, theirs = fast.encode_image(pixels, valid), model.encode_image(pixels, valid)
    for name in ("global_", "patches", "pooled", "tokens"):
        one, other = getattr(ours, name), getattr(theirs, name)
        assert torch.allclose(one, other, atol=2e-5) and float(other.std()) > 0.01, name
    after = model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_what_is_not_folded_is_shared(model: PatchCLIP) -> None:
    ours = {tensor.data_ptr() for tensor in folded(model).state_dict().values()}
    theirs = {name: tensor.data_ptr() for name, tensor in model.state_dict().items()}
    assert theirs["logit_bias"] in ours
    new = ours - set(theirs.values())
    assert 0 < len(new) <= 2 * normalisations(model)


def test_a_tower_of_another_kind_stays_as_it_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.tiny import tiny_checkpoint

    tiny = load_checkpoint(tiny_checkpoint(tmp_path_factory.mktemp("other"))).model
    assert (folded(tiny) is tiny) == (normalisations(tiny) == 0)
