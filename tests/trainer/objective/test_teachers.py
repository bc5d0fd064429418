"""Learning from other models' answers: what the teachers say, the terms against plain loops, and a run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from patchclip.errors import DataError
from patchclip.model.checkpoint import load_checkpoint, save_checkpoint
from patchclip.model.patchclip import PatchCLIP, mil_logit
from tests.tiny import CONFIG, VOCABULARY
from tests.trainer.fit.runs import changes, fit, miniature, short_recipe
from trainer.batches.dataset import Batch
from trainer.config import FitConfig
from trainer.objective.prompts import PromptBank
from trainer.objective.teachers import Teachers, taught_image_loss, taught_patch_loss

CPU = torch.device("cpu")
COUNT = len(VOCABULARY.labels)


def draws(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))) * 2


def cross_entropy(logit: float, probability: float) -> float:
    said = 1 / (1 + math.exp(-logit))
    return -probability * math.log(said) - (1 - probability) * math.log(1 - said)


def batch(edge: int = 4) -> Batch:
    """Two images of noise, 64 px, whose last column of patches is padding; nothing is known of them."""
    valid = torch.ones(2, edge, edge, dtype=torch.bool)
    valid[:, :, -1] = False
    nothing = torch.zeros(2, COUNT)
    return Batch(
        pixels=torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1)),
        valid=valid,
        image_targets=nothing.to(torch.int8),
        image_weights=nothing,
        patch_targets=torch.zeros(2, edge * edge, COUNT, dtype=torch.int8),
        negative_weights=nothing,
        positive_weights=torch.zeros(2, edge * edge, COUNT),
        mined=nothing.bool(),
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Folders of two untrained models that differ."""
    folders = []
    for seed in range(2):
        torch.manual_seed(seed)
        folder = tmp_path_factory.mktemp(f"teacher{seed}")
        save_checkpoint(folder, PatchCLIP(CONFIG), VOCABULARY)
        folders.append(str(folder))
    return folders


def test_a_lesson_is_the_mean_of_what_each_teacher_says(two: list[str]) -> None:
    given = batch()
    patches, images = [], []
    for seed in range(2):
        torch.manual_seed(seed)
        model = PatchCLIP(CONFIG).eval()
        ends = PromptBank(model, VOCABULARY, list(VOCABULARY.labels)).directions(model, None)
        with torch.no_grad():
            seen = model.encode_image(given.pixels, given.valid)
            patches.append(model.pair_logits(seen.patches, *ends))
            images.append(mil_logit(patches[-1], seen.valid))
    lesson = Teachers(two, VOCABULARY, CPU).lesson(given)
    # Checkpoints are stored in half precision.
    assert torch.allclose(lesson.patches, (patches[0] + patches[1]) / 2, atol=0.02)
    assert torch.allclose(lesson.image, (images[0] + images[1]) / 2, atol=0.02)
    assert (patches[0] - patches[1]).abs().max() > 0.1  # so that the mean is neither
    assert not lesson.patches.requires_grad


def test_teachers_with_patches_of_another_size_are_refused(two: list[str]) -> None:
    with pytest.raises(DataError, match="4 patches along an edge where the recipe has 8"):
        Teachers(two, VOCABULARY, CPU).lesson(batch(edge=8))


def test_the_image_term_is_the_plain_double_loop() -> None:
    logits, lesson = draws(3, 4), draws(4, 3).T
    expected = sum(
        cross_entropy(float(logits[b, k]), float(lesson[b, k].sigmoid())) for b in range(3) for k in range(4)
    )
    assert float(taught_image_loss(logits, lesson)) == pytest.approx(expected / 12, abs=1e-5)


def test_the_patch_term_is_the_plain_triple_loop_over_patches_in_the_image() -> None:
    images, patches, findings, lit = 2, 6, 3, 0.7
    logits, lesson = draws(images, patches, findings), draws(findings, patches, images).permute(2, 1, 0)
    valid = torch.tensor([[True] * 6, [True, True, False, True, False, True]])
    total = 0.0
    for b in range(images):
        inside = [p for p in range(patches) if valid[b, p]]
        for k in range(findings):
            said = {p: float(lesson[b, p, k].sigmoid()) for p in inside}
            bright = max(1.0, sum(said.values()))
            for p in inside:
                weight = 1 / len(inside) + lit * said[p] / bright
                total += weight * cross_entropy(float(logits[b, p, k]), said[p])
    assert float(taught_patch_loss(logits, lesson, valid, lit)) == pytest.approx(
        total / (images * findings), abs=1e-5
    )


def test_nothing_is_left_to_learn_where_the_teachers_are() -> None:
    lesson = draws(2, 6, 3)
    valid = torch.ones(2, 6, dtype=torch.bool)
    there = lesson.clone().requires_grad_()
    taught_patch_loss(there, lesson, valid, 0.5).backward()
    assert there.grad is not None
    assert float(there.grad.abs().max()) < 1e-6
    beside = (lesson + 1).requires_grad_()
    taught_patch_loss(beside, lesson, valid, 0.5).backward()
    assert beside.grad is not None
    assert float(beside.grad.min()) > 0  # downhill is back to them


def test_teachers_and_their_weight_come_together() -> None:
    for values in ({"teachers": ["somewhere"]}, {"loss": {"taught_patch": 1.0}}):
        with pytest.raises(DataError, match="set both teachers and loss"):
            FitConfig.from_dict(values)


def test_a_model_learns_what_its_teacher_says(tmp_path: Path) -> None:
    """A teacher that lights every patch of every image, beside labels that weigh next to nothing."""
    place = miniature(tmp_path, short_recipe(samples=32))
    assert fit(place, place / "teacher") == 0
    learnt = load_checkpoint(place / "teacher" / "last")
    with torch.no_grad():
        learnt.model.logit_bias.fill_(2.0)
    save_checkpoint(place / "bright", learnt.model, learnt.vocabulary)
    flags = changes(
        f"teachers={json.dumps([str(place / 'bright')])}",
        "loss.taught_image=1.0",
        "loss.taught_patch=1.0",
        *(f"loss.{name}=0.001" for name in ("patch", "mil", "global", "pooled")),
        "optim.epochs=[6]",
        "optim.lr_heads=0.02",
    )
    assert fit(place, place / "student", *flags) == 0
    rows = [json.loads(line)["losses"] for line in (place / "student" / "log.jsonl").read_text().splitlines()]
    for term in ("taught_image", "taught_patch"):
        assert rows[-1][term] < 0.8 * rows[0][term]
    student = load_checkpoint(place / "student" / "last").model
    assert float(student.logit_bias) > -4  # where it began
