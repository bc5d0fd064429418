"""The whole trainer on a miniature: fit, resume to the bit, calibrate, export, and errors before the first
step."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import open_clip
import pytest
import safetensors.torch
import torch

from patchclip import Engine, load_radiograph
from tests.tiny import RECIPE, ROOT, short_vocabulary, tiny_dataset
from tests.trainer.fit.runs import fit, miniature
from trainer.__main__ import main
from trainer.batches.targets import NEGATIVE, POSITIVE
from trainer.calibrate.regions import localisation
from trainer.fit import loop


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, a recipe, and a finished run."""
    folder = tmp_path_factory.mktemp("fit")
    miniature(folder, RECIPE, each=30)
    (folder / "data" / "images" / "0003.png").write_bytes(b"no image")
    assert fit(folder, folder / "run") == 0
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / "model.safetensors")


def test_a_run_leaves_all_that_tells_what_it_was(place: Path) -> None:
    run = place / "run"
    record = json.loads((run / "config.json").read_text())
    assert record["recipe"]["optim"]["batch_size"] == 8 and record["recipe"]["seed"] == 0
    assert (
        record["data"]["images"] == 120
        and record["data"]["left_out"] == 1
        and len(record["data"]["sha256"]) == 64
    )
    assert record["environment"]["torch"] == torch.__version__
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert set(lines[0]["losses"]) == {"global", "pooled", "patch", "mil", "sparse", "total"}
    assert all(np.isfinite(value) for line in lines for value in line["losses"].values())
    assert 0 <= lines[1]["dev"]["auroc_combined"] <= 1 and 0 <= lines[1]["dev"]["pointing"] <= 1
    assert list((run / "tensorboard").iterdir())
    assert (run / "left_out.txt").read_text().startswith("0003.png: ")


def test_the_checkpoint_answers_and_its_maps_are_calibrated(place: Path) -> None:
    engine = Engine.from_pretrained(place / "run" / "best", device="cpu")
    found = engine.query(
        engine.encode(load_radiograph(place / "data" / "images" / "0000.png")), ["effusion", "no effusion"]
    )
    assert found[0].probability == pytest.approx(1 - found[1].require_probability())
    calibration = engine.checkpoint.calibration
    assert set(calibration.findings) == set(engine.labels)
    assert (
        calibration.findings["Effusion"].patch_scale > 0 and calibration.findings["Effusion"].patch_bias != 0
    )


