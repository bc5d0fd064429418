"""Saliency methods on CNN and ViT towers: against the package used plainly, and what each may and may not
do."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from pytorch_grad_cam import GradCAM, LayerCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from patchclip import Engine, Radiograph, SaliencyError
from patchclip.evaluate.deletion import deletion_insertion
from patchclip.model.calibration import Calibration
from patchclip.model.checkpoint import Checkpoint
from patchclip.model.patchclip import PatchCLIP
from patchclip.saliency import SALIENCY
from patchclip.saliency.cam import Cam
from patchclip.saliency.direct import occlusion
from patchclip.saliency.task import QueryHead, last_layers
from patchclip.text.scope import QueryGate
from tests.tiny import CONFIG, VOCABULARY, tiny_checkpoint


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine.from_pretrained(tiny_checkpoint(tmp_path_factory.mktemp("cnn"), seed=3), device="cpu")


@pytest.fixture(scope="module")
def vit() -> Engine:
    torch.manual_seed(4)
    config = replace(CONFIG, tower="timm:vit_tiny_patch16_224", levels=(10, 11), grid_level=11)
    model = PatchCLIP(config).eval().requires_grad_(False)
    gates = {"query": QueryGate.fit(VOCABULARY, model.sentence_encoder).to_dict()}
    return Engine(
        Checkpoint(model, VOCABULARY, Calibration.identity(VOCABULARY.labels), gates, "0" * 64), device="cpu"
    )


@pytest.mark.parametrize(("name", "kind"), [("grad_cam", GradCAM), ("layer_cam", LayerCAM)])
def test_shared_passes_give_what_the_package_gives(
    cnn: Engine, effusion: Radiograph, name: str, kind: type
) -> None:
    """Cutting the graph at the last layer and sharing its passes changes nothing."""
    task = cnn.saliency_task(cnn.encode(effusion), ["effusion", "mass"])
    found = SALIENCY[name].function(task)
    for number in range(2):
        with kind(QueryHead(task), last_layers(task.model)) as method:
            plain = method(task.pixels.clone().requires_grad_(), [ClassifierOutputTarget(number)])[0]
        assert np.allclose(
            found[number], cv2.resize(plain, cnn.model.grid[::-1], interpolation=cv2.INTER_AREA), atol=1e-5
        )


@pytest.mark.parametrize("tower", ["cnn", "vit"])
def test_many_at_once_are_one_by_one(
    tower: str, effusion: Radiograph, request: pytest.FixtureRequest
) -> None:
    engine: Engine = request.getfixturevalue(tower)
    encoded = engine.encode(effusion)
    cams = [key for key, method in SALIENCY.items() if isinstance(method.function, Cam)]
    methods = [*cams, "raw_cosine", *(["attention_gradient"] if tower == "vit" else [])]
    together = engine.saliencies(encoded, ["effusion", "mass on the left"], methods)
    for method in methods:
        for number, text in enumerate(("effusion", "mass on the left")):
            alone = engine.saliency(encoded, text, method)
            assert np.allclose(together[method][number].values, alone.values, atol=1e-5), (method, text)
    half = together["raw_cosine"][1].values
    assert (half[:, : half.shape[1] // 2] == 0).all()  # the patient's left is the image's right


def test_no_hook_stays_behind(cnn: Engine, effusion: Radiograph) -> None:
    cnn.saliency(cnn.encode(effusion), "mass", "grad_cam")
    assert not any(layer._forward_hooks for layer in last_layers(cnn.model))


def test_an_unknown_method_is_named(cnn: Engine, effusion: Radiograph) -> None:
    with pytest.raises(SaliencyError, match='no saliency method "magic"'):
        cnn.saliency(cnn.encode(effusion), "mass", "magic")


def test_deletion_and_insertion_of_a_model_that_looks_at_one_place() -> None:
    """The probability is the brightness of one patch: a map that knows it falls at once and rises at once."""
    pixels = np.full((32, 32), 0.2, np.float32)
    pixels[8:16, 16:24] = 1.0

    def score(images: np.ndarray) -> np.ndarray:
        return np.asarray(images[:, 8:16, 16:24].mean(axis=(1, 2)), np.float64)

    right, wrong = np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32)
    right[1, 2], wrong[1, 2] = 1, 0
    early = deletion_insertion(score, pixels, right, steps=16)
    late = deletion_insertion(score, pixels, wrong, steps=16)
    grey = float(pixels.mean())
    assert early.deletion == pytest.approx(grey + (1 - grey) / 32)  # one step of sixteen, as a trapezoid
    assert late.deletion == pytest.approx(1 - (1 - grey) / 32)
    assert early.insertion > late.insertion and early.deletion < late.deletion


def test_rescoring_the_input_itself_is_the_probability(cnn: Engine, effusion: Radiograph) -> None:
    encoded = cnn.encode(effusion)
    again = cnn.rescore(encoded, encoded.pixels[:, 0].numpy().repeat(2, axis=0), "effusion")
    assert again == pytest.approx([cnn.query(encoded, ["effusion"])[0].probability] * 2, abs=1e-5)


@pytest.mark.parametrize("tower", ["cnn", "vit"])
def test_with_mirror_images_everything_turns_with_the_picture(
    tower: str, effusion: Radiograph, request: pytest.FixtureRequest
) -> None:
    """Averaged over both, probability is blind to left and right, and maps and saliency are exactly
    mirrored."""
    plain: Engine = request.getfixturevalue(tower)
    calibration = replace(plain.checkpoint.calibration, mirror=True)
    engine = Engine(replace(plain.checkpoint, calibration=calibration), device="cpu")
    methods = [
        "grad_cam",
        "layer_cam",
        *(["attention_rollout", "attention_gradient"] if tower == "vit" else []),
    ]
    seen = []
    for pixels in (effusion.pixels, np.ascontiguousarray(effusion.pixels[:, ::-1])):
        encoded = engine.encode(Radiograph.from_array(pixels))
        seen.append(
            (engine.query(encoded, ["effusion"])[0], engine.saliencies(encoded, ["effusion"], methods))
        )
    (one, maps), (other, turned) = seen
    assert one.probability == pytest.approx(other.probability, abs=1e-4)
    assert np.allclose(one.map.values, other.map.values[:, ::-1], atol=1e-4)
    for method in methods:
        assert np.allclose(maps[method][0].values, turned[method][0].values[:, ::-1], atol=2e-3), method
    alone = plain.query(plain.encode(effusion), ["effusion"])[0]
    assert not np.allclose(alone.map.values, one.map.values, atol=1e-6)


def test_occlusion_is_a_plain_loop_over_windows(cnn: Engine, effusion: Radiograph) -> None:
    """At a patch whose centre is a window's, the value is that window's fall of the logit; all of it scaled
    to [0, 1]."""
    task = cnn.saliency_task(cnn.encode(effusion), ["effusion"])
    found = occlusion(task, window=4)[0]
    side, size = task.pixels.shape[-1], task.pixels.shape[-1] // 4
    rows, cols = cnn.model.grid
    head = QueryHead(task)
    places = [k * (size // 2) for k in range(7)]
    falls = np.zeros((7, 7))
    with torch.no_grad():
        whole = float(head(task.pixels)[0, 0])
        for r, top in enumerate(places):
            for c, left in enumerate(places):
                hidden = task.pixels.clone()
                hidden[..., top : top + size, left : left + size] = float(task.pixels.mean())
                falls[r, c] = max(0.0, whole - float(head(hidden)[0, 0]))
    centres = [(place + size / 2) / side for place in places]
    across = np.stack([np.interp((np.arange(cols) + 0.5) / cols, centres, row) for row in falls])
    expected = np.stack(
        [np.interp((np.arange(rows) + 0.5) / rows, centres, column) for column in across.T], axis=1
    )
    expected = (expected - expected.min()) / (expected.max() - expected.min())
    assert np.allclose(found, expected, atol=1e-4)
