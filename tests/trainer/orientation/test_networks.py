"""Small networks as they are trained and as the library computes them; thresholds and labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import beta

from patchclip.image.network import load_network
from patchclip.image.orientation.heart import SIZE
from patchclip.image.orientation.letters import CLASSES, GLYPH
from patchclip.image.synthetic import synthetic_radiograph
from trainer.orientation.glyphs import CANVAS, drawn_glyph
from trainer.orientation.heart import LARGER, evidence_of, threshold_for, train_heart
from trainer.orientation.letters import FilmShapes, film_shapes, probabilities_of
from trainer.orientation.network import TrainedNetwork


def _network(size: int, outputs: int) -> TrainedNetwork:
    torch.manual_seed(0)
    network = TrainedNetwork(size, (4, 6, 8), (2, 1, 2), outputs, first=5)
    for norm in network.norms:
        assert isinstance(norm, torch.nn.BatchNorm2d) and norm.running_mean is not None
        assert norm.running_var is not None
        torch.nn.init.normal_(norm.running_mean, 0, 0.3)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2)
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.normal_(norm.bias, 0, 0.3)
    return network.eval()


@pytest.mark.parametrize("size", [24, 33])
def test_numpy_computes_what_torch_does(tmp_path: Path, size: int) -> None:
    network = _network(size, 3)
    network.save(tmp_path / "some.safetensors")
    (tmp_path / "model.json").write_text(json.dumps({"some": {"strides": [2, 1, 2]}}), encoding="utf-8")
    pictures = np.random.default_rng(0).normal(size=(4, size, size)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(pictures)[:, None]).numpy()
    assert load_network(tmp_path, "some")(pictures) == pytest.approx(expected, abs=5e-3)  # float16 weights


def test_the_threshold_is_the_least_that_few_enough_exceed() -> None:
    """Clopper and Pearson's upper limit by quantiles of the beta distribution, counted one by one."""
    evidence = np.random.default_rng(0).normal(-3, 2, 2000).astype(np.float32)
    threshold = threshold_for(evidence, 0.02)
    false = int((evidence > threshold).sum())
    assert beta.ppf(0.975, false + 1, 2000 - false) < 0.02
    assert beta.ppf(0.975, false + 2, 2000 - false - 1) >= 0.02
    with pytest.raises(ValueError, match="too few"):
        threshold_for(evidence[:100], 0.02)


def test_training_learns_which_way_a_chest_is_turned() -> None:
    drawn = [synthetic_radiograph(size=LARGER, seed=seed).pixels for seed in range(12)]
    squares = np.stack([np.round(picture * 255).astype(np.uint8) for picture in drawn] * 12)
    said: list[str] = []
    network = train_heart(squares, epochs=10, seed=0, say=said.append)
    evidence = evidence_of(network, squares[:12])
    assert (evidence < 0).all()
    assert evidence_of(network, squares[:12, :, ::-1]) == pytest.approx(-evidence, abs=1e-3)
    assert said[-1].startswith("pass 10 of 10: loss 0.")


def test_evidence_is_computed_on_squares_of_any_size() -> None:
    network = _network(SIZE, 1)
    square = np.random.default_rng(0).integers(0, 255, (1, SIZE, SIZE)).astype(np.uint8)
    larger = square.repeat(2, axis=1).repeat(2, axis=2)
    assert evidence_of(network, larger) == pytest.approx(evidence_of(network, square), abs=1e-4)


def test_drawn_letters_are_mirror_images_by_class() -> None:
    """An L has its foot at the right, a mirrored one at the left; an R its stem at the left."""
    ground = np.full((CANVAS, CANVAS), 60, np.uint8)
    rng = np.random.default_rng(0)
    weight = np.linspace(-1, 1, GLYPH)[None, :]
    for kind, sign in ((1, -1), (2, 1), (3, -1), (4, 1)):
        glyphs = np.stack([drawn_glyph(kind, ground, rng) for _ in range(60)])
        assert glyphs.shape == (60, GLYPH, GLYPH)
        upper = glyphs[:, 6:12] if kind < 3 else glyphs[:, 12:18]
        assert sign * float((upper * weight).mean()) > 0.02, CLASSES[kind]


def test_shapes_of_films_know_their_place() -> None:
    picture = synthetic_radiograph(size=512, seed=0).pixels
    shapes, grounds = film_shapes([picture, picture[:, ::-1]])
    assert isinstance(shapes, FilmShapes) and grounds.shape == (2, CANVAS, CANVAS)
    assert sorted(np.round(shapes.offset, 1)) == sorted(-np.round(shapes.offset, 1))
    assert abs(shapes.offset).max() <= 1 and (shapes.offset > 0.8).any()  # the L that is drawn there


def test_a_mirrored_glyph_has_the_mirrored_probabilities() -> None:
    glyphs = np.random.default_rng(0).normal(size=(3, GLYPH, GLYPH)).astype(np.float32)
    network = _network(GLYPH, len(CLASSES))
    plain, mirrored = probabilities_of(network, glyphs), probabilities_of(network, glyphs[:, :, ::-1])
    assert plain[:, [0, 2, 1, 4, 3]] == pytest.approx(mirrored, abs=1e-6)
    assert plain.sum(axis=1) == pytest.approx(1, abs=1e-6)