def test_an_interrupted_run_continues_to_the_same_bits(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Killed(Exception):
        """Stands for a power cut."""

    steps = 0
    check = loop.check_finite

    def cut(what: str, value: torch.Tensor, step: int, files: Callable[[], Sequence[str]]) -> None:
        nonlocal steps
        steps += what == "loss"
        if steps == 5:  # two steps into the second epoch, one after the last saved state
            raise Killed
        check(what, value, step, files)

    monkeypatch.setattr(loop, "check_finite", cut)
    with pytest.raises(Killed):
        fit(place, tmp_path / "cut")
    monkeypatch.undo()
    assert fit(place, tmp_path / "cut", "--resume") == 0
    whole, resumed = weights(place / "run" / "last"), weights(tmp_path / "cut" / "last")
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_export_gives_a_checkpoint_that_answers_alike(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--run", str(place / "run"), "--out", str(tmp_path / "shipped")]) == 0
    original, shipped = (
        Engine.from_pretrained(path, device="cpu") for path in (place / "run" / "best", tmp_path / "shipped")
    )
    assert original.sha256 == shipped.sha256
    assert original.sha256 in capsys.readouterr().out


def test_calibrate_again_moves_the_operating_point(place: Path, tmp_path: Path) -> None:
    import shutil

    run = shutil.copytree(place / "run", tmp_path / "run")
    biases = []
    for share in ("0.02", "0.5"):
        assert (
            main(
                [
                    "calibrate",
                    "--data",
                    str(place / "data"),
                    "--run",
                    str(run),
                    "--normals-lit",
                    share,
                    "--smoothing",
                    "0",
                ]
            )
            == 0
        )
        calibration = Engine.from_pretrained(run / "best", device="cpu").checkpoint.calibration
        assert {item.smoothing for item in calibration.findings.values()} == {0.0}
        biases.append(calibration.findings["Effusion"].patch_bias)
    assert (run / "best" / "accuracy.json").is_file()
    assert biases[1] > biases[0]  # more normal images may be lit, so every map is brighter


def test_evaluate_data_counts_and_names(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate-data", "--data", str(place / "data")]) == 0
    out = capsys.readouterr().out
    assert "119 images of 60 patients; 1 left out" in out
    assert "left out: 0003.png: " in out
    row = next(line for line in out.splitlines() if line.startswith("Effusion")).split()
    assert row[1] == "30" and row[-1] == "30"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--set", "optim.batch_size=0"], "batch_size is 0"),
        (["--set", "optim.speed=1"], "does not exist"),
        (["--set", "optim.epochs=[1]"], "must be of one length"),
        (["--set", "loss.patch=-1"], "negative"),
        (["--set", "model.embed_dim=16"], "set model.embed_dim to at least 42"),
        (["--set", "nonsense"], "is not SECTION.FIELD=JSON"),
        (["--set", 'pretrained="imagenet-mobilenetv2"'], 'fit "timm:mobilenetv2_100"'),
        (["--split", "test"], 'no row with split "test"'),
        (["--resume"], "nothing to resume"),
        (["--recipe", "absent.json"], "There is no recipe absent.json"),
    ],
)
def test_bad_input_is_a_sentence_before_the_first_step(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert fit(place, tmp_path / "out", *more) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out" / "best").exists()


def test_one_class_only_is_refused(tmp_path: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_dataset(tmp_path / "data", each=3, splits=("train",))
    rows = (data / "images.csv").read_text().splitlines()
    (data / "images.csv").write_text(
        "\n".join([rows[0], *(row for row in rows[1:] if ",No Finding," in row)]) + "\n"
    )
    (data / "boxes.csv").unlink()
    assert (
        main(
            [
                "fit",
                "--data",
                str(data),
                "--recipe",
                str(place / "recipe.json"),
                "--out",
                str(tmp_path / "out"),
            ]
        )
        == 1
    )
    assert "No finding is present on some training images" in capsys.readouterr().err


def test_a_loss_that_is_no_number_stops_the_run() -> None:
    from patchclip import DataError

    with pytest.raises(DataError, match=r"The loss is not finite at step 7, whose images are a.png, b.png;"):
        loop.check_finite("loss", torch.tensor(float("nan")), 7, lambda: ["a.png", "b.png"])


RECIPES = ROOT / "trainer" / "recipes"


def test_the_papers_recipe_trains_a_small_clip(place: Path, tmp_path: Path) -> None:
    """The recipe itself with a smaller tower and input: learned downsampler, frozen blocks, the CLIP's own
    text tower."""
    tower = "ViT-S-32-alt"
    torch.manual_seed(0)
    start = open_clip.create_model(tower).state_dict()
    safetensors.torch.save_file(
        {name: value.contiguous() for name, value in start.items()}, tmp_path / "clip.safetensors"
    )
    changes = [
        f'pretrained="open_clip:{tmp_path / "clip.safetensors"}"',
        f'model.tower="{tower}"',
        "model.image_size=256",
        "model.downsample_from=64",
        "optim.sizes=[256]",
        "optim.epochs=[1]",
        "optim.batch_size=8",
        "data.samples_per_epoch=16",
        "data.workers=0",
        "data.dev_fraction=0.5",
        "model.levels=[9]",
        "model.grid_level=9",
        "model.token_width=256",
    ]
    more = [part for change in changes for part in ("--set", change)]
    paper = [
        "--recipe",
        str(RECIPES / "paper.json"),
        "--data",
        str(place / "data"),
        "--vocabulary",
        str(short_vocabulary(tmp_path)),
        "--out",
        str(tmp_path / "run"),
    ]
    assert main(["fit", *paper, *more]) == 0
    learnt = weights(tmp_path / "run" / "last")
    frozen, free = (f"visual.transformer.resblocks.{block}.mlp.c_fc.weight" for block in (0, 9))
    assert torch.equal(learnt[f"tower.{frozen}"], start[frozen].half())  # as checkpoints keep weights
    assert torch.equal(
        learnt["tower.text_model.token_embedding.weight"], start["token_embedding.weight"].half()
    )
    assert not torch.equal(learnt[f"tower.{free}"], start[free].half())
    engine = Engine.from_pretrained(tmp_path / "run" / "best", device="cpu")
    found = engine.query(engine.encode(load_radiograph(place / "data" / "images" / "0000.png")), ["effusion"])
    assert found[0].map.values.shape == (2, 2) and 0 < found[0].require_probability() < 1


def test_a_run_starts_from_another(place: Path, tmp_path: Path) -> None:
    changes = [
        "--set",
        f'pretrained="{place / "run" / "best"}"',
        "--set",
        "optim.lr_tower=0",
        "--set",
        "optim.lr_heads=0",
        "--set",
        "optim.lr_text=0",
    ]
    assert fit(place, tmp_path / "second", *changes, "--set", "optim.drop_path=0.2") == 0
    first, second = weights(place / "run" / "best"), weights(tmp_path / "second" / "best")
    learnt = [name for name in first if "running" not in name and "num_batches" not in name]
    assert all(torch.equal(first[name], second[name]) for name in learnt)


def test_localisation_wants_the_right_place_and_dark_normals() -> None:
    scores = np.zeros((5, 1, 4, 4), np.float32)
    scores[0, 0, 1, 1], scores[1, 0, 1, 1], scores[2, 0, 3, 3] = 3, 1, 3
    scores[3, 0, 2, 2], scores[4, 0, 2, 2] = 2, 0.5
    targets = np.full((4, 4), NEGATIVE, np.int8)
    targets[1, 1] = POSITIVE
    wanted = {(n, 0): targets for n in range(3)}
    normal = np.array([False, False, False, True, True])
    # Image 0: right and above both normals; image 1: right, above one of two; image 2: the wrong place.
    assert localisation(scores, wanted, normal) == pytest.approx((1 + 0.5 + 0) / 3)
