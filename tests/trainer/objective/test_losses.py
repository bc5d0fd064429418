"""The objectives against plain loops, term by term."""

from __future__ import annotations

import math

import pytest
import torch

from patchclip.model.patchclip import PatchCLIP
from tests.tiny import CONFIG
from trainer.objective.losses import (
    SparseSets,
    image_loss,
    pair_cross_entropy,
    patch_loss,
    sparse_loss,
    sparse_sets,
)
from trainer.objective.total import encode_sets

GENERATOR = torch.Generator().manual_seed(0)


def softmax_loss(z: float, positive: bool) -> float:
    """Cross-entropy of the two-way softmax over logits (z, 0), written out."""
    probability = math.exp(z) / (math.exp(z) + 1)
    return -math.log(probability if positive else 1 - probability)


def test_pair_cross_entropy_is_the_softmax_over_two_prompts() -> None:
    logits = torch.randn(50, generator=GENERATOR) * 3
    targets = torch.randint(0, 2, (50,), generator=GENERATOR)
    expected = torch.nn.functional.cross_entropy(
        torch.stack([torch.zeros(50), logits], dim=1), targets, reduction="none"
    )
    assert torch.allclose(pair_cross_entropy(logits, targets), expected, atol=1e-6)


def test_patch_loss_is_the_plain_triple_loop() -> None:
    images, patches, findings = 3, 20, 4
    logits = torch.randn(images, patches, findings, generator=GENERATOR) * 2
    targets = torch.randint(-1, 2, (images, patches, findings), generator=GENERATOR, dtype=torch.int8)
    positive_weight = torch.rand(findings, generator=GENERATOR)
    negative_weight = torch.rand(images, findings, generator=GENERATOR)
    total = 0.0
    for b in range(images):
        for p in range(patches):
            for k in range(findings):
                target = int(targets[b, p, k])
                if target == 1:
                    total += float(positive_weight[k]) * softmax_loss(float(logits[b, p, k]), True)
                elif target == 0:
                    total += float(negative_weight[b, k]) * softmax_loss(float(logits[b, p, k]), False)
    assert abs(float(patch_loss(logits, targets, positive_weight, negative_weight)) - total / images) < 1e-5


def test_patch_loss_of_means_counts_each_finding_of_an_image_once() -> None:
    """Against plain loops: a nodule of two patches weighs what an effusion of two hundred does."""
    images, patches, findings = 3, 24, 3
    logits = torch.randn(images, patches, findings, generator=GENERATOR) * 2
    targets = torch.randint(-1, 2, (images, patches, findings), generator=GENERATOR, dtype=torch.int8)
    targets[0, :, 0] = -1  # nothing is known
    targets[1, :, 1] = 0  # absent everywhere
    positive_weight = torch.rand(findings, generator=GENERATOR)
    negative_weight = torch.rand(images, findings, generator=GENERATOR)
    trust = torch.rand(images, patches, findings, generator=GENERATOR)
    total = 0.0
    for b in range(images):
        for k in range(findings):
            inside = [p for p in range(patches) if targets[b, p, k] == 1]
            outside = [p for p in range(patches) if targets[b, p, k] == 0]
            for p in inside:
                share = float(positive_weight[k] * trust[b, p, k]) / len(inside)
                total += share * softmax_loss(float(logits[b, p, k]), True)
            for p in outside:
                total += (
                    float(negative_weight[b, k]) / len(outside) * softmax_loss(float(logits[b, p, k]), False)
                )
    result = patch_loss(logits, targets, positive_weight, negative_weight, trust, means=True)
    assert abs(float(result) - total / images) < 1e-5


def test_the_top_left_patch_can_be_positive() -> None:
    logits = torch.zeros(1, 9, 1, requires_grad=True)
    targets = torch.zeros(1, 9, 1, dtype=torch.int8)
    targets[0, 0, 0] = 1
    patch_loss(logits, targets, torch.ones(1), torch.ones(1, 1)).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0, 0] < 0  # its logit is pushed up
    assert (logits.grad[0, 1:, 0] > 0).all()


def test_ignored_patches_and_unknown_findings_teach_nothing() -> None:
    logits = torch.randn(2, 6, 3, generator=GENERATOR, requires_grad=True)
    targets = torch.zeros(2, 6, 3, dtype=torch.int8)
    targets[:, 2] = -1
    patch_loss(logits, targets, torch.ones(3), torch.ones(2, 3)).backward()
    assert logits.grad is not None and (logits.grad[:, 2] == 0).all() and (logits.grad[:, 1] != 0).all()
    whole = torch.randn(2, 3, generator=GENERATOR, requires_grad=True)
    image_loss(whole, torch.tensor([[1, -1, 0], [0, 1, -1]], dtype=torch.int8), torch.ones(2, 3)).backward()
    assert whole.grad is not None
    assert ((whole.grad == 0) == torch.tensor([[False, True, False], [False, False, True]])).all()


