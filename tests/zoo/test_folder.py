"""A converted model as a checkpoint folder: asked, calibrated, damaged; and folders of an earlier format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from patchclip.__main__ import main
from patchclip.errors import CheckpointError
from patchclip.image.geometry import Letterbox
from patchclip.model.checkpoint import RECORD, WEIGHTS, load_checkpoint, model_input_of, save_checkpoint
from patchclip.model.patchclip import PatchCLIP
from patchclip.model.preprocess import model_input
from patchclip.model.prompts import PROMPTS
from patchclip.resources import BUNDLED
from patchclip.zoo.cli import description
from patchclip.zoo.convert import Wishes, convert
from tests.tiny import CONFIG, ROOT, tiny_dataset
from tests.zoo.tiny_models import FEW, grey, hugging_face
from trainer.__main__ import main as trainer

IMAGE = ROOT / "assets" / "examples" / "synthetic_effusion.png"
FORMAT_1 = {"format", "config", "vocabulary", "calibration", "gates"}


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small SigLIP, whose input is stretched to the square."""
    folder = tmp_path_factory.mktemp("siglip")
    hugging_face(folder / "source", "siglip")
    convert(str(folder / "source"), folder / "model", FEW, Wishes(name="Tiny SigLIP"))
    return folder / "model"


@pytest.fixture
def folder(converted: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(converted, tmp_path / "model"))


