"""What is measured of the frame: by plain loops, on planted frames and boxes; and both commands."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from patchclip.image.thorax import WEIGHTS, LungNet, Thorax, load_lung_net
from patchclip.types import FloatArray
from tests.tiny import tiny_dataset
from trainer.__main__ import main
from trainer.data.sample import Sample, Shape
from trainer.fields import masks as masks_module
from trainer.fields import measure
from trainer.fields.figures import markdown
from trainer.fields.measure import Seen, box_figures, dice, lungs_on_others, without_lungs, zone_overlap

FRAME = Thorax(top=20.0, bottom=80.0, midline=(60.0, 0.0), edge_left=20.0, edge_right=100.0)


def seen(thorax: Thorax | None, *boxes: tuple[str, str, float, float], patient: str = "p") -> Seen:
    """An image of 100 x 120 pixels with small boxes (source, label, x, y), their centres in pixels."""
    shapes = tuple(
        Shape.box(label, x / 120 - 0.01, y / 100 - 0.01, 0.02, 0.02, source=source)
        for source, label, x, y in boxes
    )
    return Seen(Sample(Path("a.png"), patient, "drawn", {}, shapes), (100, 120), thorax)


def test_dice_counts_both_lungs_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    found, truth = rng.random((2, 4, 4)) > 0.5, rng.random((2, 8, 8)) > 0.5
    shared = total = 0
    for lung in range(2):
        for row in range(8):
            for col in range(8):
                shared += bool(found[lung, row // 2, col // 2] and truth[lung, row, col])
                total += int(found[lung, row // 2, col // 2]) + int(truth[lung, row, col])
    assert dice(found, truth) == pytest.approx(2 * shared / total)


def test_overlap_of_zones() -> None:
    """1 with itself, 0 without a frame, and half of the patches when one frame is twice as high."""
    assert zone_overlap(FRAME, FRAME, (100, 120)) == 1
    assert zone_overlap(None, FRAME, (100, 120)) == 0
    shifted = Thorax(top=20.0, bottom=80.0, midline=(70.0, 0.0), edge_left=20.0, edge_right=100.0)
    assert 0.7 < zone_overlap(shifted, FRAME, (100, 120)) < 0.9


def test_boxes_are_judged_by_their_centres() -> None:
    """The frame's midline lies at 60, as the picture's; its zones are 20 high from 20 on."""
    items = [
        seen(FRAME, ("VinDr", "Cardiomegaly", 65, 60), ("VinDr", "Effusion", 90, 75), patient="a"),
        seen(FRAME, ("VinDr", "Cardiomegaly", 55, 40), ("VinDr", "Effusion", 90, 59), patient="b"),
        seen(None, ("VinDr", "Cardiomegaly", 65, 60), ("RSNA_2018", "Lung Opacity", 60, 60), patient="c"),
        seen(FRAME, ("RSNA_2018", "Lung Opacity", 50, 30), patient="d"),
        seen(FRAME, ("RSNA_2018", "Lung Opacity", 50, 10), patient="e"),
    ]
    figures = box_figures(items)
    heart = figures["heart, VinDr: left of the midline"]
    assert heart["frame"]["value"] == pytest.approx(1 / 3) and heart["frame"]["n"] == 3
    assert heart["halves"]["value"] == pytest.approx(2 / 3)
    assert figures["heart, VinDr: in the lower half"]["frame"]["value"] == pytest.approx(1 / 3)
    effusion = figures["effusion (its meniscus), VinDr: lower zone"]
    assert effusion["frame"]["value"] == 0.5 and effusion["halves"]["value"] == 0.5
    assert figures["lung findings, RSNA_2018: in the frame"]["frame"]["value"] == pytest.approx(1 / 3)
    assert "heart, ChestX-Det: left of the midline" not in figures
    assert without_lungs(items) == {"value": 0.2, "ci": pytest.approx([0.005, 0.716], abs=0.001), "n": 5}


def test_a_network_that_sees_nothing_finds_no_lungs_on_other_pictures() -> None:
    network = LungNet(2).eval()
    with torch.no_grad():
        network.out.weight.zero_()
        assert network.out.bias is not None
        network.out.bias.fill_(-1)
    figures = lungs_on_others(network, [], each=2)
    assert len(figures) == 17 and all(value["value"] == 0 and value["n"] == 2 for value in figures.values())


def _ellipses(_: object, pixels: FloatArray) -> np.ndarray:
    """In place of the teacher: the lungs of a drawn chest, about."""
    assert pixels.ndim == 2
    rows, cols = (np.mgrid[0:512, 0:512] + 0.5) / 512
    return np.asarray(
        (((cols - 0.31) / 0.14) ** 2 + ((rows - 0.47) / 0.32) ** 2 <= 1)
        | (((cols - 0.69) / 0.14) ** 2 + ((rows - 0.47) / 0.32) ** 2 <= 1)
    )


def test_both_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network is written that another command measures; masks are kept and read again."""
    for command in ("lung_fields", "evaluate_lung_fields"):
        monkeypatch.setattr(f"trainer.commands.{command}.load_teacher", lambda path: None)
    monkeypatch.setattr(masks_module, "lung_mask", _ellipses)
    monkeypatch.setattr(measure, "PER_FAMILY", 1)
    data = tiny_dataset(tmp_path / "data", each=16)
    words = ["--data", str(data), "--teacher", "weights.pt", "--masks", str(tmp_path / "masks")]
    out = tmp_path / "net"
    assert main(["lung-fields", *words, "--images", "24", "--epochs", "1", "--out", str(out)]) == 0
    record = json.loads((out / "model.json").read_text())
    assert record["data"] == {"folders": ["data"], "split": "train", "images": len(_kept(tmp_path))}
    assert 20 <= record["data"]["images"] <= 24 and record["epochs"] == 1
    kept = cv2.imread(str(_kept(tmp_path)[0]), cv2.IMREAD_GRAYSCALE)
    assert kept is not None and ((kept > 0) == _ellipses(None, np.zeros((1, 1), np.float32))).all()

    capsys.readouterr()
    measured = tmp_path / "figures.json"
    asked = ["evaluate-lung-fields", *words, "--network", str(out), "--pictures", str(data / "images")]
    assert main([*asked, "--images", "6", "--out", str(measured)]) == 0
    figures = json.loads(measured.read_text())
    assert figures["no_lungs"]["data, val"]["n"] == 64 and figures["no_lungs"]["data"]["n"] == 128
    assert figures["teacher"]["data, val"]["dice"]["n"] == 6
    assert figures["boxes"]["heart, NIH_BBox_List_2017: left of the midline"]["frame"]["n"] == 16
    assert capsys.readouterr().out == markdown(figures)


