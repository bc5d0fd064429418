"""Labels that are sometimes wrong: how often is counted, and what is learnt through that."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from patchclip import DataError
from trainer.config import FitConfig
from trainer.data.sample import Sample
from trainer.objective.label_noise import LabelNoise, noise_rates
from trainer.objective.losses import image_loss, noisy_cross_entropy, pair_cross_entropy

GENERATOR = torch.Generator().manual_seed(3)


def sample(**checked: tuple[bool, bool]) -> Sample:
    return Sample(Path("a.png"), "1", "nih", {}, checked=checked)


def test_a_noisy_label_is_compared_with_the_probability_that_it_says_so() -> None:
    for z in (-3.0, -0.2, 0.0, 1.5, 4.0):
        p = 1 / (1 + math.exp(-z))
        said = 0.1 * (1 - p) + (1 - 0.4) * p
        for target, expected in ((1, -math.log(said)), (0, -math.log(1 - said))):
            loss = noisy_cross_entropy(
                torch.tensor(z), torch.tensor(target), torch.tensor(0.1), torch.tensor(0.4)
            )
            assert float(loss) == pytest.approx(expected, rel=1e-5)


def test_a_label_that_is_never_wrong_is_taken_at_its_word() -> None:
    logits = (torch.randn(50, generator=GENERATOR) * 8).requires_grad_()
    targets = torch.randint(0, 2, (50,), generator=GENERATOR)
    zero = torch.zeros(50)
    noisy = noisy_cross_entropy(logits, targets, zero, zero)
    plain = pair_cross_entropy(logits, targets)
    assert torch.allclose(noisy, plain, atol=1e-5)
    (one,), (other,) = (torch.autograd.grad(loss.sum(), logits, retain_graph=True) for loss in (noisy, plain))
    assert torch.allclose(one, other, atol=1e-5)


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([-200.0, 200.0, -200.0, 200.0], requires_grad=True)
    targets = torch.tensor([0, 1, 1, 0])
    loss = noisy_cross_entropy(logits, targets, torch.full((4,), 0.1), torch.full((4,), 0.3))
    assert torch.allclose(loss, -torch.log(torch.tensor([0.9, 0.7, 0.1, 0.3])), atol=1e-4)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert torch.isfinite(gradient).all()


def test_the_frequency_of_wrong_labels_is_not_learnt_as_the_probability() -> None:
    """Of 1,000 images a third has the finding; the labels miss half of these and invent a tenth."""
    present = torch.arange(1000) < 333
    named = torch.where(present, torch.arange(1000) % 2 == 0, torch.arange(1000) % 10 == 0).int()
    logit = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([logit], max_iter=50)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = noisy_cross_entropy(
            logit.expand(1000), named, torch.full((1000,), 0.1), torch.full((1000,), 0.5)
        ).mean()
        value.backward()
        return value

    optimiser.step(loss)
    assert float(logit.detach().sigmoid()) == pytest.approx(1 / 3, abs=0.01)


def test_only_mined_labels_are_doubted() -> None:
    noise = LabelNoise(torch.tensor([0.1, 0.2]), torch.tensor([0.5, 0.6]))
    mined = torch.tensor([[True, False], [False, False]])
    invented, missed = noise.of(mined)
    assert torch.equal(invented, torch.tensor([[0.1, 0.0], [0.0, 0.0]]))
    assert torch.equal(missed, torch.tensor([[0.5, 0.0], [0.0, 0.0]]))
    logits, targets = torch.tensor([[0.3, -0.4], [1.0, 2.0]]), torch.tensor([[1, 0], [0, -1]])
    weights = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    expected = (
        float(noisy_cross_entropy(logits[0, 0], torch.tensor(1), torch.tensor(0.1), torch.tensor(0.5)))
        + 2 * float(pair_cross_entropy(logits[0, 1], torch.tensor(0)))
        + 3 * float(pair_cross_entropy(logits[1, 0], torch.tensor(0)))
    ) / 2
    assert float(image_loss(logits, targets, weights, noise.of(mined))) == pytest.approx(expected, rel=1e-5)


def test_rates_are_counted_and_drawn_towards_those_of_all() -> None:
    samples = [
        *[sample(Mass=(True, True))] * 30,
        *[sample(Mass=(False, True))] * 30,
        *[sample(Mass=(True, False))] * 4,
        *[sample(Mass=(False, False))] * 96,
        sample(Nodule=(False, True)),
    ]
    invented, missed = noise_rates(samples, ("Mass", "Nodule", "Edema"))
    all_invented, all_missed = 4 / 100, 31 / 61
    assert invented == pytest.approx([(4 + 10 * all_invented) / 110, all_invented, all_invented])
    assert missed == pytest.approx([(30 + 10 * all_missed) / 70, (1 + 10 * all_missed) / 11, all_missed])


def test_labels_that_tell_nothing_keep_a_little_sense() -> None:
    samples = [sample(Mass=(True, False)), sample(Mass=(False, True))] * 40
    invented, missed = noise_rates(samples, ("Mass",))
    assert invented + missed == pytest.approx([0.95])
    assert np.all(invented > 0)


def test_nothing_counted_and_a_share_that_is_none_are_said() -> None:
    with pytest.raises(DataError, match=r"loss\.label_noise needs images .* set it to 0"):
        noise_rates([sample()], ("Mass",))
    config = FitConfig()
    with pytest.raises(DataError, match=r"loss\.label_noise is 1\.5; set it between 0 and 1"):
        replace(config, loss=replace(config.loss, label_noise=1.5))