def predicted(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    query = ["--query", "no pleural effusion", "--saliency", "attention_gradient"]
    assert main(["predict", str(IMAGE), *query, "--checkpoint", str(folder)]) == 0
    record: dict[str, Any] = json.loads(capsys.readouterr().out)
    return record


def test_a_converted_model_answers_and_says_that_it_is_not_calibrated(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = predicted(folder, capsys)
    assert record["model"] == {
        "name": "Tiny SigLIP",
        "sha256": load_checkpoint(folder).sha256,
        "backend": "torch, fp32",
        "execution": {
            "backend": "torch",
            "precision": "fp32",
            "mirror": False,
            "input_size": 64,
            "device": "cpu",
        },
    }
    assert any("probabilities are not calibrated" in warning for warning in record["warnings"])
    answer = record["queries"][0]
    height, width = record["size"]
    assert (answer["map"]["rows"], answer["map"]["cols"]) == (4, 4)
    assert answer["map"]["extent"] == [0, 0, width, height]  # stretched: the grid lies on the film alone
    assert answer["saliency"]["attention_gradient"]["rows"] == 4
    assert 0 < answer["probability"] < 1


def test_calibration_on_images_of_ones_own(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_dataset(folder.parent / "data", each=10, splits=("train",))
    before = load_checkpoint(folder)
    assert trainer(["calibrate", "--data", str(data), "--checkpoint", str(folder)]) == 0
    assert "held out: " in capsys.readouterr().out
    after = load_checkpoint(folder)
    assert before.calibration.is_identity and not after.calibration.is_identity and after.note is None
    assert after.sha256 != before.sha256 and after.prevalence["Effusion"].images == 40
    weights = zip(before.model.state_dict().items(), after.model.state_dict().items(), strict=True)
    assert all(name == other and torch.equal(old, new) for (name, old), (other, new) in weights)
    assert not any("not calibrated" in warning for warning in predicted(folder, capsys)["warnings"])


def test_a_model_that_was_trained_here_is_calibrated_by_its_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained = tmp_path / "trained"
    save_checkpoint(trained, PatchCLIP(CONFIG), FEW)
    data = tiny_dataset(tmp_path / "data", each=1, splits=("train",))
    assert trainer(["calibrate", "--data", str(data), "--checkpoint", str(trained)]) == 1
    assert "calibrate it with --run" in capsys.readouterr().err


def test_a_film_is_stretched_or_padded_as_the_model_wants_it(converted: Path) -> None:
    wanted = model_input_of(converted)
    film = grey(60).numpy()[0, 0][:, :30].copy()
    square, box = model_input(film, wanted.size, wanted.style)
    assert (wanted.size, wanted.style.fit, wanted.style.standardised) == (64, "squash", False)
    assert box == Letterbox(60, 30, 64, "squash") and square.shape == (64, 64)
    assert square[:, 0].min() > 0.0 and square[:, -1].min() > 0.0  # no padding
    corners = [[0.0, 0.0], [30.0, 60.0], [15.0, 30.0]]
    assert box.to_model(corners).tolist() == [[0, 0], [64, 64], [32, 32]]
    assert box.to_image(box.to_model(corners)).tolist() == corners
    assert box.valid_patches(4, 4).all()
    # A line at a third of the width is at a third of the square, whatever the aspect.
    line = film * 0
    line[:, 10] = 1.0
    seen, _ = model_input(line, 64, wanted.style)
    assert abs(float(seen.sum(axis=0) @ range(64)) / float(seen.sum()) + 0.5 - 10.5 / 30 * 64) < 0.3


def put(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Sets one place of the record."""

    def change(record: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        place: Any = record
        for name in parents:
            place = place[name]
        place[last] = value

    return change


ARCHITECTURE = "published.architecture"
DAMAGES: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "published a list": (put("published", []), 'has no section "published"'),
    "published empty": (put("published", {}), r"cannot be read \(origin: Field required\)"),
    "no architecture": (put(ARCHITECTURE, {}), "has no vision_cfg and text_cfg"),
    "timm's hub": (
        put(f"{ARCHITECTURE}.vision_cfg", {"timm_model_name": "hf-hub:evil/model"}),
        "would be fetched from the network",
    ),
    "text of the hub": (put(f"{ARCHITECTURE}.text_cfg.hf_model_name", "evil/model"), "would be fetched"),
    "code of the hub": (
        put(f"{ARCHITECTURE}.text_cfg.hf_config", {"model_type": "evil", "auto_map": {}}),
        'no text encoder of the kind "evil"',
    ),
    "layers that are wide beyond all": (
        put(f"{ARCHITECTURE}.vision_cfg.vit.mlp_width", 10**6),
        "asks for a far larger model than the weights hold",
    ),
    "width as text": (put(f"{ARCHITECTURE}.vision_cfg.vit.width", "32"), "width: Input should be a valid"),
    "another width": (put(f"{ARCHITECTURE}.vision_cfg.vit.width", 64), "belong to another model"),
    "heads that do not divide": (put(f"{ARCHITECTURE}.vision_cfg.vit.heads", 5), "cannot be built"),
    "no heads": (put(f"{ARCHITECTURE}.vision_cfg.vit.heads", 0), "cannot be built"),
    "deviation 0": (put("published.channels.deviation", [0.0, 1.0, 1.0]), "deviations above 0"),
    "two channels": (put("published.channels.mean", [0.5, 0.5]), r"cannot be read \(channels.mean"),
    "a fit unknown": (put("published.input_style.fit", "crop"), r"cannot be read \(input_style.fit"),
    "no context": (put("published.tokenizer.context_length", 0), "context length of 0 tokens"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_record_of_a_published_model_that_cannot_be(folder: Path, kind: str) -> None:
    change, words = DAMAGES[kind]
    record = json.loads((folder / RECORD).read_text())
    change(record)
    (folder / RECORD).write_text(json.dumps(record))
    with pytest.raises(CheckpointError, match=words) as error:
        load_checkpoint(folder)
    said = str(error.value)
    assert "\n" not in said and len(said) < 700 and said.endswith(".")


def test_a_tokenizer_that_is_gone_is_said(folder: Path) -> None:
    shutil.rmtree(folder / "tokenizer")
    with pytest.raises(CheckpointError, match=r"has lost its tokenizer \(folder tokenizer\); fetch"):
        load_checkpoint(folder)


def test_the_bundled_model_of_format_1_is_read_and_upgraded(
    tmp_path: Path,
) -> None:
    old = Path(shutil.copytree(BUNDLED, tmp_path / "old", ignore=shutil.ignore_patterns(PROMPTS)))
    record = json.loads((old / RECORD).read_text())
    record = {key: value for key, value in record.items() if key in FORMAT_1} | {"format": 1}
    del record["calibration"]["sources"]
    (old / RECORD).write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")

    before, after = load_checkpoint(old), convert(str(old), tmp_path / "new", FEW)
    said = "patchclip-cxr-s: 512 px (pad, grey values standardised), 32 x 32 patches"
    assert description(after).startswith(said)
    written = json.loads((tmp_path / "new" / RECORD).read_text())
    calibration = {**record["calibration"], "sources": None}
    wanted: dict[str, object] = {"format": 4, "published": None, "members": [], "calibration": calibration}
    assert written == {**record, **wanted}
    for name in (WEIGHTS, "prevalence.json", "accuracy.json"):
        assert (tmp_path / "new" / name).read_bytes() == (old / name).read_bytes()
    assert before.calibration == after.calibration and before.accuracy == after.accuracy
    assert before.gates == after.gates and before.vocabulary == after.vocabulary
    pixels = grey(128)
    with torch.no_grad():
        one, two = (item.model.encode_image(pixels) for item in (before, after))
    assert torch.equal(one.patches, two.patches) and torch.equal(one.global_, two.global_)


def test_a_newer_format_is_refused_in_a_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((folder / RECORD).read_text())
    (folder / RECORD).write_text(json.dumps({**record, "format": 5}))
    with pytest.raises(CheckpointError, match="has format 5, this version reads 1 to 4; update Patch-CLIP"):
        load_checkpoint(folder)
    assert main(["convert", str(folder), str(folder.parent / "new")]) == 1
    assert "has format 5" in capsys.readouterr().err and not (folder.parent / "new").exists()


def test_wishes_of_the_user_outweigh_what_the_model_says(converted: Path, tmp_path: Path) -> None:
    source, mean = str(converted.parent / "source"), ["--mean", "0.1", "0.2", "0.3", "--std", "1", "1", "1"]
    vocabulary = tmp_path / "vocabulary.json"
    vocabulary.write_text(json.dumps(FEW.to_dict()))
    told = [*mean, "--fit", "pad", "--name", "Mine", "--vocabulary", str(vocabulary)]
    assert main(["convert", source, str(tmp_path / "out"), *told]) == 0
    checkpoint = load_checkpoint(tmp_path / "out")
    published = checkpoint.model.published
    assert published is not None and published.record.channels.mean == (0.1, 0.2, 0.3)
    assert published.record.input_style.fit == "pad" and checkpoint.model.config.name == "Mine"
    assert checkpoint.vocabulary == FEW