def _kept(folder: Path) -> list[Path]:
    return sorted((folder / "masks").glob("*.png"))


def test_a_damaged_mask_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = tiny_dataset(tmp_path / "data", each=2)
    (tmp_path / "masks").mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("trainer.commands.lung_fields.load_teacher", lambda path: None)
        patched.setattr(masks_module, "lung_mask", _ellipses)
        for image in (data / "images").iterdir():
            (tmp_path / "masks" / image.name).write_text("no picture")
        words = ["--data", str(data), "--teacher", "w", "--masks", str(tmp_path / "masks")]
        assert main(["lung-fields", *words, "--out", str(tmp_path / "net")]) == 1
    assert "is no picture; remove it" in capsys.readouterr().err


def test_figures_of_the_card_are_those_of_the_committed_measurement() -> None:
    """Of the weights that are bundled."""
    record = json.loads((WEIGHTS / "figures.json").read_text(encoding="utf-8"))
    weights = (WEIGHTS / "model.safetensors").read_bytes()
    assert record["network"] == hashlib.sha256(weights).hexdigest(), "measure the bundled network again"
    assert len(weights) < 500_000
    card = (WEIGHTS / "MODEL_CARD.md").read_text(encoding="utf-8")
    between = re.search(r"<!-- figures -->\n(.*?)\n<!-- /figures -->", card, flags=re.DOTALL)
    assert between and between.group(1).strip() == markdown(record).strip()
    assert load_lung_net(WEIGHTS).out.in_channels == 12
    for name, figures in record["teacher"].items():
        least = 0.85 if name == "hannover" else 0.95  # nothing of Hannover was learnt from
        assert figures["dice"]["value"] > least and figures["dice"]["n"] >= 30, name


def test_the_readme_quotes_the_card() -> None:
    """Numbers of the library's README that speak of places."""
    readme = (WEIGHTS.parents[1] / "patchclip" / "README.md").read_text(encoding="utf-8")
    card = (WEIGHTS / "MODEL_CARD.md").read_text(encoding="utf-8")
    quoted = re.search(r"<!-- places -->\n(.*?)\n<!-- /places -->", readme, flags=re.DOTALL)
    assert quoted
    rows = [line for line in quoted.group(1).splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= 4
    for row in rows:
        assert row in card, row
