"""The image gate: what it refuses, what it lets pass, how it is stored, and what a reader is told."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from patchclip import CheckpointError, Engine, Radiograph, RadiographError, load_radiograph
from patchclip.image.gate import WARNING, ImageGate, gate_features
from patchclip.image.geometry import Letterbox
from patchclip.image.synthetic import LESIONS, synthetic_radiograph
from patchclip.model.preprocess import model_input
from patchclip.types import FloatArray
from tests.tiny import ROOT, tiny_checkpoint
from trainer.data.loaded import Loaded
from trainer.data.sample import Sample
from trainer.gate.fit import GATE_SIZE, MIN_IMAGES, fit_image_gate
from trainer.gate.negatives import FAMILIES, negatives
from trainer.gate.variation import varied

SEED = 5  # of pictures that no gate here was fitted to


def loaded(pixels: FloatArray, name: str) -> Loaded:
    """As the trainer keeps an image of one patient."""
    square, box = model_input(pixels, GATE_SIZE)
    return Loaded(np.round(square * 255).astype(np.uint8), box, Sample(Path(name), name, "drawn", {}))


def drawn_chests(count: int, seed: int) -> list[FloatArray]:
    """Synthetic frontal chests with and without lesions, each taken a little differently."""
    rng = np.random.default_rng(seed)
    return [
        varied(synthetic_radiograph(LESIONS[i % len(LESIONS)], size=128, seed=seed * 1000 + i).pixels, rng)
        for i in range(count)
    ]


def refused(gate: ImageGate, pictures: Sequence[FloatArray]) -> float:
    """Share of pictures that the gate warns of."""
    return float(np.mean([not gate.accepts(model_input(picture, 320)[0]) for picture in pictures]))


@pytest.fixture(scope="module")
def gate() -> ImageGate:
    """Fitted on drawn chests, so that it needs nobody's radiographs."""
    fitted = fit_image_gate(
        [loaded(chest, str(number)) for number, chest in enumerate(drawn_chests(320, seed=1))], each=40
    )
    assert fitted is not None
    return fitted


@pytest.fixture(scope="module")
def real(data_folder: Path) -> dict[str, list[FloatArray]]:
    """Real radiographs, at most 900 to learn from and all of `val`."""
    with (data_folder / "nih" / "images.csv").open(encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    folder = data_folder / "nih" / "images"
    found: dict[str, list[FloatArray]] = {}
    for split, most in (("train", 900), ("val", 400)):
        names = [row["image"] for row in table if row["split"] == split][:most]
        found[split] = [grey(folder / name) for name in names]
        np.testing.assert_array_equal(found[split][0], load_radiograph(folder / names[0]).pixels)
    return found


def grey(file: Path) -> FloatArray:
    """As `load_radiograph` reads a picture of 8 bits, without its search for writing, which takes long."""
    return np.asarray(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), np.float32) / np.float32(255)


@pytest.fixture(scope="module")
def real_gate(real: dict[str, list[FloatArray]]) -> ImageGate:
    """Fitted on real radiographs without two families that readers will meet."""
    families = [family for family in FAMILIES if family not in ("document", "CT slice")]
    fitted = fit_image_gate(
        [loaded(pixels, str(number)) for number, pixels in enumerate(real["train"])],
        families=families,
        each=150,
    )
    assert fitted is not None
    return fitted


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_is_refused(gate: ImageGate, family: str) -> None:
    assert refused(gate, negatives(family, 20, SEED, drawn_chests(12, seed=2))) >= 0.9


def test_drawn_frontal_chests_pass(gate: ImageGate) -> None:
    """Some ninety drawings set its thresholds, so that a few others miss them; real ones set them better."""
    assert refused(gate, drawn_chests(100, seed=3)) <= 0.1


def test_real_chests_pass(real: dict[str, list[FloatArray]], real_gate: ImageGate) -> None:
    """At most 2 % of radiographs of other patients raise a false alarm."""
    assert refused(real_gate, real["val"]) <= 0.02


