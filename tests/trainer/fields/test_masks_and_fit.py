"""Which images teach, what they teach, and that the small network learns it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from patchclip.errors import DataError
from patchclip.image.thorax import SIZE, load_lung_net, lung_masks, thorax_of
from trainer.data.sample import Sample
from trainer.fields import fit
from trainer.fields.fit import Lesson, augmented, lesson, loss_of, save, train
from trainer.fields.masks import Masked, divided, one_each, targets, two_lungs


def sample(number: int, patient: str | None) -> Sample:
    """Without anything known but whose it is."""
    return Sample(Path(f"{number}.png"), patient, "drawn", {})


SAMPLES = [sample(number, f"p{number // 3}") for number in range(300)]


def drawn_lungs(rng: np.random.Generator, size: int = SIZE) -> tuple[torch.Tensor, np.ndarray]:
    """A picture of two dark ellipses, standardised, and their masks [2, size, size]."""
    rows, cols = (np.mgrid[0:size, 0:size] + 0.5) / size
    y = rng.uniform(0.45, 0.55)
    masks = np.stack(
        [
            ((cols - x) / rng.uniform(0.13, 0.18)) ** 2 + ((rows - y) / rng.uniform(0.28, 0.36)) ** 2 <= 1
            for x in (rng.uniform(0.26, 0.32), rng.uniform(0.68, 0.74))
        ]
    )
    picture = 1 - masks.any(axis=0) + 0.05 * rng.standard_normal((size, size))
    picture = (picture - picture.mean()) / picture.std()
    return torch.from_numpy(picture.astype(np.float32))[None], masks


def test_nobody_is_learnt_from_and_measured_on() -> None:
    learnt, held_out = divided(SAMPLES)
    assert not {item.patient for item in learnt} & {item.patient for item in held_out}
    assert len(learnt) + len(held_out) == 300 and 0.1 < len(held_out) / 300 < 0.4


def test_one_image_of_each_patient_whatever_the_order() -> None:
    chosen = one_each(SAMPLES, 40)
    assert len({item.patient for item in chosen}) == len(chosen) == 40
    assert one_each(SAMPLES[::-1], 40) == chosen
    assert one_each(SAMPLES, 60)[:40] == chosen
    assert len(one_each([sample(number, None) for number in range(7)], 40)) == 7


def test_the_two_largest_parts_are_lungs_from_left_to_right() -> None:
    mask = np.zeros((100, 100), bool)
    mask[20:80, 60:90] = True
    mask[20:70, 10:40] = True
    mask[90:93, 90:93] = True
    lungs = two_lungs(mask)
    assert lungs is not None
    assert lungs[0].sum() == 50 * 30 and lungs[0][:, :50].sum() == 50 * 30
    assert lungs[1].sum() == 60 * 30 and not (lungs[0] & lungs[1]).any()
    mask[:, :50] = False
    assert two_lungs(mask) is None and two_lungs(np.zeros((100, 100), bool)) is None


def test_targets_are_shares_of_pixels() -> None:
    lungs = np.zeros((2, 512, 512), bool)
    lungs[0, :, :2] = True  # half of the first column of 4 x 4 blocks
    small = targets(lungs)
    assert small.shape == (2, SIZE, SIZE)
    assert (small[0, :, 0] == 0.5).all() and small[0, :, 1:].max() == 0 and small[1].max() == 0


def test_augmentation_keeps_lungs_with_their_picture_and_left_at_the_left() -> None:
    torch.manual_seed(3)
    rng = np.random.default_rng(3)
    pairs = [drawn_lungs(rng) for _ in range(12)]
    inputs = torch.stack([picture for picture, _ in pairs])
    masks = torch.stack([torch.from_numpy(lungs.astype(np.float32)) for _, lungs in pairs])
    changed, moved = augmented(inputs, masks)
    columns = torch.arange(SIZE).float()
    for picture, lungs in zip(changed[:, 0], moved, strict=True):
        centre = [float((lung.sum(0) * columns).sum() / lung.sum()) for lung in lungs]
        assert centre[0] < centre[1]
        inside = lungs.sum(0) > 0.5
        ordered = picture[inside].median() - picture[~inside].median()
        assert float(ordered) < -0.5  # lungs stay dark where the masks are
    assert not torch.equal(moved, masks)


def test_the_loss_is_least_for_the_right_masks() -> None:
    masks = torch.zeros(2, 2, 8, 8)
    masks[0, 0, :, :4] = 1
    masks[0, 1, :, 4:] = 1  # the second picture has no lungs
    right = (masks * 2 - 1) * 20
    assert float(loss_of(right, masks)) < 1e-4
    swapped = right.flip(1)
    assert float(loss_of(swapped, masks)) > 1 and float(loss_of(right * 0, masks)) > 0.5


def test_too_few_images_teach_nothing() -> None:
    rng = np.random.default_rng(0)
    items = [Masked(SAMPLES[0], drawn_lungs(rng)[0], (10, 10), None)] * 30
    with pytest.raises(DataError, match="two lungs on 0 images; 20 are needed"):
        lesson(items)


def test_other_pictures_have_empty_masks() -> None:
    rng = np.random.default_rng(0)
    items = [Masked(SAMPLES[n], *_masked(rng)) for n in range(20)]
    data = lesson(items, each=1)
    assert len(data.inputs) == len(data.masks) == 20 + 17 + 2 * 4
    assert (data.masks[:20].sum((1, 2, 3)) > 0).all() and data.masks[20:].max() == 0
    assert torch.isfinite(data.inputs).all()


def _masked(rng: np.random.Generator) -> tuple[torch.Tensor, tuple[int, int], np.ndarray]:
    picture, masks = drawn_lungs(rng)
    return picture, (SIZE, SIZE), masks.repeat(4, axis=1).repeat(4, axis=2)


def test_what_is_learnt_is_found_again_after_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dark ellipses, after some steps, on a picture that was not among them; the network is written in half
    precision."""
    monkeypatch.setattr(fit, "augmented", lambda inputs, masks: (inputs, masks))
    rng = np.random.default_rng(1)
    pairs = [drawn_lungs(rng) for _ in range(8)]
    data = Lesson(
        torch.stack([picture for picture, _ in pairs]),
        torch.stack([torch.from_numpy(lungs.astype(np.float32)) for _, lungs in pairs]),
    )
    save(tmp_path, train(data, epochs=40), {"note": "drawn"})
    network = load_lung_net(tmp_path)
    picture, truth = drawn_lungs(rng)
    left, right = lung_masks(picture[None], network)
    for found, true in zip((left, right), truth, strict=True):
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.8
    assert thorax_of(left, right, 100, 100) is not None
    assert (tmp_path / "model.safetensors").stat().st_size < 200_000