def test_a_batch_in_halves_has_the_same_loss() -> None:
    logits = torch.randn(4, 5, 2, generator=GENERATOR)
    targets = torch.randint(-1, 2, (4, 5, 2), generator=GENERATOR, dtype=torch.int8)
    positive, negative = torch.rand(2, generator=GENERATOR), torch.rand(4, 2, generator=GENERATOR)
    whole = patch_loss(logits, targets, positive, negative)
    halves = [
        patch_loss(logits[part], targets[part], positive, negative[part])
        for part in (slice(0, 2), slice(2, 4))
    ]
    assert torch.allclose(whole, torch.stack(halves).mean(), atol=1e-6)


def test_sparse_sets_hold_positive_patches_and_the_brightest_wrong_ones() -> None:
    logits = torch.zeros(2, 16, 3)
    targets = torch.zeros(2, 16, 3, dtype=torch.int8)
    targets[0, [0, 5, 7], 1] = 1  # three positive patches of finding 1 on image 0, the top-left among them
    logits[1, 9, 2] = 4.0  # the brightest patch of a finding that image 1 is free of
    image_targets = torch.tensor([[0, 1, -1], [0, -1, 0]], dtype=torch.int8)
    sets = sparse_sets(
        logits, targets, image_targets, torch.ones(2, 3), torch.ones(2, 16, dtype=torch.bool), limit=8
    )
    assert sets.target.tolist() == [1, 0, 0] and sets.weight.tolist() == [1, 1, 1]
    assert (int(sets.image[0]), int(sets.finding[0])) == (0, 1)
    assert set(sets.index[0][sets.mask[0]].tolist()) == {0, 5, 7}
    assert list(zip(sets.image.tolist(), sets.finding.tolist(), strict=True))[1:] == [(0, 0), (1, 2)]
    assert sets.index[2][sets.mask[2]].tolist() == [9]


def test_sparse_sets_trust_absence_as_far_as_the_image_weight_says() -> None:
    """What a report does not mention is weak evidence: less weight, and none at all where the weight is 0."""
    logits = torch.zeros(3, 16, 2)
    logits[:, 3, 0] = 4.0  # finding 0 is lit more than finding 1
    targets = torch.full((3, 16, 2), -1, dtype=torch.int8)
    absent = torch.zeros(3, 2, dtype=torch.int8)
    weights = torch.tensor([[0.3, 1.0], [0.0, 1.0], [0.0, 0.0]])
    sets = sparse_sets(logits, targets, absent, weights, torch.ones(3, 16, dtype=torch.bool), limit=8)
    assert sets.image.tolist() == [0, 1] and sets.finding.tolist() == [0, 1]
    assert sets.weight.tolist() == pytest.approx([0.3, 1.0])
    own = torch.tensor([0.5, -1.0])
    expected = (0.3 * softmax_loss(0.5, False) + softmax_loss(-1.0, False)) / 3
    assert float(sparse_loss(own, sets.target, sets.weight, 3)) == pytest.approx(expected, rel=1e-5)


def test_padding_is_in_no_sparse_set() -> None:
    logits = torch.zeros(2, 16, 1)
    logits[0, 0] = 9.0  # brightest in the padding
    logits[0, 4] = 1.0
    valid = torch.ones(2, 16, dtype=torch.bool)
    valid[0, :2], valid[1] = False, False
    targets = torch.full((2, 16, 1), -1, dtype=torch.int8)
    sets = sparse_sets(
        logits, targets, torch.zeros(2, 1, dtype=torch.int8), torch.ones(2, 1), valid, limit=128
    )
    assert sets.image.tolist() == [0]
    chosen = sets.index[0][sets.mask[0]].tolist()
    assert chosen[0] == 4 and not {0, 1} & set(chosen) and len(chosen) == 14


def test_sets_are_encoded_alike_apart_and_together() -> None:
    """Of many sizes and in any order, against one set after another without an empty slot."""
    torch.manual_seed(0)
    model = PatchCLIP(CONFIG).eval()
    tokens = torch.randn(3, 16, CONFIG.token_width, requires_grad=True)
    sizes, image = [8, 1, 3, 1, 2, 5], torch.tensor([2, 0, 1, 1, 0, 2])
    index = torch.stack([torch.randperm(16)[:8] for _ in sizes])
    mask = torch.arange(8) < torch.tensor(sizes).unsqueeze(1)
    nothing = torch.zeros(len(sizes), dtype=torch.int64)
    sets = SparseSets(image, nothing, index, mask, nothing, torch.ones(len(sizes)))
    found = encode_sets(model, tokens, (4, 4), sets)
    for row, size in enumerate(sizes):
        alone = model.encode_sparse(
            tokens[image[row]].unsqueeze(0),
            (4, 4),
            index[row : row + 1, :size],
            torch.ones(1, size, dtype=torch.bool),
            torch.tensor([0]),
        )
        torch.testing.assert_close(found[row], alone[0], rtol=1e-4, atol=1e-5)
    found[0].sum().backward()
    assert tokens.grad is not None
    touched = {(int(i), int(p)) for i, p in tokens.grad.abs().sum(dim=2).nonzero()}
    assert touched == {(2, int(p)) for p in index[0]}
    none = SparseSets(
        *(getattr(sets, name)[:0] for name in ("image", "finding", "index", "mask", "target", "weight"))
    )
    assert encode_sets(model, tokens, (4, 4), none).shape == (0, CONFIG.embed_dim)