def test_drawn_chests_pass_a_gate_that_never_saw_one(real_gate: ImageGate) -> None:
    """The bundled examples look enough like a chest."""
    assert (
        refused(real_gate, [synthetic_radiograph(lesion, size=256, seed=7).pixels for lesion in LESIONS]) == 0
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_spoilt_and_foreign_pictures_are_refused_by_a_real_gate(
    real: dict[str, list[FloatArray]], real_gate: ImageGate, family: str
) -> None:
    """Of every family, made from radiographs of others; "document" and "CT slice" it was not fitted to."""
    small = [_smaller(pixels) for pixels in real["val"][:40]]
    assert refused(real_gate, negatives(family, 40, SEED, small)) >= 0.85


def test_other_hospitals_and_dicom_pass(real_gate: ImageGate, data_folder: Path) -> None:
    files = sorted((data_folder / "hannover" / "images").glob("*.jpg"))[::4]
    assert refused(real_gate, [load_radiograph(file).pixels for file in files]) <= 0.05
    assert (
        refused(real_gate, [load_radiograph(file).pixels for file in (data_folder / "dicom").glob("*.dcm")])
        == 0
    )


def test_installed_pictures_are_refused(real_gate: ImageGate) -> None:
    """Photographs and CT, MR and ultrasound images of packages, none of which it was fitted to."""
    import gradio
    import matplotlib
    import pydicom

    files = [
        *(Path(gradio.__file__).parent / "media_assets" / "images").glob("*.jp*g"),
        Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg",
        *(
            Path(pydicom.__file__).parent / "data" / "test_files" / name
            for name in (
                "CT_small.dcm",
                "MR_small.dcm",
                "examples_palette.dcm",
                "examples_overlay.dcm",
                "JPEG2000.dcm",
            )
        ),
    ]
    pictures = [load_radiograph(file).pixels for file in files if file.is_file()]
    assert len(pictures) >= 5
    assert refused(real_gate, pictures) == 1


def test_the_bundled_gate(engine: Engine) -> None:
    """Examples pass; a picture of each family that needs no radiograph does not. The engine warns as the gate
    says."""
    gate = ImageGate.from_dict(engine.checkpoint.gates["image"])
    size = engine.model.config.image_size
    examples = [synthetic_radiograph(lesion, size=512, seed=7).pixels for lesion in LESIONS]
    strangers = [negatives(family, 1, SEED, drawn_chests(2, seed=4))[0] for family in FAMILIES]
    passing, refusing = (
        [gate.accepts(model_input(pixels, size)[0]) for pixels in pictures]
        for pictures in (examples, strangers)
    )
    assert all(passing) and np.mean(refusing) <= 0.1
    for pixels, accepted in ((examples[0], True), (strangers[refusing.index(False)], False)):
        assert (WARNING in engine.encode(Radiograph.from_array(pixels)).warnings) is not accepted


def test_a_warning_is_shown_and_nothing_refused(
    gate: ImageGate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the encoded image and in the JSON of `predict`; a checkpoint without the gate says nothing."""
    from patchclip.__main__ import main

    folder = tiny_checkpoint(tmp_path / "tiny", prompts=False)  # embedded for the record as it was
    chest, photograph = drawn_chests(1, seed=6)[0], negatives("photograph", 1, SEED, [])[0]
    assert (
        WARNING
        not in Engine.from_pretrained(folder, device="cpu").encode(Radiograph.from_array(photograph)).warnings
    )
    record = json.loads((folder / "model.json").read_text())
    record["gates"]["image"] = gate.to_dict()
    (folder / "model.json").write_text(json.dumps(record))
    engine = Engine.from_pretrained(folder, device="cpu")
    assert WARNING not in engine.encode(Radiograph.from_array(chest)).warnings
    encoded = engine.encode(Radiograph.from_array(photograph))
    whole = encoded.letterbox.crop_grid(np.zeros(engine.model.grid, np.float32))
    assert (
        WARNING in encoded.warnings
        and engine.query(encoded, ["effusion"])[0].map.values.shape == whole.values.shape
    )
    cv2.imwrite(str(tmp_path / "photograph.png"), np.round(photograph * 255).astype(np.uint8))
    assert (
        main(
            ["predict", str(tmp_path / "photograph.png"), "--query", "effusion", "--checkpoint", str(folder)]
        )
        == 0
    )
    assert WARNING in json.loads(capsys.readouterr().out.splitlines()[0])["warnings"]


def test_a_blank_image_never_gets_that_far() -> None:
    with pytest.raises(RadiographError, match="blank"):
        Radiograph.from_array(np.full((64, 64), 0.5, np.float32))


def test_stored_small_and_read_back_alike(gate: ImageGate) -> None:
    """Plain JSON below 300 kB, the same verdicts, to the last bit the same scores."""
    text = json.dumps(gate.to_dict())
    again = ImageGate.from_dict(json.loads(text))
    features = np.stack([gate_features(model_input(picture, 320)[0]) for picture in drawn_chests(5, seed=8)])
    assert len(text) < 300_000
    for first, second in zip(gate.scores(features), again.scores(features), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "damage", [{"mean": "AAAA"}, {"spread": None}, {"components": "!"}, {"lowest": "high"}]
)
def test_damaged_parameters_are_named(gate: ImageGate, damage: dict[str, object]) -> None:
    with pytest.raises(CheckpointError, match="image gate"):
        ImageGate.from_dict(gate.to_dict() | damage)


def test_verdicts_hardly_depend_on_the_size_of_the_input() -> None:
    """Features at 128 and 512 pixels are nearly the same: a gate outlives a change of the model's input."""
    chest = synthetic_radiograph("effusion", size=700, seed=9).pixels
    small, large = (gate_features(Letterbox(700, 700, side).apply(chest)) for side in (128, 512))
    assert np.corrcoef(small, large)[0, 1] > 0.99


def test_too_few_images_give_no_gate() -> None:
    chest = loaded(synthetic_radiograph(size=96).pixels, "one")
    assert fit_image_gate([chest] * (MIN_IMAGES - 1)) is None


def test_examples_of_the_app_pass(gate: ImageGate) -> None:
    files = sorted((ROOT / "assets" / "examples").glob("*.png"))
    assert files and refused(gate, [load_radiograph(file).pixels for file in files]) == 0


def _smaller(pixels: FloatArray) -> FloatArray:
    scale = GATE_SIZE / max(pixels.shape)
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.float32)
