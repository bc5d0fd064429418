"""The whole evaluate command on a miniature dataset: metrics.json, report, plots, another model's maps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from patchclip import Engine
from patchclip.__main__ import main
from patchclip.evaluate.dataset import read_dataset
from patchclip.evaluate.engine_predictor import EnginePredictor
from patchclip.evaluate.render import markdown
from patchclip.evaluate.report import Report
from tests.tiny import tiny_checkpoint, tiny_dataset


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder `data`, checkpoints `a` and `b`, and the report of `a` with twin `b` in `out`."""
    folder = tmp_path_factory.mktemp("evaluate")
    tiny_dataset(folder / "data")
    (folder / "data" / "images" / "0018.png").write_bytes(b"no image")
    (folder / "data" / "images" / "0019.png").unlink()
    tiny_checkpoint(folder / "a", seed=0)
    tiny_checkpoint(folder / "b", seed=1)
    saliency = ["--saliency", "grad_cam", "--saliency", "attention_rollout"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        assert run(folder, "out", "--checkpoint", "a", "--twin", "b", *saliency, "--replicates", "100") == 0
    return folder


def run(place: Path, out: str, *options: str, split: str = "val") -> int:
    """The command on the dataset of `place`; values of options that lie in there are taken from there."""
    given = [str(place / item) if (place / item).exists() else item for item in options]
    folders = [str(place / "data"), "--split", split, "--allow-missing", "--out", str(place / out)]
    return main(["evaluate", *folders, *given])


@pytest.fixture(scope="module")
def record(place: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((place / "out" / "metrics.json").read_text())
    return content


def test_metrics_follow_the_contract(record: dict[str, Any]) -> None:
    assert record["data"]["images"] == 14 and record["data"]["split"] == "val"
    assert record["model"]["name"] == "tiny" and record["seed"] == 0
    assert record["model"]["backend"] == record["twin"]["backend"] == "torch, fp32"
    for label in ("Effusion", "Cardiomegaly", "Infiltration", "Lung Opacity"):
        figures = record["findings"][label]
        for name in (
            "auroc",
            "average_precision",
            "brier",
            "ece",
            "sensitivity_at_95_specificity",
            "pointing",
            "cnr",
            "patch_auroc_within",
            "miou_thresholds",
            "miou_tuned",
        ):
            low, high = figures[name]["ci"]
            assert low - 1e-9 <= figures[name]["value"] <= high + 1e-9, (label, name)
        assert set(figures["froc"]) == {"0.125", "0.25", "0.5", "1", "2", "4", "8", "mean"}
        level = record["claim"][label]["grad_cam_gated"]["0.6"]
        assert {"fp_regions_per_image", "fp_patches_per_image", "normals_lit", "ratio_to_patch_map"} <= set(
            level
        )
        assert {"patch_map", "grad_cam_raw", "twin_grad_cam_raw", "twin_grad_cam_gated"} <= set(
            record["claim"][label]
        )
    assert set(record["summary"]["nih8"]) == {
        "auroc",
        "pointing",
        "patch_auroc_within",
        "acc_iobb_0.1",
        "afp_iobb_0.1",
        "froc",
    }


def test_what_was_left_out_is_named(record: dict[str, Any]) -> None:
    left_out = record["data"]["left_out"]
    assert any(line.startswith("0018.png") for line in left_out)
    assert "0019.png: the image file is missing" in left_out
    assert "attention" in record["claim_left_out"]["attention_rollout"]


def test_auroc_is_that_of_predict(
    place: Path, record: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The figures stand on what predict prints, image by image."""
    names = [f"{number:04d}.png" for number in range(16, 32) if number not in (18, 19)]
    assert (
        main(
            [
                "predict",
                *(str(place / "data" / "images" / name) for name in names),
                "--query",
                "pleural effusion",
                "--checkpoint",
                str(place / "a"),
            ]
        )
        == 0
    )
    scores = [json.loads(line)["queries"][0]["probability"] for line in capsys.readouterr().out.splitlines()]
    truth = [20 <= int(name[:4]) < 24 for name in names]
    assert record["findings"]["Effusion"]["auroc"]["value"] == pytest.approx(
        roc_auc_score(truth, scores), abs=0.06
    )


def test_report_stands_alone_and_says_what_it_is(place: Path) -> None:
    text = (place / "out" / "report.html").read_text()
    assert "Research use only, not for clinical use" in text
    page = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href)=["']https?:""", page)
    assert page.count("data:image/jpeg;base64,") >= 6
    assert "Lung opacity at sensitivity 0.6" in page or "never reaches sensitivity 0.6" in page
    assert "0019.png: the image file is missing" in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page).lower().replace("finance", "")
    for name in ("froc.png", "roc_calibration.png"):
        assert (place / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_two_reports_differ_in_pairs(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    common = ("--saliency", "none", "--replicates", "100", "--against", "out")
    assert run(place, "same", *common, "--checkpoint", "a") == 0
    same = json.loads((place / "same" / "metrics.json").read_text())["against"]["figures"][
        "findings/Effusion/auroc"
    ]
    assert same["difference"]["value"] == 0 and same["difference"]["ci"] == [0, 0] and same["p"] == 1
    assert run(place, "other", *common, "--checkpoint", "b") == 0
    other = json.loads((place / "other" / "metrics.json").read_text())
    gap = other["against"]["figures"]["findings/Effusion/auroc"]
    assert gap["difference"]["value"] == pytest.approx(gap["this"] - gap["other"], abs=1e-6)
    assert "Against tiny" in (place / "other" / "report.html").read_text()
    capsys.readouterr()
    assert run(place, "x", *common, "--checkpoint", "a", "--seed", "3") == 1
    assert "made with --seed 0, not 3" in capsys.readouterr().err


def test_a_report_of_other_images_costs_no_work(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The comparison is refused, and what was computed lies in the folder all the same."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    options = ("--saliency", "none", "--replicates", "100", "--checkpoint", "a")
    assert run(place, "train", *options, split="train") == 0
    assert run(place, "late", *options, "--against", "train") == 1
    assert "no paired difference" in capsys.readouterr().err
    assert json.loads((place / "late" / "metrics.json").read_text())["data"]["images"] == 14


def test_the_cache_is_used_and_a_damaged_file_made_anew(
    place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = Engine.from_pretrained(place / "a", device="cpu")
    image = read_dataset(place / "data", "val", frozenset(engine.labels), allow_missing=True).images[0]
    predictor = EnginePredictor(engine, tmp_path)
    first = predictor.predict(image, [("grad_cam", "Effusion")])
    (file,) = tmp_path.rglob("*.npz")
    monkeypatch.setattr(engine, "encode", lambda radiograph: pytest.fail("it was not asked for anything new"))
    second = predictor.predict(image, [("grad_cam", "Effusion")])
    assert second.probability == first.probability and second.radiograph_sha256 == first.radiograph_sha256
    assert np.array_equal(
        second.saliency["grad_cam", "Effusion"].values, first.saliency["grad_cam", "Effusion"].values
    )
    monkeypatch.undo()
    file.write_bytes(file.read_bytes()[:500])
    assert predictor.predict(image, []).probability == first.probability
    assert [item.name for item in tmp_path.rglob("*.npz")] == [file.name]


def test_the_record_for_a_card_is_the_record(place: Path, record: dict[str, Any]) -> None:
    """Less the points of plots, and to five decimals."""
    compact = json.loads((place / "out" / "figures.json").read_text())
    assert set(record) - set(compact) == {"claim_curves"}
    assert "reliability" not in compact["findings"]["Effusion"]
    auroc, exact = (item["findings"]["Effusion"]["auroc"]["value"] for item in (compact, record))
    assert auroc == pytest.approx(exact, abs=1e-5) and auroc == round(auroc, 5)
    written = (place / "out" / "figures.md").read_text()
    assert markdown(Report.from_json(compact)).splitlines()[:5] == written.splitlines()[:5]


def test_a_report_is_read_as_it_was_written(place: Path, record: dict[str, Any]) -> None:
    """Key by key, in order: what reads metrics.json is used to that."""
    report = Report.from_json(record)
    assert json.dumps(report.to_json()) == json.dumps(record)
    assert markdown(report) == (place / "out" / "figures.md").read_text()
    compact = json.loads((place / "out" / "figures.json").read_text())
    assert Report.from_json(compact).to_json() == compact | {"claim_curves": {}}


def test_the_command_is_the_one_that_was_given(record: dict[str, Any]) -> None:
    """Folders by name alone."""
    assert record["command"] == (
        "python -m patchclip evaluate data --split val --allow-missing --out out --checkpoint a --twin b "
        "--saliency grad_cam --saliency attention_rollout --replicates 100"
    )


def test_anothers_maps_are_scored_alike(place: Path, tmp_path: Path) -> None:
    """A map that lights exactly the boxes is perfect; one that is dark everywhere finds nothing."""
    arrays: dict[str, np.ndarray] = {}
    boxes: dict[str, list[list[float]]] = {}
    for line in (place / "data" / "boxes.csv").read_text().splitlines()[1:]:
        image, source, finding, *box = line.split(",")
        if source == "NIH_BBox_List_2017" and finding == "Effusion":
            boxes.setdefault(image, []).append([float(value) for value in box])
    for number in range(16, 32):
        name = f"{number:04d}.png"
        values = np.zeros((96, 96), np.float32)
        for x, y, w, h in boxes.get(name, []):
            values[round(y * 96) : round((y + h) * 96), round(x * 96) : round((x + w) * 96)] = 1
        arrays[f"{name}/Effusion/map"] = values
        arrays[f"{name}/Mass/map"] = np.zeros((4, 4), np.float32)
    arrays["Effusion/overlap_threshold"] = np.array(0.5)
    np.savez(tmp_path / "maps.npz", **arrays)  # type: ignore[arg-type]
    maps = str(tmp_path / "maps.npz")
    assert run(place, str(tmp_path), "--map-file", maps, "--replicates", "20") == 0
    figures = json.loads((tmp_path / "metrics.json").read_text())
    perfect = figures["findings"]["Effusion"]
    assert perfect["auroc"]["value"] == perfect["pointing"]["value"] == 1
    assert perfect["froc"]["0.125"]["value"] == 1 and perfect["acc_iobb_0.5"]["value"] == 1
    assert perfect["miou_tuned"]["value"] > 0.95
    assert (
        perfect["ece"]["value"]
        is perfect["brier"]["value"]
        is perfect["chexlocalize_hit_rate"]["value"]
        is None
    )
    assert any(line.startswith("Effusion: no probability is given") for line in figures["data"]["left_out"])
    assert figures["claim"]["Effusion"]["patch_map"]["0.9"]["fp_regions_per_image"]["value"] == 0
    assert figures["findings"]["Mass"]["auroc"]["value"] is None


@pytest.mark.parametrize(
    ("split", "arguments", "words"),
    [
        ("test", [], 'no row with split "test"'),
        ("val", ["--saliency", "magic"], "no saliency method"),
        ("val", ["--map-file", "nothing.npz", "--checkpoint", "a"], "two models"),
        ("val", ["--map-file", "nothing.npz"], "cannot be read"),
        ("val", ["--against", "nothing"], "no report to compare with"),
    ],
)
def test_wrong_wishes_are_answered(
    place: Path,
    split: str,
    arguments: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    extra = [] if "--saliency" in arguments else ["--saliency", "none"]
    checkpoint = [] if "--map-file" in arguments else ["--checkpoint", "a"]
    assert run(place, "y", "--replicates", "10", *checkpoint, *extra, *arguments, split=split) == 1
    assert words in capsys.readouterr().err
